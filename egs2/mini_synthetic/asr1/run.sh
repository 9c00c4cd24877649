#!/usr/bin/env bash
# One language by way of another, both READ BY espeak-ng: synthetic speech of one's own
# sentences, for trying pairs of languages of which no recordings are at hand.
#   ./run.sh --source fa --source_text FA.txt --target ur --target_text UR.txt
#   ./run.sh ... --pseudo_args "--rounds 1"    options of transfer.sh and pseudo.sh
# Languages: names of espeak-ng's voices. Other options go to asr.sh; see ./run.sh --help.
set -euo pipefail

source=fa
target=ur
source_text="" # sentences, one a line
target_text=""
pseudo_args="" # beside those below; the later one counts
rest=()
while (($# > 0)); do
    name=${1#--}
    case ${name//-/_} in
        source | target | source_text | target_text | pseudo_args)
            printf -v "${name//-/_}" %s "${2?"$1 has no value"}"
            shift
            ;;
        *) rest+=("$1") ;;
    esac
    shift
done

exec ./asr.sh --lang "${source}" --ngpu 0 --nj 2 --token_type char \
    --expdir "exp/${source}_${target}" \
    --local_data_opts "${source}=${source_text} ${target}=${target_text}" \
    --train_set "train_${source}" --valid_set "valid_${source}" \
    --test_sets "test_${source} test_${target}" --unlabelled_set "unlabelled_${target}" \
    --pretrain_init ../../mini_ar/asr1/downloads/seed/wav2vec2.pt \
    --asr_config conf/train_ctc.yaml \
    --inference_config conf/decode_greedy.yaml \
    --pseudo_args "--data_dir dump/raw/unlabelled_${target} --text data/text_${target} \
        --ref data/ref_${target} --test_dirs dump/raw/test_${target} --lang ${target} \
        --rounds 3 --inference_config 'conf/decode_target.yaml conf/decode_greedy.yaml' \
        --lm_config conf/lm.yaml \
        --asr_config conf/train_target.yaml \
        --pseudo_config conf/pseudo.yaml ${pseudo_args}" "${rest[@]}"
