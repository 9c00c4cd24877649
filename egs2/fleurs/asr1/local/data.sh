#!/usr/bin/env bash
# Make data/train and the other sets; the options are those of the command below.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=egs2/fleurs/asr1/db.sh
. ./db.sh

[[ -d ${FLEURS} ]] || die "db.sh: FLEURS is '${FLEURS}', not a folder; get a language from https://huggingface.co/datasets/google/fleurs"
hamzaban prepare-corpus fleurs "${FLEURS}" --output data "$@"
