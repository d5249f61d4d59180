"""What a user of the operator does, with the real commands and their real output.

    python -m demo [--check] [--kubeconfig FILE]

`terminal` prints, `shell` runs what it prints, `world` starts everything, `walk` is the story.
"""
