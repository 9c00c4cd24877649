#!/usr/bin/env bash
# MASC, subtitled Arabic video; db.sh says where the data are (see README.md).
#   ./run.sh --pretrain_init /path/to/checkpoint.pt
# Options go to asr.sh; see ./run.sh --help.
set -euo pipefail

HAMZABAN_PROGRAM=$0 exec ./asr.sh \
    --lang ar \
    --train_set train \
    --valid_set valid_clean \
    --test_sets "test_clean test_noisy valid_noisy" \
    --asr_config ../../../conf/train_ctc.yaml \
    --inference_config ../../../conf/decode.yaml \
    "$@"
