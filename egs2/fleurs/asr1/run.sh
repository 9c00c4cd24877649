#!/usr/bin/env bash
# FLEURS, any of its languages; db.sh says where the data are (see README.md).
#   ./run.sh --lang fa --pretrain_init /path/to/checkpoint.pt
# Other options go to asr.sh; see ./run.sh --help.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh

lang=fa            # fa, or the whole name fa_ir
local_data_opts="" # more options of `hamzaban prepare-corpus fleurs`
rest=() # options that go to asr.sh
help_message="Options of this recipe and their defaults:"
# shellcheck source=local/parse_options.sh
. "${MAIN_ROOT}/local/parse_options.sh"

HAMZABAN_PROGRAM=$0 exec ./asr.sh \
    --lang "${lang%%_*}" \
    --train_set "train_${lang}" \
    --valid_set "valid_${lang}" \
    --test_sets "test_${lang}" \
    --expdir "exp/${lang}" \
    --local_data_opts "--lang ${lang} --suffix _${lang} ${local_data_opts}" \
    --asr_config ../../../conf/train_ctc.yaml \
    --inference_config ../../../conf/decode.yaml \
    "${rest[@]}" "$@"
