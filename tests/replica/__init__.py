"""One replica of the operator as a process, as tests, demo and bench run it: under its own ServiceAccount."""

from replica.install import Installed, identify, install, wait_until_in_force
from replica.process import Replica

__all__ = ["Installed", "Replica", "identify", "install", "wait_until_in_force"]
