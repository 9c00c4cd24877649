#!/usr/bin/env bash
# Make data/train and the other sets; the options are those of the command below.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=egs2/mediaspeech_ar/asr1/db.sh
. ./db.sh

[[ -d ${MEDIASPEECH} ]] || die "db.sh: MEDIASPEECH is '${MEDIASPEECH}', not a folder; get AR.tgz from https://www.openslr.org/108 and unpack it"
hamzaban import-data "${MEDIASPEECH}" --lang ar --output data "$@"
