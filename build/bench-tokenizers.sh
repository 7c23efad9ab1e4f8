#!/usr/bin/env bash
# Tokenizing speed beside the Hugging Face library in the same run: build/bench-tokenizers.sh TOKENIZER_JSON...
# Without arguments: the tokenizers of the shared data, where there are any, else small ones of the repository.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ ! -d artifacts/oracle/node_modules/tokenizers ]; then
    mkdir -p artifacts/oracle
    npm install --ignore-scripts --no-audit --no-fund --prefix artifacts/oracle tokenizers@0.23.2
fi
files=("$@")
if [ ${#files[@]} = 0 ]; then
    shared=${EPP_SHARED:-../shared}/data/tokenizers
    mapfile -t files < <(find "$shared" -name tokenizer.json 2>/dev/null | sort)
    [ ${#files[@]} -gt 0 ] || files=(tests/golden/tokenizers/shapes/{gpt2,llama3,qwen2,t5,bert-uncased}.tokenizer.json)
fi
dotnet build bench/Epp.Bench -c Release -v q -clp:Summary -nologo
dotnet bench/Epp.Bench/bin/Release/net10.0/Epp.Bench.dll --tokenizers "${files[@]}"
