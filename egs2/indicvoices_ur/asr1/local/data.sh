#!/usr/bin/env bash
# Make data/train and the other sets; the options are those of the command below.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=egs2/indicvoices_ur/asr1/db.sh
. ./db.sh

[[ -d ${INDICVOICES} ]] || die "db.sh: INDICVOICES is '${INDICVOICES}', not a folder; get the folder urdu of https://huggingface.co/datasets/ai4bharat/IndicVoices"
hamzaban import-data "${INDICVOICES}" --lang ur --unpack_dir downloads/unpacked \
    --output data "$@"
