#!/usr/bin/env bash
# Random texts through the Hugging Face library (npm package tokenizers, its own binary) and through ours, for every tokenizer of the
# repository and of the shared data: build/fuzz-tokenizers.sh [TEXTS_PER_FAMILY] [SEED] [FAMILY]
set -euo pipefail
cd "$(dirname "$0")/.."
if [ ! -d artifacts/oracle/node_modules/tokenizers ]; then
    mkdir -p artifacts/oracle
    npm install --ignore-scripts --no-audit --no-fund --prefix artifacts/oracle tokenizers@0.23.2
fi
dotnet build tests/Epp.Native.Tests -c Release -v q -clp:Summary -nologo
EPP_FUZZ_TEXTS=${1:-100000} EPP_FUZZ_SEED=${2:-1} EPP_FUZZ_FAMILY=${3:-} dotnet test tests/Epp.Native.Tests -c Release --no-build \
    --filter 'FullyQualifiedName~OracleTests' --logger 'console;verbosity=normal'
