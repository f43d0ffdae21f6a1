{{/* The name of everything. */}}
{{- define "softstop.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What never changes during the life of a release. */}}
{{- define "softstop.selectorLabels" -}}
app.kubernetes.io/name: softstop
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "softstop.labels" -}}
{{ include "softstop.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "softstop.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* Where softstop keeps its CAs, or where others put its certificate. */}}
{{- define "softstop.caSecret" -}}
{{ include "softstop.fullname" . }}-ca
{{- end -}}
{{- define "softstop.tlsSecret" -}}
{{- if eq .Values.certificates.mode "secret" -}}
{{ required "certificates.secret.name: the name of the Secret is needed in this mode" .Values.certificates.secret.name }}
{{- else -}}
{{ include "softstop.fullname" . }}-tls
{{- end -}}
{{- end -}}

{{/* What both webhook configurations say of whom to ask, and about what. */}}
{{- define "softstop.webhook" -}}
admissionReviewVersions: [v1]
timeoutSeconds: {{ .Values.webhook.timeoutSeconds }}
# Nothing is written, so dry runs are answered like any other, and `kubectl apply --dry-run=server` shows what would happen.
sideEffects: None
matchPolicy: Equivalent
rules:
  # Creation only: almost nothing that matters here can change later. Only `pods`: its subresources (status, resize,
  # ephemeralcontainers, eviction) are frequent, and none of them says how a pod stops. Templates of Deployments are left alone,
  # or GitOps tools would report drift forever.
  - operations: [CREATE]
    apiGroups: [""]
    apiVersions: [v1]
    resources: [pods]
    scope: Namespaced
# The control plane and softstop itself never wait for softstop: no loop in which its pods cannot start because it is down.
# Every pod elsewhere is sent, since a pod's own annotation may opt it in. By a name that nobody can take off.
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values: {{ append .Values.webhook.excludedNamespaces .Release.Namespace | uniq | toJson }}
    {{- with .Values.webhook.namespaceSelector }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- with .Values.webhook.objectSelector }}
objectSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
# Evaluated inside the API server: what fails one of them is never sent. Written with `?`, as an absent field is an
# error otherwise, and an error skips the webhook for every pod without annotations.
matchConditions:
  # The kubelet recreates a mirror of a static pod that differs from its file.
  - name: not-a-mirror-pod
    expression: "!('kubernetes.io/config.mirror' in object.metadata.?annotations.orValue({}))"
  {{- if .Values.webhook.skipOptedOut }}
  # Wrong where a ShutdownPolicy locks `mode`: a pod that is not sent cannot be overruled, nor refused.
  - name: not-opted-out
    expression: "object.metadata.?annotations['softstop.dev/mode'].orValue('') != 'off'"
  {{- end }}
  # Windows has no signals and no softstop-init.
  - name: not-windows
    expression: >-
      object.spec.?os.?name.orValue('') != 'windows' &&
      object.spec.?nodeSelector['kubernetes.io/os'].orValue('') != 'windows'
  {{- with .Values.webhook.matchConditions }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Whom the API server asks, at which path. */}}
{{- define "softstop.clientConfig" -}}
service:
  namespace: {{ .root.Release.Namespace }}
  name: {{ include "softstop.fullname" .root }}
  path: {{ .path }}
  port: 443
{{- if and (eq .root.Values.certificates.mode "secret") .root.Values.certificates.secret.caBundle }}
caBundle: {{ .root.Values.certificates.secret.caBundle | b64enc }}
{{- end }}
{{- end -}}

{{- define "softstop.caInjection" -}}
{{- if eq .Values.certificates.mode "certManager" -}}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "softstop.fullname" . }}
{{- end -}}
{{- end -}}

{{/* The restricted Pod Security Standard, and no more than that: the pod's and the container's half. */}}
{{- define "softstop.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}
{{- define "softstop.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
