#!/usr/bin/env bash
# A language of Common Voice without any transcript, by way of another one that has them.
#   ./transfer.sh --source ar --target ur --text /path/to/urdu_sentences.txt
# Options of run.sh and asr.sh, such as --pretrain_init, go to both languages.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"

source="ar"        # the language with transcripts, Common Voice's code
target=ur          # the one without: its clips that nobody has checked (other.tsv)
text=""            # its sentences, plain; empty: those of its checked clips, which are
                   # other recordings than those that are labelled
hours=""           # of the source's training speech; empty: all there is
seed=0             # decides which hours
target_config=../../../conf/train_ctc.yaml # YAML of the target's models
inference_config=conf/decode_target.yaml   # YAML of decode-asr for the target's test set
pseudo_args=""     # options of pseudo.sh, such as "--rounds 2"; see its --help
local_data_opts="" # options of `hamzaban prepare-corpus commonvoice`, for both
rest=()
while (($# > 0)); do
    name=${1#--}
    case ${name//-/_} in
        source | target | text | hours | seed | target_config | inference_config | \
            pseudo_args | local_data_opts)
            printf -v "${name//-/_}" %s "${2?"$1 has no value"}"
            shift 2
            ;;
        h | help)
            sed -n '2,4s/^# //p; /^source=/,/^rest/s/^\([a-z][a-z_]*\)=/  --\1 /p' "$0"
            exit 0
            ;;
        *)
            rest+=("$1")
            shift
            ;;
    esac
done
[[ ${source} != "${target}" ]] || die "--source and --target are both ${source}"
[[ -z ${text} || -f ${text} ]] || die "--text ${text}: no such file"

./run.sh --lang "${target}" --local_data_opts "--unlabelled true ${local_data_opts}" \
    --unlabelled_set "unlabelled_${target}" "${rest[@]}" --stop_stage audio
if [[ -z ${text} ]]; then
    text=data/sentences_${target}
    cut -d ' ' -f 2- "data/train_${target}/text" > "${text}.tmp"
    cmp -s "${text}.tmp" "${text}" || mv "${text}.tmp" "${text}"
fi
part=${source}${hours:+_${hours}h_seed${seed}} # as run.sh names it
./run.sh --lang "${source}" --hours "${hours}" --seed "${seed}" \
    --local_data_opts "${local_data_opts}" --token_type char --stop_stage pseudo "${rest[@]}" \
    --pseudo_args "--lang ${target} --text ${text} \
        --data_dir dump/raw/unlabelled_${target} --lm_config ../../../conf/lm.yaml \
        --asr_config ${target_config} --pseudo_exp exp/${part}_${target} \
        --test_dirs dump/raw/test_${target} --inference_config ${inference_config} \
        ${pseudo_args}"
