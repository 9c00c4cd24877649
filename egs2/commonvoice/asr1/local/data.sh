#!/usr/bin/env bash
# Make data/{train,valid,test}_<lang> from a release of Common Voice.
# The options are those of `hamzaban prepare-corpus commonvoice`, see its --help.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=egs2/commonvoice/asr1/db.sh
. ./db.sh

hamzaban prepare-corpus commonvoice "${COMMONVOICE}" --output data --nj "$(nproc)" "$@"

[[ -n ${FLEURS} ]] || exit 0
words=("$@")
options=() # of these options that hold for FLEURS, whose test set is that of another corpus
for ((i = 0; i + 1 < $#; i++)); do
    case ${words[i]} in
        --lang) options+=(--lang "${words[i + 1]}" --suffix "_fleurs_${words[i + 1]}") ;;
        --check_counts) options+=(--check_counts "${words[i + 1]}") ;;
    esac
done
hamzaban prepare-corpus fleurs "${FLEURS}" --output data --parts test "${options[@]}"
