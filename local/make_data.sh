#!/usr/bin/env bash
# Runs a recipe's local/data.sh, then normalizes the transcripts of some of its sets and
# makes the noisy copies of sets that conf/conditions.yaml asks for.
# Usage: make_data.sh CLEANER "data/train data/valid" local/data.sh [option...]
set -euo pipefail

cleaner=$1
read -ra sets <<< "$2"
"${@:3}"
if [[ ${cleaner} != none ]]; then
    IFS=/ read -r _ lang profile <<< "${cleaner}"
    for set in "${sets[@]}"; do
        hamzaban normalize-data --lang "${lang}" --profile "${profile}" "${set}" "${set}"
    done
fi
[[ ! -f conf/conditions.yaml ]] ||
    hamzaban make-conditions --config conf/conditions.yaml --nj "$(nproc)"
