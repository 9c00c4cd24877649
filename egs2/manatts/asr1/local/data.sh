#!/usr/bin/env bash
# Make data/train and the other sets; the options are those of the command below.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=egs2/manatts/asr1/db.sh
. ./db.sh

[[ -d ${MANATTS} ]] || die "db.sh: MANATTS is '${MANATTS}', not a folder; get https://huggingface.co/datasets/MahtaFetrat/Mana-TTS"
hamzaban import-data "${MANATTS}" --lang fa --unpack_dir downloads/unpacked \
    --output data "$@"
