#!/usr/bin/env bash
# From one language to another: makes the target's language model, has pseudo.sh run its
# rounds, scores each round on sets with transcripts. Run from a recipe's folder.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=egs2/TEMPLATE/asr1/cmd.sh
. ./cmd.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=local/stages.sh
. "${MAIN_ROOT}/local/stages.sh"

lm_config=""                  # YAML: models made of --text; empty: --lm_dir is given
lang=""                       # of the target, for scoring; empty: text as it is
test_dirs=""                  # dump/raw/<set> with text; each round is scored on them
inference_config=""           # YAMLs of decode-asr for these sets; each names a folder
help_message="\
Usage: transfer.sh --pseudo_exp DIR --source_exp DIR --text FILE [options]

Options and their defaults; all others are those of pseudo.sh:
$(sed -En '/^lm_config/,/^help_message/s/^([a-z][a-z_]*)=(.*# .*)$/  --\1 \2/p' "${BASH_SOURCE[0]}")

pseudo_exp/RESULTS.md has the error rates of all rounds, if --test_dirs is given."

source_exp="" pseudo_exp="" text="" lm_dir="" # pseudo.sh has them as well
asr_model=valid.wer.ave.pth ngpu=1 nj=4
others=()
while (($# > 0)); do
    name=${1#--}
    name=${name//-/_}
    case ${name} in
        h | help)
            printf '%s\n' "${help_message}"
            exit 0
            ;;
        lm_config | lang | test_dirs | inference_config)
            printf -v "${name}" %s "${2?"option $1 has no value; see --help"}"
            ;;
        source_exp | pseudo_exp | text | lm_dir | asr_model | ngpu | nj)
            printf -v "${name}" %s "${2?"option $1 has no value; see --help"}"
            others+=("$1" "$2")
            ;;
        *) others+=("$1" "${2?"option $1 has no value; see --help"}") ;;
    esac
    shift 2
done
for name in pseudo_exp source_exp text; do
    [[ -n ${!name} ]] || die "--${name} is needed; see --help"
done
[[ -z ${test_dirs} || -n ${inference_config} ]] ||
    die "--test_dirs needs --inference_config; see --help"
for file in ${lm_config} ${inference_config} ${test_dirs}; do
    [[ -e ${file} ]] || die "${file}: no such file or folder"
done

if [[ -n ${lm_config} ]]; then
    lm_dir=${pseudo_exp}/lm
    config=${pseudo_exp}/conf/lm.yaml
    hamzaban merge-config "${lm_config}" "${config}"
    step lm --in "${config}" "${text}" --out "${lm_dir}/report.tsv" -- \
        hamzaban train-lm --config "${config}" --output_dir "${lm_dir}" --nj "${nj}" \
        --lm_text "${text}"
    others+=(--lm_dir "${lm_dir}")
fi
"${MAIN_ROOT}/local/pseudo.sh" "${others[@]}"

decode() { # round model test-dir YAML
    local dir emissions config weights=()
    dir=${pseudo_exp}/round_$1/$(stem "$4")/${3##*/}
    emissions=${pseudo_exp}/round_$1/emissions_${3##*/}
    config=${pseudo_exp}/conf/$(stem "$4").yaml
    hamzaban merge-config "$4" "${config}"
    if grep -qE '^search: (lexicon|token)$' "${config}"; then # chosen for a search with an LM
        weights=("${pseudo_exp}/round_$1/weights.yaml")
    fi
    find_inputs "$4"
    step decode --in "$2"/{config.yaml,"${asr_model}"} "$3/wav.scp" "$4" "${weights[@]}" \
        "${input_files[@]}" "${lm_dir}/report.tsv" --out "${dir}"/{text,score} -- \
        "${decode_cmd[@]}" --ngpu "$((ngpu > 0))" --log "${dir}/decode.log" -- \
        hamzaban decode-asr --asr_exp "$2" --asr_model "${asr_model}" --nj "${nj}" \
        --ngpu "$((ngpu > 0))" --lm_dir "${lm_dir}" --inference_config "$4" \
        ${weights:+--weights "${weights[0]}"} --emissions_dir "${emissions}" --data_dir "$3" \
        --output_dir "${dir}"
    step score --in "$3"/{text,utt2spk} "${dir}/text" \
        --out "${dir}"/score_{wer,cer}/result.txt -- \
        hamzaban score-text --ref "$3/text" --utt2spk "$3/utt2spk" \
        --hyp "${dir}/text" --output_dir "${dir}" ${lang:+--lang "${lang}"}
    results+=("${dir}"/score_{wer,cer}/result.txt)
}

[[ -n ${test_dirs} ]] || exit 0
results=() rounds=()
for ((round = 0; ; round++)); do
    [[ -f ${pseudo_exp}/round_${round}/status.json ]] || break
    model=${pseudo_exp}/round_${round}/model
    [[ ${round} -gt 0 ]] || model=${source_exp}
    for name in ${test_dirs}; do
        for config in ${inference_config}; do
            decode "${round}" "${model}" "${name}" "${config}"
        done
    done
    rounds+=("${pseudo_exp}/round_${round}")
done
step results --in "${results[@]}" --out "${pseudo_exp}/RESULTS.md" -- \
    hamzaban show-results "${rounds[@]}" --output "${pseudo_exp}/RESULTS.md"
cat "${pseudo_exp}/RESULTS.md"
