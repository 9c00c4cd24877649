#!/usr/bin/env bash
# Make data/train and the other sets; the options are those of the command below.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=egs2/masc/asr1/db.sh
. ./db.sh

[[ -d ${MASC} ]] || die "db.sh: MASC is '${MASC}', not a folder; get it from https://ieee-dataport.org/open-access/masc-massive-arabic-speech-corpus"
hamzaban prepare-corpus masc "${MASC}" --output data "$@"
