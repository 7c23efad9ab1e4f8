#!/usr/bin/env bash
# From a clean clone to every test passed: tools, build, AOT binary, image, all test projects (end-to-end included).
# Its last line is `N passed, N failed, N skipped`.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s (%s s)\n' "$1" "$SECONDS"; }

step "tools"
build/install-tools.sh
if command -v npm >/dev/null && [ ! -d artifacts/oracle/node_modules/tokenizers ]; then
    # The library that token ids are compared with; without npm that one test skips and says so.
    mkdir -p artifacts/oracle
    npm install --ignore-scripts --no-audit --no-fund --silent --prefix artifacts/oracle tokenizers@0.23.2
fi
step "build"
make --no-print-directory build
step "AOT binary"
build/aot.sh
step "image"
if command -v umoci >/dev/null; then
    build/image.sh
elif [ "${EPP_REQUIRE_TOOLS:-}" = 1 ]; then
    echo "check: umoci is missing (Debian package umoci)" >&2
    exit 1
else
    echo "check: no image, umoci is missing (Debian package umoci)"
fi
step "allocations"
dotnet run --no-build -c Release --project bench/Epp.Bench -- --allocations | tail -n 1
step "tests"
EPP_BINARY=$PWD/artifacts/epp build/test.sh
