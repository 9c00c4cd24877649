#!/usr/bin/env bash
# One language recognized by way of another, both made of the words of mini_ar: the source
# has transcripts, the target has none; no word and no training speaker is in both.
#   ./run.sh --source commands --target numbers    also: even, odd (words by order),
#                                                  directions, actions (of the commands)
#   ./run.sh --pseudo_args "--rounds 1"            options of transfer.sh and pseudo.sh
#   ./run.sh --pretrain_init "" --asr_config conf/train_ctc_scratch.yaml
# Other options go to asr.sh; see ./run.sh --help.
set -euo pipefail

source=commands
target=numbers
pseudo_args="" # beside those below; the later one counts
rest=()
while (($# > 0)); do
    name=${1#--}
    case ${name//-/_} in
        source | target | pseudo_args)
            printf -v "${name//-/_}" %s "${2?"$1 has no value"}"
            shift
            ;;
        *) rest+=("$1") ;;
    esac
    shift
done

exec ./asr.sh --lang ar --ngpu 0 --nj 2 --token_type char --expdir "exp/${source}_${target}" \
    --local_data_opts "--source ${source} --target ${target}" \
    --train_set "train_${source}" --valid_set "valid_${source}" \
    --test_sets "test_${source} test_${target}" --unlabelled_set "unlabelled_${target}" \
    --pretrain_init downloads/seed/wav2vec2.pt \
    --asr_config conf/train_ctc.yaml \
    --inference_config conf/decode_greedy.yaml \
    --pseudo_args "--data_dir dump/raw/unlabelled_${target} --text data/text_${target} \
        --ref data/ref_${target} --test_dirs dump/raw/test_${target} \
        --rounds 3 --inference_config 'conf/decode_target.yaml conf/decode_greedy.yaml' \
        --lm_config conf/lm.yaml \
        --asr_config conf/train_target.yaml \
        --pseudo_config conf/pseudo.yaml \
        ${pseudo_args}" "${rest[@]}"
