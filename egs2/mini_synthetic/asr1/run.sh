#!/usr/bin/env bash
# A language without transcripts, recognized with labelled speech of another. Both are
# SYNTHETIC: espeak-ng reads your sentences, for languages without recordings.
#   ./run.sh --source fa --source_text FA.txt --target ur --target_text UR.txt
#   ./run.sh ... --pseudo_config "conf/pseudo.yaml rounds=1"   options of pseudo.sh
# Languages: names of espeak-ng's voices. Other options go to asr.sh; see ./run.sh --help.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh

source=fa      # language with transcripts
target=ur      # language without transcripts
source_text="" # file of sentences, one per line
target_text="" # file of sentences, one per line
pseudo_config=conf/pseudo.yaml # YAML of pseudo.sh; then changes of its options, if any
rest=() # options that go to asr.sh
help_message="Options of this recipe and their defaults:"
# shellcheck source=local/parse_options.sh
. "${MAIN_ROOT}/local/parse_options.sh"

HAMZABAN_PROGRAM=$0 exec ./asr.sh \
    --lang "${source}" --ngpu 0 --nj 2 --token_type char \
    --expdir "exp/${source}_${target}" \
    --local_data_opts "${source}=${source_text} ${target}=${target_text}" \
    --train_set "train_${source}" --valid_set "valid_${source}" \
    --test_sets "test_${source} test_${target}" --unlabelled_set "unlabelled_${target}" \
    --pretrain_init ../../mini_ar/asr1/downloads/seed/wav2vec2.pt \
    --asr_config conf/train_ctc.yaml \
    --inference_config conf/decode_greedy.yaml \
    --pseudo_config "${pseudo_config:+${pseudo_config} target=${target}}" \
    "${rest[@]}" "$@"
