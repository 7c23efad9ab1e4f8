#!/usr/bin/env bash
# build/bench-idle.sh [--save]: P8, CPU of an idle server that scrapes 10 and 100 workers (72 KB of metrics each) every 50 ms.
# The yardstick scrapes nothing: its column shows what a bare server costs. Environment: see bench-common.sh, and
# IDLE_WORKERS  numbers of workers (default "10 100"); with 1000 set EPP_SCRAPE=500ms, or the workers are the limit.
# shellcheck source=build/bench-common.sh
source "$(dirname "$0")/bench-common.sh"

keep=false
case ${1:-} in
    '') ;;
    --save) keep=true ;;
    *) echo "usage: bench-idle.sh [--save]" >&2; exit 2 ;;
esac

# cores PID SECONDS: user + system time over that span, in cores.
cores() {
    local before after tick
    tick=$(getconf CLK_TCK)
    before=$(cpu_ticks "$1")
    sleep "$2"
    after=$(cpu_ticks "$1")
    jq -n --argjson d $((after - before)) --argjson t "$tick" --argjson s "$2" '$d / $t / $s'
}

span=${DURATION:-10}
interval=${EPP_SCRAPE:-50ms}
[[ $interval =~ ^[0-9]+ms$ ]] || { echo "bench-idle: EPP_SCRAPE must be milliseconds, such as 500ms" >&2; exit 2; }
for ((run = 1; run <= runs; run++)); do
    for workers in ${IDLE_WORKERS:-10 100}; do
        echo "run $run of $runs: $workers workers" >&2
        write_config "$workers"
        start_workers "$workers"
        start_server
        start_floor
        sleep "$warmup"
        ours=$(cores "$server_pid" "$span")
        record P8 ours "cores_$workers" "$ours"
        record P8 ours "us_per_scrape_$workers" "$(jq -n --argjson c "$ours" --argjson n "$workers" --argjson ms "${interval%ms}" '$c * 1000 * $ms / $n')"
        record P8 ours "rss_kb_$workers" "$(proc_kb "$server_pid" VmRSS)"
        record P8 floor "cores_$workers" "$(cores "$floor_pid" 3)"
        record P8 floor "rss_kb_$workers" "$(proc_kb "$floor_pid" VmRSS)"
        stop_server
        stop_floor
        stop_workers
    done
done

print_table <<'TABLE'
P8|cores_10|idle, 10 workers, cores|1|<= 0.015|0.76 core
P8|us_per_scrape_10|idle, 10 workers, us/scrape|1|<= 75 us|3.5 ms
P8|cores_100|idle, 100 workers, cores|1|<= 0.15|more than one core
P8|us_per_scrape_100|idle, 100 workers, us/scrape|1|<= 75 us|
P8|rss_kb_10|idle, 10 workers, RSS MB|0.001024||62 MB
P8|rss_kb_100|idle, 100 workers, RSS MB|0.001024||72 MB
P8|cores_1000|idle, 1000 workers, cores|1||
P8|us_per_scrape_1000|idle, 1000 workers, us/scrape|1|<= 75 us|
P8|rss_kb_1000|idle, 1000 workers, RSS MB|0.001024||
TABLE
! $keep || save idle
