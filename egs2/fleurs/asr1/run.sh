#!/usr/bin/env bash
# FLEURS, any of its languages; db.sh says where the data are (see README.md).
#   ./run.sh --lang fa --pretrain_init /path/to/checkpoint.pt
# Other options go to asr.sh; see ./run.sh --help.
set -euo pipefail

lang=fa            # fa, or the whole name fa_ir
local_data_opts="" # more options of `hamzaban prepare-corpus fleurs`
rest=()
while (($# > 0)); do
    name=${1#--}
    case ${name//-/_} in
        lang | local_data_opts)
            printf -v "${name//-/_}" %s "${2?"$1 has no value"}"
            shift 2
            ;;
        *)
            rest+=("$1")
            shift
            ;;
    esac
done

exec ./asr.sh \
    --lang "${lang%%_*}" \
    --train_set "train_${lang}" \
    --valid_set "valid_${lang}" \
    --test_sets "test_${lang}" \
    --expdir "exp/${lang}" \
    --local_data_opts "--lang ${lang} --suffix _${lang} ${local_data_opts}" \
    --asr_config ../../../conf/train_ctc.yaml \
    --inference_config ../../../conf/decode.yaml \
    "${rest[@]}"
