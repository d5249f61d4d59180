{{- /* Name of everything in the release's namespace. */ -}}
{{- define "credential-operator.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /*
Name of what has no namespace. Installations for lists of namespaces may be many in one cluster, so theirs
say which it is.
*/ -}}
{{- define "credential-operator.clusterName" -}}
{{- include "credential-operator.fullname" . -}}
{{- if .Values.watchNamespaces }}-{{ .Release.Namespace }}{{ end -}}
{{- end -}}

{{- define "credential-operator.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "credential-operator.fullname" .) -}}
{{- end -}}

{{- define "credential-operator.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "credential-operator.labels" -}}
{{ include "credential-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* Who gets the operator's roles. */ -}}
{{- define "credential-operator.subjects" -}}
- kind: ServiceAccount
  name: {{ include "credential-operator.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{- /*
The binding of a policy, for `dict "root" $ "name" NAME`: everywhere, or in the namespaces of the list.
*/ -}}
{{- define "credential-operator.policyBinding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name }}
  labels: {{- include "credential-operator.labels" .root | nindent 4 }}
spec:
  policyName: {{ .name }}
  validationActions: [Deny]
  {{- include "credential-operator.policyNamespaces" .root | nindent 2 }}
{{- end -}}

{{- define "credential-operator.policyNamespaces" -}}
{{- if .Values.watchNamespaces -}}
matchResources:
  {{- include "credential-operator.servedNamespaces" . | nindent 2 }}
{{- end -}}
{{- end -}}

{{- define "credential-operator.servedNamespaces" -}}
{{- with .Values.watchNamespaces -}}
namespaceSelector:
  matchExpressions:
  - {key: kubernetes.io/metadata.name, operator: In, values: {{ toJson . }}}
{{- end -}}
{{- end -}}

{{- /* The targets of an object of either kind, and what it distributes, for the CEL name of the object. */}}
{{- define "credential-operator.targetsOf" -}}
(dyn({{ . }}.spec).?targets.orValue([]) + (has(dyn({{ . }}.spec).target) ? [dyn({{ . }}.spec).target] : []) + (has(dyn({{ . }}.spec).distribute) && has(dyn({{ . }}.spec).distribute.target) ? [dyn({{ . }}.spec).distribute.target] : []) + (has(dyn({{ . }}.spec).rotation) ? [{'name': dyn({{ . }}.spec).rotation.store}] : []))
{{- end -}}

{{- /* Tells in CEL whether a target of the object is new, or other than it was. */}}
{{- define "credential-operator.targetChanged" -}}
(request.operation == 'CREATE' || !(target in {{ include "credential-operator.targetsOf" "oldObject" }}))
{{- end -}}

{{- /* Fields of a Credential's spec that do not say where a key or a token is sent; targets are looked at apart. */}}
{{- define "credential-operator.harmlessFields" -}}
['displayName', 'description', 'owner', 'suspend', 'validation', 'targets', 'discoverReach', 'acceptReferences', 'whenReferenced', 'targetDeletionPolicy', 'expiresAt', 'expiry']
{{- end -}}
