#!/usr/bin/env bash
# Your media and the two checkpoints. Sourced.

# Files, folders and patterns such as '/media/*/radio/**/*.mp3', one per line.
# shellcheck disable=SC2034  # read by local/data.sh
MEDIA=${MEDIA:-}
# XLS-R 300M: xlsr2_300m.pt of fairseq, or a folder of facebook/wav2vec2-xls-r-300m.
# shellcheck disable=SC2034  # read by run.sh
CP1_INIT=${CP1_INIT:-downloads/xlsr2_300m.pt}
# wav2vec 2.0 Large, English: libri960_big.pt, or a folder of facebook/wav2vec2-large.
# shellcheck disable=SC2034
CP2_INIT=${CP2_INIT:-downloads/libri960_big.pt}
