#!/usr/bin/env bash
# Make data/train and the other sets; the options are those of the command below.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=egs2/arabic_speech_corpus/asr1/db.sh
. ./db.sh

[[ -d ${ARABIC_SPEECH_CORPUS} ]] || die "db.sh: ARABIC_SPEECH_CORPUS is '${ARABIC_SPEECH_CORPUS}', not a folder; get it from https://en.arabicspeechcorpus.com and unzip it"
hamzaban prepare-corpus arabic_speech_corpus "${ARABIC_SPEECH_CORPUS}" --output data "$@"
