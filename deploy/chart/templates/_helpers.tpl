{{- define "epp.name" -}}
{{- .Values.fullnameOverride | default (printf "%s-epp" (.Release.Name | trunc 40 | trimSuffix "-")) -}}
{{- end -}}

{{- define "epp.labels" -}}
app.kubernetes.io/name: {{ include "epp.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* GAIE's selector label: scrapers and dashboards of that chart find the pods by it. */}}
{{- define "epp.selectorLabels" -}}
inferencepool: {{ include "epp.name" . }}
{{- end -}}

{{/* Both spellings as one: epp, pool, tracing, monitoring. router wins. */}}
{{- define "epp.settings" -}}
{{- $router := .Values.router | default dict -}}
{{- $old := .Values.inferenceExtension | default dict -}}
{{- $epp := mergeOverwrite (deepCopy $old) (deepCopy ($router.epp | default dict)) -}}
{{- $pool := mergeOverwrite (deepCopy (.Values.inferencePool | default dict)) (deepCopy ($router.inferencePool | default dict)) -}}
{{- $servers := mergeOverwrite (deepCopy ($pool.modelServers | default dict)) (deepCopy ($router.modelServers | default dict)) -}}
{{- $ports := $servers.targetPorts | default $pool.targetPorts | default (list (dict "number" ($pool.targetPortNumber | default 8000))) -}}
{{- $tracing := mergeOverwrite (deepCopy ($old.tracing | default dict)) (deepCopy ($router.tracing | default dict)) -}}
{{- $monitoring := mergeOverwrite (deepCopy ($old.monitoring | default dict)) (deepCopy ($router.monitoring | default dict)) -}}
{{- dict "epp" $epp "pool" $pool "labels" ($servers.matchLabels | default dict) "ports" $ports "tracing" $tracing "monitoring" $monitoring | toYaml -}}
{{- end -}}

{{- define "epp.image" -}}
{{- $image := .epp.image | default dict -}}
{{- $registry := $image.registry | default $image.hub -}}
{{- $repository := $image.repository | default $image.name | default "epp" -}}
{{- if $registry }}{{ $registry }}/{{ end }}{{ $repository }}:{{ $image.tag | default .version }}
{{- end -}}

{{- define "epp.leaderElection" -}}
{{- if ne (toString .Values.leaderElection) "" -}}{{ toString .Values.leaderElection }}{{- else -}}{{ gt (.settings.epp.replicas | default 1 | int) 1 }}{{- end -}}
{{- end -}}

{{- define "epp.poolGroup" -}}
{{- (splitList "/" (.pool.apiVersion | default "inference.networking.k8s.io/v1")) | first -}}
{{- end -}}
