#!/usr/bin/env bash
# IndicVoices Urdu, mostly spontaneous speech; db.sh says where the data are (see README.md).
#   ./run.sh --pretrain_init /path/to/checkpoint.pt
# Options go to asr.sh; see ./run.sh --help.
set -euo pipefail

HAMZABAN_PROGRAM=$0 exec ./asr.sh \
    --lang ur \
    --train_set train \
    --valid_set valid \
    --test_sets "test" \
    --asr_config ../../../conf/train_ctc.yaml \
    --inference_config ../../../conf/decode.yaml \
    "$@"
