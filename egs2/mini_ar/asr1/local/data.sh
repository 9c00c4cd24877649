#!/usr/bin/env bash
# Make data/{train,valid,test,unlabelled} from the corpus shipped in downloads/mini_ar.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"

corpus=downloads/mini_ar

if [[ ! -f ${corpus}/utterances.tsv ]]; then
    die "${corpus}/utterances.tsv is missing; it is part of the repository: git checkout ${corpus}"
fi
python3 local/prepare_data.py "${corpus}" data
log "data/train, valid, test and unlabelled are ready"
