#!/usr/bin/env bash
# Run a recipe's local/data.sh, normalize the transcripts of the sets named, and make the
# noisy copies that conf/conditions.yaml describes.
# Usage: make_data.sh [--marks POLICY] CLEANER "data/train data/valid" local/data.sh [option...]
set -euo pipefail

marks=drop
if [[ $1 == --marks ]]; then
    marks=$2
    shift 2
fi
cleaner=$1
read -ra sets <<< "$2"
"${@:3}"
if [[ ${cleaner} != none ]]; then
    IFS=/ read -r _ lang profile <<< "${cleaner}"
    for set in "${sets[@]}"; do
        hamzaban normalize-data --lang "${lang}" --profile "${profile}" --marks "${marks}" \
            "${set}" "${set}"
    done
fi
[[ ! -f conf/conditions.yaml ]] ||
    hamzaban make-conditions --config conf/conditions.yaml --nj "$(nproc)"
