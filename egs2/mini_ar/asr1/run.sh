#!/usr/bin/env bash
# Arabic commands, embedded in this repository: all stages in minutes on two cores.
# Three ways to begin training, each with an experiment folder of its own:
#   ./run.sh                                          seed checkpoint, pretrained further
#   ./run.sh --pretrain_config ""                     seed checkpoint
#   ./run.sh --pretrain_config "" --pretrain_init ""  random weights
# Other options go to asr.sh, for example --token_type char; see ./run.sh --help.
set -euo pipefail

exec ./asr.sh \
    --lang ar \
    --train_set train \
    --valid_set valid \
    --test_sets test \
    --unlabelled_set unlabelled \
    --ngpu 0 \
    --nj 2 \
    --token_type bpe \
    --nbpe 64 \
    --pretrain_config conf/pretrain.yaml \
    --pretrain_init downloads/seed/wav2vec2.pt \
    --asr_config conf/train_ctc.yaml \
    --inference_config conf/decode_greedy.yaml \
    "$@"
