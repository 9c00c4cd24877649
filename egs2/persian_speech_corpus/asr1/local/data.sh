#!/usr/bin/env bash
# Make data/train and the other sets; the options are those of the command below.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=egs2/persian_speech_corpus/asr1/db.sh
. ./db.sh

[[ -d ${PERSIAN_SPEECH_CORPUS} ]] || die "db.sh: PERSIAN_SPEECH_CORPUS is '${PERSIAN_SPEECH_CORPUS}', not a folder; get it from http://fa.persianspeechcorpus.com and unzip it"
hamzaban prepare-corpus persian_speech_corpus "${PERSIAN_SPEECH_CORPUS}" --output data "$@"
