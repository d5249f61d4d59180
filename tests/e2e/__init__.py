"""The operator's image on a node with real Pods: one that is made here, or those of the cluster of a kubeconfig."""
