#!/usr/bin/env bash
# Stage 6 (lm) of asr.sh: train language models, or take the one of --lm. Sourced by asr.sh.
# shellcheck disable=SC2154 # set by asr.sh and names.sh

make_lm() {
    local name words test_texts=() source_opts train_text_opts=() more_opts=() config
    for name in "${eval_sets[@]}"; do
        test_texts+=("${dumpdir}/raw/${name}/text")
    done
    if [[ -n ${lm} ]]; then
        words=("${lm}")
        source_opts=(--lm "${lm}" --token_list "${token_files[0]}")
    else
        config=${expdir}/conf/$(stem "${lm_config}").yaml
        merge_config "${lm_config}" "${config}"
        read -ra words <<< "${lm_text}"
        source_opts=(--config "${config}")
        train_text_opts=(--train_text "${train_dir}/text")
        [[ -z ${lm_text} ]] || more_opts=(--lm_text "${words[@]}")
        words+=("${config}" "${train_dir}/text")
    fi
    elsewhere lm "${lm_exp}/train.log"
    step lm --in "${words[@]}" "${valid_dir}/text" "${test_texts[@]}" "${token_files[@]}" \
        --out "${lm_files[@]}" -- "${launch[@]}" \
        hamzaban train-lm "${source_opts[@]}" --output_dir "${lm_exp}" --nj "${nj}" \
        "${cleaner_opts[@]}" "${marks_opts[@]}" "${bpe_opts[@]}" "${train_text_opts[@]}" \
        --valid_text "${valid_dir}/text" --test_text "${test_texts[@]}" "${more_opts[@]}"
}
