#!/usr/bin/env bash
# One model of several languages of Common Voice; db.sh says where the data are.
#   ./run.sh --langs "fa ar ur" --pretrain_init /path/to/checkpoint.pt
#   ./run.sh --langs "fa ur" --release 25.0 --hours 5   exactly 5 h of each
# Other options go to asr.sh; see ./run.sh --help.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh

langs="fa ar ur"   # Common Voice's codes
release=""         # release such as 25.0, if db.sh names a folder of several
hours=""           # hours of training speech of each language; empty: all
seed=0             # random seed that selects these hours
local_data_opts="" # more options of `hamzaban prepare-corpus commonvoice`
rest=() # options that go to asr.sh
help_message="Options of this recipe and their defaults:"
# shellcheck source=local/parse_options.sh
. "${MAIN_ROOT}/local/parse_options.sh"
read -ra codes <<< "${langs//,/ }"
part=$(IFS=_ && echo "${codes[*]}")${hours:+_${hours}h_seed${seed}}

HAMZABAN_PROGRAM=$0 exec ./asr.sh \
    --lang mul \
    --train_set "train_${part}" \
    --valid_set "valid_${part}" \
    --test_sets "${codes[*]/#/test_}" \
    --expdir "exp/${part}" \
    --local_data_opts "--part ${part} --langs $(IFS=, && echo "${codes[*]}") \
        ${release:+--release ${release}} ${hours:+--hours ${hours} --seed ${seed}} ${local_data_opts}" \
    --nbpe "$((512 * ${#codes[@]}))" \
    --asr_config ../../../conf/train_ctc_joint.yaml \
    --inference_config "../../../conf/decode.yaml ../../../conf/decode_predicted.yaml" \
    "${rest[@]}" "$@"
