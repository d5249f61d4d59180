{{- /*
What an application's chart includes in one template of its own: `{{ include "credential-library.all" . }}`.

.Values.credentials: specs of Credentials by name. Each is made as RELEASE-NAME, and held by the release.
.Values.credentialReferences: specs of CredentialReferences by name, to Credentials that somebody else keeps.
*/}}
{{- define "credential-library.all" }}
{{- range $name, $spec := .Values.credentials }}
{{- /* Helm deletes it before the reference to it: it goes by itself when that is gone. */}}
{{- $held := merge (deepCopy $spec) (dict "whenReferenced" "Hold") }}
{{- $full := include "credential-library.name" (list $ $name) }}
{{ include "credential-library.object" (list $ "Credential" $full $held) }}
{{ include "credential-library.object" (list $ "CredentialReference" $full (dict "credentialRef" (dict "name" $full))) }}
{{- end }}
{{- range $name, $spec := .Values.credentialReferences }}
{{ include "credential-library.object" (list $ "CredentialReference" (include "credential-library.name" (list $ $name)) $spec) }}
{{- end }}
{{- end }}

{{- /* RELEASE-NAME, for templates that name the object. */}}
{{- define "credential-library.name" }}
{{- printf "%s-%s" (index . 0).Release.Name (index . 1) | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "credential-library.object" }}
{{- $chart := index . 0 }}
{{- $spec := index . 3 }}
{{- if eq (index . 1) "CredentialReference" }}
{{- $spec = merge (deepCopy $spec) (dict "description" (printf "release %s of chart %s" $chart.Release.Name $chart.Chart.Name)) }}
{{- end -}}
---
apiVersion: credential-operator.io/v1beta1
kind: {{ index . 1 }}
metadata:
  name: {{ index . 2 }}
  labels:
    app.kubernetes.io/name: {{ $chart.Chart.Name }}
    app.kubernetes.io/instance: {{ $chart.Release.Name }}
    app.kubernetes.io/managed-by: {{ $chart.Release.Service }}
spec: {{- toYaml $spec | nindent 2 }}
{{- end }}
