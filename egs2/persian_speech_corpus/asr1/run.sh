#!/usr/bin/env bash
# Persian Speech Corpus, one speaker; db.sh says where the data are (see README.md).
#   ./run.sh --pretrain_init /path/to/checkpoint.pt
# Options go to asr.sh; see ./run.sh --help.
set -euo pipefail

HAMZABAN_PROGRAM=$0 exec ./asr.sh \
    --lang fa \
    --train_set train \
    --valid_set valid \
    --test_sets "test" \
    --asr_config ../../../conf/train_ctc.yaml \
    --inference_config ../../../conf/decode.yaml \
    "$@"
