#!/usr/bin/env bash
# Arabic commands, embedded in this repository: all stages in minutes on two cores.
# Three ways to begin training, each with an experiment folder of its own:
#   ./run.sh                                          seed checkpoint, pretrained further
#   ./run.sh --pretrain_config ""                     seed checkpoint
#   ./run.sh --pretrain_config "" --pretrain_init "" --asr_config conf/train_ctc_scratch.yaml
# Other options go to asr.sh, for example --token_type char; see ./run.sh --help.
set -euo pipefail

HAMZABAN_PROGRAM=$0 exec ./asr.sh \
    --lang ar \
    --train_set train \
    --valid_set valid \
    --test_sets test \
    --unlabelled_set unlabelled \
    --ngpu 0 \
    --nj 2 \
    --token_type bpe \
    --bpemode bpe \
    --nbpe 176 \
    --lm_config conf/lm.yaml \
    --lm_text downloads/mini_ar/lm.txt \
    --pretrain_config conf/pretrain.yaml \
    --pretrain_init downloads/seed/wav2vec2.pt \
    --asr_config conf/train_ctc.yaml \
    --inference_config "conf/decode_greedy.yaml conf/decode_lexicon.yaml conf/decode_token_lm.yaml" \
    "$@"
