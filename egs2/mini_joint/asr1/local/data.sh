#!/usr/bin/env bash
# Make data/ from mini_ar: train and valid of both languages and of each, test sets.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"

corpus=downloads/mini_ar

if [[ ! -f ${corpus}/utterances.tsv ]]; then
    die "${corpus}/utterances.tsv is missing; it is part of the repository: git checkout egs2/mini_ar"
fi
python3 local/prepare_data.py "${corpus}" conf/words data
log "data/ is ready: sets of qaa, of qab and of both, and code-switched utterances"
