// Package definitions names the packages whose types are custom resources that
// rules of the operator read, or that the chart makes: the generator that their
// projects use writes their definitions anew from them. It is never built.
package definitions

import (
	_ "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	_ "github.com/external-secrets/external-secrets/apis/externalsecrets/v1"
	_ "github.com/external-secrets/external-secrets/apis/externalsecrets/v1alpha1"
	_ "github.com/external-secrets/external-secrets/apis/generators/v1alpha1"
	_ "github.com/fluxcd/helm-controller/api/v2"
	_ "github.com/fluxcd/image-reflector-controller/api/v1"
	_ "github.com/fluxcd/kustomize-controller/api/v1"
	_ "github.com/fluxcd/notification-controller/api/v1beta3"
	_ "github.com/fluxcd/source-controller/api/v1"
	_ "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	_ "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	_ "github.com/vmware-tanzu/velero/pkg/apis/velero/v1"
)
