"""What users install from: manifests for kustomize, and all the files of a release."""
