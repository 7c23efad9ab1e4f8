#!/usr/bin/env bash
# Random texts through the Hugging Face library (npm package tokenizers, its own binary) and through ours, for every tokenizer of the
# repository and of the shared data, and of the folder EPP_TOKENIZERS: build/fuzz-tokenizers.sh [TEXTS_PER_FAMILY] [SEED] [FAMILY]
# Then random tokenizers: EPP_FUZZ_SHAPES says how many.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ ! -d artifacts/oracle/node_modules/tokenizers ]; then
    mkdir -p artifacts/oracle
    npm install --ignore-scripts --no-audit --no-fund --prefix artifacts/oracle tokenizers@0.23.2
fi
dotnet build tests/Epp.Native.Tests -c Release -v q -clp:Summary -nologo
EPP_FUZZ_TEXTS=${1:-100000} EPP_FUZZ_SEED=${2:-1} EPP_FUZZ_FAMILY=${3:-} EPP_FUZZ_SHAPES=${EPP_FUZZ_SHAPES:-5000} dotnet test tests/Epp.Native.Tests -c Release --no-build \
    --filter 'FullyQualifiedName~Tokens.OracleTests|FullyQualifiedName~ShapeOracleTests' --logger 'console;verbosity=normal'
