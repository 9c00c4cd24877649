#!/usr/bin/env bash
# Runs a recipe's local/data.sh, then normalises the transcripts of some of its sets.
# Usage: make_data.sh CLEANER "data/train data/valid" local/data.sh [option...]
set -euo pipefail

cleaner=$1
read -ra sets <<< "$2"
"${@:3}"
[[ ${cleaner} != none ]] || exit 0
IFS=/ read -r _ lang profile <<< "${cleaner}"
for set in "${sets[@]}"; do
    hamzaban normalize-data --lang "${lang}" --profile "${profile}" "${set}" "${set}"
done
