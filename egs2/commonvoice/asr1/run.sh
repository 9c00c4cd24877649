#!/usr/bin/env bash
# Common Voice, any of its languages; db.sh says where the data are (see README.md).
#   ./run.sh --lang fa --pretrain_init /path/to/checkpoint.pt
#   ./run.sh --lang ur --release 25.0 --hours 5 --seed 1   exactly 5 h of training speech
# Other options go to asr.sh; see ./run.sh --help.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh

lang=fa            # Common Voice's code of the language
release=""         # release such as 25.0, if db.sh names a folder of several
hours=""           # hours of training speech; empty: all
seed=0             # random seed that selects these hours
local_data_opts="" # more options of `hamzaban prepare-corpus commonvoice`
rest=() # options that go to asr.sh
help_message="Options of this recipe and their defaults:"
# shellcheck source=local/parse_options.sh
. "${MAIN_ROOT}/local/parse_options.sh"
# shellcheck source=egs2/commonvoice/asr1/db.sh
. ./db.sh
part=${lang}${hours:+_${hours}h_seed${seed}}

HAMZABAN_PROGRAM=$0 exec ./asr.sh \
    --lang "${lang}" \
    --train_set "train_${part}" \
    --valid_set "valid_${part}" \
    --test_sets "test_${part}${FLEURS:+ test_fleurs_${lang}}" \
    --expdir "exp/${part}" \
    --local_data_opts "--lang ${lang} --suffix _${part} ${release:+--release ${release}} \
        ${hours:+--hours ${hours} --seed ${seed}} ${local_data_opts}" \
    --asr_config ../../../conf/train_ctc.yaml \
    --inference_config ../../../conf/decode.yaml \
    "${rest[@]}" "$@"
