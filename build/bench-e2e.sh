#!/usr/bin/env bash
# build/bench-e2e.sh [--save] [ROW...]: drives the server under test and the yardstick server in the same run and prints
# ours, floor, their ratio, the target, and where llm-d stands. Rows: P1 P2 P3 P4 P5 P7 P12 P13 (default: all).
# Server on core 0, load on core 1. Environment: see bench-common.sh.
# shellcheck source=build/bench-common.sh
source "$(dirname "$0")/bench-common.sh"

keep=false rows=()
for argument; do
    case $argument in
        --save) keep=true ;;
        P1 | P2 | P3 | P4 | P5 | P7 | P12 | P13) rows+=("$argument") ;;
        *) echo "usage: bench-e2e.sh [--save] [P1 P2 P3 P4 P5 P7 P12 P13]" >&2; exit 2 ;;
    esac
done
[ ${#rows[@]} -gt 0 ] || rows=(P1 P2 P3 P4 P5 P7 P12 P13)

# both ROW METRIC -- FLAGS: the same load against ours and the yardstick, one after the other.
both() {
    local row=$1 metrics=()
    shift
    while [ "$1" != -- ]; do metrics+=("$1"); shift; done
    shift
    record_load "$row" ours "$(load "$EPP_GRPC_PORT" "$server_pid" "$@")" "${metrics[@]}"
    record_load "$row" floor "$(load "$floor_port" "$floor_pid" "$@")" "${metrics[@]}"
}

# peak ROW WHO PORT PID FLAGS: highest RSS of a fresh process under that load, and its growth over idle.
peak() {
    local row=$1 who=$2 port=$3 pid=$4 idle json
    shift 4
    idle=$(proc_kb "$pid" VmRSS)
    json=$(load "$port" "$pid" "$@")
    record_load "$row" "$who" "$json" server_peak_kb server_cpu_us_per_request
    [ "$(jq '.failed == 0' <<<"$json")" != true ] || record "$row" "$who" growth_kb $(($(proc_kb "$pid" VmHWM) - idle))
}

# scrape INTERVAL: from now on the server scrapes the workers at this interval.
scrape() {
    [ "$EPP_SCRAPE" = "$1" ] && return
    export EPP_SCRAPE=$1
    stop_server; start_server
}
restart() { stop_server; start_server; stop_floor; start_floor; }

row_P1() {
    scrape 50ms
    both P1s server_cpu_us_per_request rps -- -concurrency 64 -body 900
    both P1r server_cpu_us_per_request -- -rate 100 -body 900
    # The same without the 200 scrapes a second, which are row P8: what a request itself costs.
    scrape 5s
    both P1n server_cpu_us_per_request -- -rate 100 -body 900
}
# As in the reference's measurements only P1 (and P8) scrape at the default interval: at 3/s five scrapes fall on each request.
row_P2() { scrape 5s; both P2 server_cpu_us_per_request rps -- -concurrency 32 -body 16000; }
row_P3() {
    scrape 5s
    both P3a server_cpu_us_per_request decision_ms_p50 -- -rate 3 -body 450000
    both P3b server_cpu_us_per_request rps -- -concurrency 20 -body 220000
    restart
    peak P3c ours "$EPP_GRPC_PORT" "$server_pid" -concurrency 16 -body 450000
    peak P3c floor "$floor_port" "$floor_pid" -concurrency 16 -body 450000
}
row_P4() {
    scrape 5s
    # The yardstick answers in one message, above the load generator's 4 MiB limit: no figure for it.
    restart
    peak P4 ours "$EPP_GRPC_PORT" "$server_pid" -concurrency 1 -body 4400000
}
row_P5() {
    scrape 5s
    # The yardstick has no response phase. CPU of one chunk = (with 100 chunks - without) / 100.
    local with without
    with=$(load "$EPP_GRPC_PORT" "$server_pid" -concurrency 32 -body 900 -chunks 100)
    without=$(load "$EPP_GRPC_PORT" "$server_pid" -concurrency 32 -body 900)
    record_load P5 ours "$with" server_cpu_us_per_request chunk_ms_p50
    record P5 ours us_per_chunk "$(jq -n --argjson a "$(jq '.server_cpu_us_per_request // null' <<<"$with")" \
        --argjson b "$(jq '.server_cpu_us_per_request // null' <<<"$without")" 'if $a and $b then ($a - $b) / 100 else null end')"
}
row_P7() { scrape 5s; both P7 decision_ms_p50 decision_ms_p99 -- -rate 500 -body 900; }

row_P12() {
    scrape 50ms
    # The clock stops when the port accepts; polling adds up to 20 ms.
    stop_server; stop_floor
    write_config 100
    local ms
    export EPP_SECURE=true
    ms=$(date +%s%N); start_server; record P12 ours start_ms $((($(date +%s%N) - ms) / 1000000))
    ms=$(date +%s%N); start_floor; record P12 floor start_ms $((($(date +%s%N) - ms) / 1000000))
    # 100 endpoints that do not answer would measure connection failures: they are served, idle.
    stop_workers; start_workers 100
    sleep 5
    record P12 ours idle_kb "$(proc_kb "$server_pid" VmRSS)"
    record P12 floor idle_kb "$(proc_kb "$floor_pid" VmRSS)"
    [ ! -f artifacts/epp ] || record P12 ours binary_bytes "$(stat -c %s artifacts/epp)"
    record P12 floor binary_bytes "$(stat -c %s "$floor")"
    export EPP_SECURE=false
    stop_workers; start_workers 10
    write_config 10
    restart
}
row_P13() {
    local lab=bench/Epp.Lab/bin/Release/net10.0/epp-lab.dll json
    [ -f $lab ] || dotnet build bench/Epp.Lab -c Release -v q >&2 || exit 1
    restart
    json=$(taskset -c "$load_core" dotnet $lab streams --addr "http://127.0.0.1:$EPP_GRPC_PORT" --pid "$server_pid" --count "${STREAMS:-10000}" --body 2048)
    echo "P13 ours: $json" >&2
    record P13 ours held_kb "$(jq '.server_held_kb' <<<"$json")"
    record P13 ours errors "$(jq '.errors' <<<"$json")"
    json=$(taskset -c "$load_core" dotnet $lab streams --addr "http://127.0.0.1:$floor_port" --pid "$floor_pid" --count "${STREAMS:-10000}" --body 2048)
    record P13 floor held_kb "$(jq '.server_held_kb' <<<"$json")"
    record P13 floor errors "$(jq '.errors' <<<"$json")"
    restart
}

export EPP_SCRAPE=50ms
write_config 10
start_workers 10
start_server
start_floor
for ((run = 1; run <= runs; run++)); do
    for row in "${rows[@]}"; do
        echo "run $run of $runs: $row" >&2
        "row_$row"
    done
done

print_table <<'TABLE'
P1s|server_cpu_us_per_request|900 B saturated, us CPU/req|1|<= 1.5 x floor|8.2, with scraping 27
P1s|rps|900 B saturated, requests/s|1||
P1r|server_cpu_us_per_request|900 B at 100/s, us CPU/req|1|<= 1.0 x floor, then 0.4|2
P1n|server_cpu_us_per_request|the same, scraped every 5 s|1||2
P2|server_cpu_us_per_request|16 KB saturated, us CPU/req|1|<= 2 x floor|9.8
P3a|server_cpu_us_per_request|450 KB at 3/s, us CPU/req|1|<= 1.0 x floor|9.4
P3a|decision_ms_p50|450 KB at 3/s, p50 ms|1||8.2
P3b|server_cpu_us_per_request|220 KB x 20, us CPU/req|1|<= 1.0 x floor|9.6
P3c|server_peak_kb|450 KB x 16, peak RSS MB|0.001024|<= 64 MB|
P4|server_cpu_us_per_request|4.4 MB body, ms CPU/req|0.001|<= 15 ms|
P4|growth_kb|4.4 MB body, RSS growth MB|0.001024|<= 9.7 MB (2.2 x in flight)|
P5|us_per_chunk|100 SSE chunks, us CPU/chunk|1|<= 4 us|17.6 us
P7|decision_ms_p50|500/s, decision p50 ms|1|<= 1.0 x floor|
P7|decision_ms_p99|500/s, decision p99 ms|1|<= floor + 1 ms|
P12|idle_kb|TLS, 100 endpoints, idle RSS MB|0.001024|<= 40 MB|72 MB
P12|binary_bytes|binary MB|0.000001|<= 15 MB|12
P12|start_ms|start to port open, ms|1|<= 150 ms|50-150 ms
P13|held_kb|10,000 open streams, RSS MB|0.001024|<= 250 MB|
P13|errors|10,000 open streams, errors|1|0|
TABLE
! $keep || save e2e
