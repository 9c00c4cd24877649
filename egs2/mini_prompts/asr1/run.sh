#!/usr/bin/env bash
# A language without transcripts, recognized with labelled speech of others: Asterisk's
# telephone prompts, one speaker per language, from Debian's packages.
#   ./run.sh --source "it fr" --target es --others "en ru menardi"
#   ./run.sh --root /opt/prompts                   packages unpacked there by dpkg -x
#   ./run.sh --pseudo_config "conf/pseudo.yaml rounds=1"   options of pseudo.sh
# Other options go to asr.sh; see ./run.sh --help.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh

source="it fr"         # languages with transcripts
target=es              # language without transcripts
others="en ru menardi" # speech for pretraining only
root=/                 # where the packages are installed or unpacked
pseudo_config=conf/pseudo.yaml # YAML of pseudo.sh; then changes of its options, if any
rest=() # options that go to asr.sh
help_message="Options of this recipe and their defaults:"
# shellcheck source=local/parse_options.sh
. "${MAIN_ROOT}/local/parse_options.sh"
from=${source// /_}
read -ra more <<< "${target} ${others}"
HAMZABAN_PROGRAM=$0 exec ./asr.sh \
    --lang "${target}" --ngpu 0 --nj 2 --token_type char --expdir "exp/${from}_${target}" \
    --local_data_opts "--root ${root} --sources ${source} --target ${target} --others ${others}" \
    --train_set "train_${from}" --valid_set "valid_${from}" \
    --test_sets "test_${from} test_${target}" --unlabelled_set "${more[*]/#/unlabelled_}" \
    --pretrain_init downloads/seed/wav2vec2.pt \
    --pretrain_config conf/pretrain.yaml \
    --asr_config conf/train_ctc.yaml \
    --inference_config conf/decode_greedy.yaml \
    --pseudo_config "${pseudo_config:+${pseudo_config} target=${target}}" \
    "${rest[@]}" "$@"
