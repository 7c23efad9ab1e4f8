#!/usr/bin/env bash
# Publishes src/Epp.Aot as one Native AOT binary: artifacts/epp (symbols beside it in artifacts/epp.dbg).
# net10.0 where its AOT runtime pack restores, else net9.0 (docs/adr/0001). Any warning fails.
# EPP_AOT_TFM=net9.0 skips the detection; EPP_INSTRUCTION_SET=baseline builds for CPUs without AVX2.
set -euo pipefail
cd "$(dirname "$0")/.."

# Own output tree, so that the AOT restore never disturbs a plain build of the same projects.
out=artifacts/aot
mkdir -p "$out"
log=$out/publish.log
props=(-p:EppAot=true --artifacts-path "$out")
[ -z "${EPP_INSTRUCTION_SET:-}" ] || props+=("-p:EppInstructionSet=${EPP_INSTRUCTION_SET//,/%2C}")

# The detection is remembered for half a day per SDK version: packages may appear in the feed later.
detect_framework() {
    local memo
    memo=$out/tfm-$(dotnet --version)
    if [ -n "$(find "$memo" -mmin -720 2>/dev/null)" ]; then
        cat "$memo"
        return
    fi
    local tfm
    for tfm in net10.0 net9.0; do
        if dotnet restore src/Epp.Aot -r linux-x64 "${props[@]}" "-p:EppTargetFramework=$tfm" -v q >"$log" 2>&1; then
            echo "$tfm" | tee "$memo"
            return
        fi
        grep -qE 'NU110[123]' "$log" || break
    done
    echo "aot: neither net10.0 nor net9.0 restores for Native AOT; the last answer was:" >&2
    tail -n 20 "$log" >&2
    return 1
}

tfm=${EPP_AOT_TFM:-$(detect_framework)}
started=$(date +%s)
if ! dotnet publish src/Epp.Aot -c Release -r linux-x64 "${props[@]}" "-p:EppTargetFramework=$tfm" \
        -o "$out/publish" >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
# Warnings are errors in MSBuild already; this catches those of the native linker, which MSBuild only prints.
if grep -E 'warning( [A-Z]+[0-9]+)?:|: warning ' "$log" >&2; then
    echo "aot: the publish printed warnings (above); fix them, none is accepted." >&2
    exit 1
fi

cp "$out/publish/epp" artifacts/epp.new
mv artifacts/epp.new artifacts/epp
rm -f "$out/publish/epp.dbg.old"
[ ! -f "$out/publish/epp.dbg" ] || mv "$out/publish/epp.dbg" artifacts/epp.dbg

size=$(stat -c %s artifacts/epp)
limit=${EPP_MAX_BINARY_BYTES:-15000000}
isa=$(dotnet msbuild src/Epp.Aot -getProperty:IlcInstructionSet -p:EppAot=true "-p:EppTargetFramework=$tfm" \
    ${EPP_INSTRUCTION_SET:+"-p:EppInstructionSet=${EPP_INSTRUCTION_SET//,/%2C}"})
printf 'artifacts/epp: %s bytes, %s, instruction set %s, published in %s s\n' \
    "$size" "$tfm" "${isa:-x86-64 baseline}" "$(($(date +%s) - started))"
if [ "$size" -gt "$limit" ]; then
    echo "aot: the binary has $size bytes, the limit is $limit (EPP_MAX_BINARY_BYTES): find what grew it." >&2
    exit 1
fi
