"""`kubectl credential`: what people do with Credentials, with their own kubectl, rights and kubeconfig.

`app` puts the commands together, each of which is loaded when it is called; `kubectl` is the only way to the
cluster; `documents`, `listing`, `description`, `picture` and `advice` say what is shown, purely; `screen` prints it.
"""
