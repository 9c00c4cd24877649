#!/usr/bin/env bash
# Paths of corpora and checkpoints; run.sh sources this file. A corpus whose variable is
# empty is left out of the mix, and the log says so. Export each variable that
# conf/mix/<lang>.yaml names.
# shellcheck disable=SC2034  # read by run.sh

# Checkpoints: those that the training of CP1 and CP2 began with, and its results.
XLS_R=${XLS_R:-../ssl1/downloads/xlsr2_300m.pt}
WAV2VEC2_LARGE=${WAV2VEC2_LARGE:-../ssl1/downloads/libri960_big.pt}
CP1=${CP1:-../ssl1/exp/ssl_cp1/wav2vec2.pt}
CP2=${CP2:-../ssl1/exp/ssl_cp2/wav2vec2.pt}

# Common Voice, all three languages; see ../../commonvoice/asr1/db.sh.
export COMMONVOICE=${COMMONVOICE:-}
# Arabic: see ../../mediaspeech_ar/asr1 and ../../mgb2/asr1.
export MEDIASPEECH=${MEDIASPEECH:-}
export MGB2=${MGB2:-}
# Persian: see ../../persian_speech_corpus/asr1; for the others, `hamzaban import-data`.
export PERSIAN_SPEECH_CORPUS=${PERSIAN_SPEECH_CORPUS:-}
export MY_AUDIO_TINY=${MY_AUDIO_TINY:-}
export TTS_FEMALE=${TTS_FEMALE:-}
export MORADI=${MORADI:-}
export PARSIGOO=${PARSIGOO:-}
# Urdu: see ../../indicvoices_ur/asr1; for the others, `hamzaban import-data`.
export INDICVOICES=${INDICVOICES:-}
export SME_NEWS=${SME_NEWS:-}
export TINY_URDU=${TINY_URDU:-}
