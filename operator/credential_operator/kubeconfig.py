"""Which cluster it is: as kubectl finds it, or by a Pod's own account."""

import os
import urllib.parse

import yaml
from kubernetes.aio import client, config

from credential_operator import errors

Configuration = client.Configuration
REMEDY = (
    "Set KUBECONFIG to a file whose current context is the cluster, or run it in a Pod with a ServiceAccount."
)


async def configuration() -> Configuration:
    """Finds the cluster as kubectl does: KUBECONFIG or the default file, else the Pod's own account.

    Raises NoCluster where there is none, or one that cannot be used.
    """
    found, file = Configuration(), os.environ.get("KUBECONFIG")
    try:
        if os.environ.get("KUBERNETES_SERVICE_HOST") and not file:
            config.load_incluster_config(client_configuration=found)
        else:
            await config.load_kube_config(file, client_configuration=found, persist_config=False)
    except config.ConfigException as error:
        raise errors.NoCluster(
            f"There is no cluster to work with. {str(error).rstrip('.')}. {REMEDY}"
        ) from None
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        # What these say may repeat a part of the file, which has tokens.
        what = type(error).__name__
        raise errors.NoCluster(
            f"There is no cluster to work with: the kubeconfig cannot be read ({what}). {REMEDY}"
        ) from None
    return found


def authority(found: Configuration) -> str:
    """Gives the API server's `host:port`."""
    parts = urllib.parse.urlsplit(found.host)
    return f"{parts.netloc}" if parts.port else f"{parts.netloc}:{443 if parts.scheme == 'https' else 80}"
