"""A real Kubernetes control plane without a cluster, for the demo, the tests and the bench.

>>> from controlplane import ControlPlane
>>> with ControlPlane() as plane:
...     plane.kubectl("get", "namespaces")
"""

from controlplane import tools
from controlplane.cluster import Cluster, CommandError
from controlplane.plane import ControlPlane

__all__ = ["Cluster", "CommandError", "ControlPlane", "tools"]
