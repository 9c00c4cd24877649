#!/usr/bin/env bash
# Make data/train and the other sets; the options are those of the command below.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=egs2/kathbath_ur/asr1/db.sh
. ./db.sh

[[ -d ${KATHBATH} ]] || die "db.sh: KATHBATH is '${KATHBATH}', not a folder; get the folder urdu of https://huggingface.co/datasets/ai4bharat/Kathbath"
hamzaban import-data "${KATHBATH}" --lang ur \
    --unpack_dir downloads/unpacked --output data "$@"
