#!/usr/bin/env bash
# Two languages made of mini_ar's words, recognized by one model; minutes on two cores.
#   ./run.sh                                          a CTC head for each language
#   ./run.sh --asr_config conf/train_shared.yaml      one head for both
#   ./run.sh --lang qaa --train_set train_qaa --valid_set valid_qaa --test_sets test_qaa \
#       --nbpe 100 --expdir exp/qaa --asr_config conf/train_separate.yaml \
#       --inference_config ../../../conf/decode.yaml  a model of qaa alone; likewise qab
# Other options go to asr.sh; see ./run.sh --help.
set -euo pipefail

HAMZABAN_PROGRAM=$0 exec ./asr.sh \
    --lang mul \
    --cleaner hamzaban/ar/train \
    --train_set train \
    --valid_set valid \
    --test_sets "test_qaa test_qab test_switched" \
    --ngpu 0 \
    --nj 2 \
    --token_type bpe \
    --bpemode bpe \
    --nbpe 176 \
    --pretrain_init downloads/seed/wav2vec2.pt \
    --asr_config conf/train_multihead.yaml \
    --inference_config "conf/decode_oracle.yaml conf/decode_predicted.yaml" \
    "$@"
