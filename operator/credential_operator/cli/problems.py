"""What a command ends with: exit statuses, and errors in a sentence that says what to do."""

import enum

import click


class Exit(enum.IntEnum):
    """The exit statuses of every command; docs/kubectl-credential.md has them for people."""

    DONE = 0
    REFUSED = 1
    """The API server, or the kubeconfig, says no."""
    USAGE = 2
    """The command line, or what was typed or read, cannot be meant."""
    NOT_VALID = 3
    """The provider has not accepted the key."""
    BLOCKED = 4
    """Somebody needs the Credential."""
    TIMEOUT = 5
    """The operator or the provider has not answered in time."""
    INTERRUPTED = 130


class Problem(click.ClickException):
    """Why a command could not do what it was asked for, and what to do; `reason` is the API server's word for it."""

    def __init__(self, message: str, status: Exit = Exit.REFUSED, *, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
