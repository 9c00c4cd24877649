#!/usr/bin/env bash
# One language by way of others, real speech of each: Asterisk's telephone prompts, one
# speaker a language, from Debian's packages. The target's transcripts are not used.
#   ./run.sh --source "it fr" --target es --others "en ru menardi"
#   ./run.sh --root /opt/prompts                   packages unpacked there by dpkg -x
# others: speech that only pretraining hears; --pseudo_args: options of transfer.sh and
# pseudo.sh. Other options go to asr.sh; see ./run.sh --help.
set -euo pipefail
source="it fr"
target=es
others="en ru menardi"
root=/
pseudo_args="" # beside those below; the later one counts
rest=()
while (($# > 0)); do
    name=${1#--}
    case ${name//-/_} in
        source | target | others | root | pseudo_args)
            printf -v "${name//-/_}" %s "${2?"$1 has no value"}"
            shift ;;
        *) rest+=("$1") ;;
    esac
    shift
done
from=${source// /_}
read -ra more <<< "${target} ${others}"
exec ./asr.sh --lang "${target}" --ngpu 0 --nj 2 --token_type char --expdir "exp/${from}_${target}" \
    --local_data_opts "--root ${root} --sources ${source} --target ${target} --others ${others}" \
    --train_set "train_${from}" --valid_set "valid_${from}" \
    --test_sets "test_${from} test_${target}" --unlabelled_set "${more[*]/#/unlabelled_}" \
    --pretrain_init downloads/seed/wav2vec2.pt \
    --pretrain_config conf/pretrain.yaml \
    --asr_config conf/train_ctc.yaml \
    --inference_config conf/decode_greedy.yaml \
    --pseudo_args "--data_dir dump/raw/unlabelled_${target} --text data/text_${target} --rounds 3 \
        --ref data/ref_${target} --test_dirs dump/raw/test_${target} --inference_config \
        'conf/decode_target.yaml conf/decode_char.yaml conf/decode_greedy.yaml' \
        --lm_config conf/lm.yaml \
        --asr_config conf/train_target.yaml \
        --pseudo_config conf/pseudo.yaml ${pseudo_args}" "${rest[@]}"
