# Shared by bench-e2e.sh and bench-idle.sh (sourced): finds the tools, starts servers on core 0, reads /proc, keeps results.
# shellcheck shell=bash
#
# EPP_SHARED   folder with tools/get (default ../shared beside the repository)
# EPP_START    command that starts the server under test, as one string; it sees EPP_CONFIG, EPP_GRPC_PORT,
#              EPP_HEALTH_PORT, EPP_METRICS_PORT, EPP_SECURE, EPP_SCRAPE. Default: artifacts/epp with file discovery.
# RUNS         runs per row (default 1; a claim needs 5). DURATION, WARMUP: seconds of one measurement (default 5, 2).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

shared=${EPP_SHARED:-../shared}
if [ ! -x "$shared/tools/get" ]; then
    echo "bench: the load generator and the yardstick server are not here: $shared/tools/get is missing." >&2
    echo "bench: put the shared folder beside this repository or set EPP_SHARED; 'make bench' needs neither." >&2
    exit 3
fi
command -v jq >/dev/null || { echo "bench: jq is missing (Debian package jq)" >&2; exit 3; }
loadgen=$("$shared/tools/get" epp-loadgen) || exit 3
floor=$("$shared/tools/get" epp-floor) || exit 3
start_default='exec artifacts/epp --pool-name pool --config-file $EPP_CONFIG --grpc-port $EPP_GRPC_PORT --grpc-health-port $EPP_HEALTH_PORT --metrics-port $EPP_METRICS_PORT --secure-serving=${EPP_SECURE:-false} --refresh-metrics-interval=${EPP_SCRAPE:-50ms}'
start=${EPP_START:-$start_default}
if [ -z "${EPP_START:-}" ] && [ ! -x artifacts/epp ]; then
    echo "bench: artifacts/epp is missing; run 'make aot' first, or set EPP_START" >&2
    exit 3
fi

runs=${RUNS:-1} duration=${DURATION:-5} warmup=${WARMUP:-2}
server_core=${SERVER_CORE:-0} load_core=${LOAD_CORE:-1}
export EPP_GRPC_PORT=${EPP_GRPC_PORT:-28102} EPP_HEALTH_PORT=${EPP_HEALTH_PORT:-28103} EPP_METRICS_PORT=${EPP_METRICS_PORT:-28190}
floor_port=${FLOOR_PORT:-28112} worker_base=${WORKER_BASE:-30000}
work=$(mktemp -d)
results=$work/results.jsonl
: >"$results"
server_pid='' floor_pid='' workers_pid=''

stop_one() {
    [ -n "$1" ] || return 0
    kill -TERM "$1" 2>/dev/null
    for _ in $(seq 40); do kill -0 "$1" 2>/dev/null || break; sleep 0.1; done
    kill -KILL "$1" 2>/dev/null
    wait "$1" 2>/dev/null
}
stop_server() { stop_one "$server_pid"; server_pid=''; }
stop_floor() { stop_one "$floor_pid"; floor_pid=''; }
stop_workers() { stop_one "$workers_pid"; workers_pid=''; }
cleanup() { stop_server; stop_floor; stop_workers; rm -rf "$work"; }
trap cleanup EXIT
trap 'exit 130' INT TERM

# write_config N: N endpoints from $worker_base on, default scorers, file discovery.
write_config() {
    { echo "endpoints:"; for ((i = 0; i < $1; i++)); do
        echo "- {name: w$i, address: 127.0.0.1, port: \"$((worker_base + i))\"}"; done; } >"$work/endpoints.yaml"
    export EPP_CONFIG=$work/config.yaml
    cat >"$EPP_CONFIG" <<YAML
apiVersion: llm-d.ai/v1alpha1
kind: EndpointPickerConfig
plugins:
- {name: file-disc, type: file-discovery, parameters: {path: $work/endpoints.yaml, watchFile: true}}
- {type: queue-scorer}
- {type: kv-cache-utilization-scorer}
- {type: prefix-cache-scorer}
- {type: max-score-picker}
schedulingProfiles:
- name: default
  plugins:
  - {pluginRef: queue-scorer, weight: 2}
  - {pluginRef: kv-cache-utilization-scorer, weight: 2}
  - {pluginRef: prefix-cache-scorer, weight: 3}
  - {pluginRef: max-score-picker}
dataLayer:
  discovery: {pluginRef: file-disc}
YAML
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A stranger on the port would be measured in our place.
require_free() {
    ! listens "$1" || { echo "bench: port $1 is taken by another process; set EPP_GRPC_PORT, FLOOR_PORT or WORKER_BASE" >&2; exit 1; }
}

wait_port() {
    for _ in $(seq 3000); do
        kill -0 "$2" 2>/dev/null || break
        listens "$1" && return 0
        sleep 0.02
    done
    echo "bench: nothing listens on port $1; the server said:" >&2
    tail -n 20 "$3" >&2
    exit 1
}

start_workers() {
    require_free "$worker_base"
    taskset -c "$load_core" "$loadgen" -workers "$1" -base "$worker_base" >"$work/workers.log" 2>&1 &
    workers_pid=$!
    wait_port $((worker_base + $1 - 1)) "$workers_pid" "$work/workers.log"
}
start_server() {
    require_free "$EPP_GRPC_PORT"
    taskset -c "$server_core" bash -c "$start" >"$work/server.log" 2>&1 &
    server_pid=$!
    wait_port "$EPP_GRPC_PORT" "$server_pid" "$work/server.log"
}
start_floor() {
    require_free "$floor_port"
    PORT=$floor_port MODE=custom taskset -c "$server_core" "$floor" >"$work/floor.log" 2>&1 &
    floor_pid=$!
    wait_port "$floor_port" "$floor_pid" "$work/floor.log"
}

proc_kb() { awk -v f="$2:" '$1 == f { print $2 }' "/proc/$1/status" 2>/dev/null || echo 0; }
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# load PORT PID FLAGS...: one measurement, one JSON object.
load() {
    local port=$1 pid=$2
    shift 2
    taskset -c "$load_core" "$loadgen" -addr "127.0.0.1:$port" -pid "$pid" -duration "${duration}s" -warmup "${warmup}s" "$@" 2>>"$work/load.log"
}

# record ROW WHO METRIC VALUE
record() { printf '{"row":"%s","who":"%s","metric":"%s","value":%s}\n' "$1" "$2" "$3" "${4:-null}" >>"$results"; }

# record_load ROW WHO JSON METRIC...: keeps the named fields; a run with failures or without requests is no figure.
record_load() {
    local row=$1 who=$2 json=$3
    shift 3
    if [ "$(jq -r '(.requests > 0) and (.failed == 0)' <<<"$json" 2>/dev/null)" != true ]; then
        echo "bench: $row $who: $(jq -r '"\(.failed) failed, \(.requests) done: \(.first_error // "no request finished")"' <<<"$json" 2>/dev/null || echo "no answer from the load generator")" >&2
        for metric; do record "$row" "$who" "$metric" null; done
        return
    fi
    for metric; do record "$row" "$who" "$metric" "$(jq ".$metric" <<<"$json")"; done
}

# The table: ROW|metric|unit|scale|target|llm-d, one per line on stdin; ours and floor as median (min..max over runs).
print_table() {
    printf '%-4s %-30s %-26s %-26s %-9s %-34s %s\n' row what ours floor ours/floor target 'llm-d/floor'
    local row metric what scale target llmd
    while IFS='|' read -r row metric what scale target llmd; do
        jq -rs --arg row "$row" --arg metric "$metric" --arg what "$what" --argjson scale "$scale" --arg target "$target" --arg llmd "$llmd" '
            def values($who): [.[] | select(.row == $row and .metric == $metric and .who == $who) | .value | select(. != null) | . * $scale] | sort;
            def median: if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
            def short: if . == null then "-" elif . >= 100 then (. | round | tostring) elif . >= 1 then (. * 100 | round / 100 | tostring) else (. * 10000 | round / 10000 | tostring) end;
            def cell: if length == 0 then "-" elif length == 1 then (.[0] | short) else "\(median | short) (\(min | short)..\(max | short))" end;
            (values("ours")) as $o | (values("floor")) as $f |
            if ([.[] | select(.row == $row)] | length) == 0 then empty
            else [$row, $what, ($o | cell), ($f | cell),
                  (if ($o | length) > 0 and ($f | length) > 0 and ($f | median) > 0 then (($o | median) / ($f | median) | short) else "-" end),
                  $target, $llmd] | map(if . == "" then "-" else . end) | @tsv end' "$results" |
            while IFS=$'\t' read -r a b c d e f g; do printf '%-4s %-30s %-26s %-26s %-9s %-34s %s\n' "$a" "$b" "$c" "$d" "$e" "$f" "$g"; done
    done
}

# save NAME: keeps every value with the machine and the build in bench/baselines/NAME.json.
save() {
    mkdir -p bench/baselines
    jq -s --arg commit "$(git rev-parse --short HEAD 2>/dev/null)" --arg cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
        --arg command "$start" --argjson runs "$runs" --argjson seconds "$duration" \
        '{commit: $commit, cpu: $cpu, command: $command, runs: $runs, seconds: $seconds,
          values: (group_by([.row, .who, .metric]) | map({row: .[0].row, who: .[0].who, metric: .[0].metric, values: map(.value)}))}' \
        "$results" >"bench/baselines/$1.json"
    echo "saved bench/baselines/$1.json"
}
