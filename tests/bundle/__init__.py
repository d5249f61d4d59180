"""`make cli`: the plugin as one file that needs nothing but Python, its archive, and its manifest for Krew."""
