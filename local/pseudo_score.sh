#!/usr/bin/env bash
# Score the rounds of pseudo.sh on sets with transcripts. Sourced by pseudo.sh.
# shellcheck disable=SC2154 # set by pseudo.sh

score_set() { # round model test-dir YAML: adds to results
    local round_dir=${pseudo_exp}/round_$1 name weights=() weight_opts=() score_opts=()
    name=$(stem "$4")
    local dir=${round_dir}/${name}/${3##*/}
    merge_config "$4" "${pseudo_exp}/conf/${name}.yaml"
    if [[ $(hamzaban config uses_lm "$4") == true ]]; then
        weights=("${round_dir}/weights.yaml") # tuned for a search with a language model
        weight_opts=(--weights "${weights[0]}")
    fi
    find_inputs "$4"
    step decode --in "$2"/{config.yaml,"${asr_model}"} "$3/wav.scp" "$4" "${weights[@]}" \
        "${input_files[@]}" "${lm_dir}/report.tsv" --out "${dir}"/{text,score} -- \
        "${decode_cmd[@]}" --ngpu "${decode_gpu}" --log "${dir}/decode.log" -- \
        hamzaban decode-asr --asr_exp "$2" --asr_model "${asr_model}" --nj "${nj}" \
        --ngpu "${decode_gpu}" --lm_dir "${lm_dir}" --inference_config "$4" \
        "${weight_opts[@]}" --emissions_dir "${round_dir}/emissions_${3##*/}" \
        --data_dir "$3" --output_dir "${dir}"
    [[ -z ${lang} ]] || score_opts=(--marks drop --lang "${lang}")
    step score --in "$3"/{text,utt2spk} "${dir}/text" \
        --out "${dir}"/score_{wer,cer}/result.txt -- \
        hamzaban score-text --ref "$3/text" --utt2spk "$3/utt2spk" \
        --hyp "${dir}/text" --output_dir "${dir}" "${score_opts[@]}"
    results+=("${dir}"/score_{wer,cer}/result.txt)
}

is_round() { # number: succeeds if the round was run, or would be in a dry run
    [[ -f ${pseudo_exp}/round_$1/status.json || (${dry_run} == true && $1 -le ${rounds}) ]]
}

score_rounds() {
    local round model test_dir config folders=()
    results=()
    for ((round = 0; ; round++)); do
        is_round "${round}" || break
        model=${pseudo_exp}/round_${round}/model
        [[ ${round} -gt 0 ]] || model=${source_exp}
        for test_dir in ${test_dirs}; do
            for config in ${inference_config}; do
                score_set "${round}" "${model}" "${test_dir}" "${config}"
            done
        done
        folders+=("${pseudo_exp}/round_${round}")
    done
    step results --in "${results[@]}" --out "${pseudo_exp}/RESULTS.md" -- \
        hamzaban show-results "${folders[@]}" --output "${pseudo_exp}/RESULTS.md"
    [[ ${dry_run} == true ]] || cat "${pseudo_exp}/RESULTS.md"
}
