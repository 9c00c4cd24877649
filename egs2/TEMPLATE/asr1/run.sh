#!/usr/bin/env bash
# CORPUS: db.sh says where the data are, local/data.sh how they are read; see README.md.
#   ./run.sh                                          a first try: 1.2 M parameters
#   ./run.sh --pretrain_init /path/to/checkpoint.pt   a real one
# Options go to asr.sh; see ./run.sh --help.
set -euo pipefail

nj=$(nproc) # more threads than cores make training slower
((nj <= 8)) || nj=8
asr_config=conf/train_ctc_small.yaml
[[ " $* " != *" --pretrain"[_-]"init "* ]] || asr_config=../../../conf/train_ctc.yaml

HAMZABAN_PROGRAM=$0 exec ./asr.sh \
    --lang LANG \
    --train_set train \
    --valid_set valid \
    --test_sets test \
    --nj "${nj}" \
    --token_type char \
    --pretrain_init ../../mini_ar/asr1/downloads/seed/wav2vec2.pt \
    --asr_config "${asr_config}" \
    --inference_config ../../../conf/decode.yaml \
    "$@"
