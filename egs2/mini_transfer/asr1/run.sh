#!/usr/bin/env bash
# A language without transcripts, recognized with labelled speech of another. Both are made
# from the words of mini_ar and share neither words nor training speakers.
#   ./run.sh --source commands --target numbers    also: even, odd (words by order),
#                                                  directions, actions (of the commands)
#   ./run.sh --pseudo_config "conf/pseudo.yaml rounds=1"   options of pseudo.sh
#   ./run.sh --pretrain_init "" --asr_config conf/train_ctc_scratch.yaml
# Other options go to asr.sh; see ./run.sh --help.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh

source=commands # words of the language with transcripts
target=numbers  # words of the language without transcripts
pseudo_config=conf/pseudo.yaml # YAML of pseudo.sh; then changes of its options, if any
rest=() # options that go to asr.sh
help_message="Options of this recipe and their defaults:"
# shellcheck source=local/parse_options.sh
. "${MAIN_ROOT}/local/parse_options.sh"

HAMZABAN_PROGRAM=$0 exec ./asr.sh \
    --lang ar --ngpu 0 --nj 2 --token_type char --expdir "exp/${source}_${target}" \
    --local_data_opts "--source ${source} --target ${target}" \
    --train_set "train_${source}" --valid_set "valid_${source}" \
    --test_sets "test_${source} test_${target}" --unlabelled_set "unlabelled_${target}" \
    --pretrain_init downloads/seed/wav2vec2.pt \
    --asr_config conf/train_ctc.yaml \
    --inference_config conf/decode_greedy.yaml \
    --pseudo_config "${pseudo_config:+${pseudo_config} target=${target}}" \
    "${rest[@]}" "$@"
