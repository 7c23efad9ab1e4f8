#!/usr/bin/env bash
# build/test.sh [PROJECT...]: runs test projects that are already built (all of tests/*.Tests without arguments)
# and ends with exactly one line `N passed, N failed, N skipped` that sums them. Exit code 1 when anything failed.
# EPP_REQUIRE_TOOLS=1: a test skipped for want of a tool or artifact that can be had counts as failed.
set -uo pipefail
cd "$(dirname "$0")/.."

configuration=${CONFIGURATION:-Release}
results=$PWD/artifacts/test-results
rm -rf "$results"
mkdir -p "$results"
projects=("$@")
[ ${#projects[@]} -gt 0 ] || projects=(tests/*.Tests)
[ -n "${EPP_BINARY:-}" ] || [ ! -x artifacts/epp ] || export EPP_BINARY=$PWD/artifacts/epp

# A skip is excusable where the shared material or the hardware is absent; anything else can be installed or built.
avoidable='Debian|apt-get|not installed|artifacts/|make (aot|image)|EPP_BINARY'
passed=0 failed=0 skipped=0

outcomes() { grep -oE "<UnitTestResult [^>]*outcome=\"($2)\"" "$1" 2>/dev/null | wc -l; }

# One line per skipped test: its name, then the reason as the runner recorded it.
skips() {
    tr '\n\r' '  ' <"$1" | sed 's/<UnitTestResult /\n&/g' | grep 'outcome="NotExecuted"' |
        sed -E 's/.*testName="([^"]*)".*<Message>([^<]*)<.*/\1: \2/; s/.*testName="([^"]*)".*<StdOut>([^<]*)<.*/\1: \2/; s/<.*testName="([^"]*)".*/\1: no reason given/'
}

for project in "${projects[@]}"; do
    name=$(basename "$project")
    trx=$results/$name.trx
    timeout -k 10 "${EPP_TEST_TIMEOUT:-15m}" dotnet test "$project" -c "$configuration" --no-build --nologo -v q \
        --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=minimal" \
        --results-directory "$results" 2>&1 | grep -vE '^(Test run for|A total of|Results File:|VSTest|$)'
    code=${PIPESTATUS[0]}
    if [ ! -f "$trx" ]; then
        # A project without tests succeeds without a result file; a crashed one does not.
        [ $code -eq 0 ] || { echo "test: $name ended with exit code $code and no result file"; failed=$((failed + 1)); }
        continue
    fi
    bad=$(outcomes "$trx" 'Failed|Error|Timeout|Aborted')
    [ $code -eq 0 ] || [ "$bad" -gt 0 ] || { echo "test: $name ended with exit code $code although no test failed"; bad=1; }
    list=$(skips "$trx")
    if [ -n "$list" ]; then
        echo "$list" | sed 's/^/  skipped: /'
        if [ "${EPP_REQUIRE_TOOLS:-}" = 1 ]; then
            unwanted=$(echo "$list" | grep -E "$avoidable" | grep -vcE 'shared/|golden')
            [ "$unwanted" -eq 0 ] || echo "test: $name skipped $unwanted test(s) for want of something that can be had (EPP_REQUIRE_TOOLS=1)"
            bad=$((bad + unwanted))
            skipped=$((skipped - unwanted))
        fi
    fi
    passed=$((passed + $(outcomes "$trx" Passed)))
    failed=$((failed + bad))
    skipped=$((skipped + $(outcomes "$trx" NotExecuted)))
done

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
