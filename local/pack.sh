#!/usr/bin/env bash
# Steps of stage 13 (pack) of asr.sh: the archive, and the model in the forms of other
# programs. Sourced by asr.sh.
# shellcheck disable=SC2034,SC2154 # set by asr.sh and names.sh, or used by asr.sh

pack_archive() {
    local archive=${asr_exp}/${asr_exp##*/}_valid.wer.ave.zip
    find_packed_search
    step pack --in "${models[@]}" "${asr_exp}/RESULTS.md" \
        "${token_files[@]}" "${pack_inputs[@]}" --out "${archive}" -- \
        hamzaban pack-model --asr_exp "${asr_exp}" --asr_model valid.wer.ave.pth \
        --outpath "${archive}" "${pack_opts[@]}"
}

export_model() { # a Hugging Face directory, if one can hold the model
    local output=${asr_exp}/export_hf opts=() inputs=() values=""
    [[ ! -f ${asr_exp}/config.yaml ]] || values=$(hamzaban config get \
        "${asr_exp}/config.yaml" model_conf.languages frontend_conf.multilayer_feature)
    if [[ -n ${values//false/} ]]; then
        log "export: left out, since Wav2Vec2ForCTC holds one language and one layer"
        return 0
    fi
    if [[ -n ${packed_weights} && -f ${lm_exp}/word/lm.bin ]]; then
        opts=(--lm_dir "${lm_exp}" --weights "${packed_weights}")
        inputs=("${lm_files[@]}" "${packed_weights}")
    fi
    step export --in "${models[@]}" "${asr_exp}/RESULTS.md" "${token_files[@]}" \
        "${inputs[@]}" --out "${output}"/{README.md,config.json,model.safetensors} -- \
        hamzaban export "${asr_exp}" --to hf --output "${output}" "${opts[@]}"
}

find_packed_search() { # sets pack_opts, pack_inputs, packed_weights: the first tuned search
    local tag config weights
    packed_weights=""
    pack_opts=()
    pack_inputs=()
    add_confidence "${decodings[0]}"
    [[ -n ${lm_exp} ]] || return 0
    for tag in "${decodings[@]}"; do
        config=${inference_files[${tag}]-}
        weights=${asr_exp}/${tag}/tuned/weights.yaml
        [[ -f ${weights} ]] || continue
        [[ -n $(hamzaban config get "${weights}" lm_weight) ]] || continue
        find_inputs "${config}"
        pack_opts=("${lm_opts[@]}" --inference_config "${config}" --weights "${weights}")
        pack_inputs=("${lm_files[@]}" "${config}" "${input_files[@]}" "${weights}")
        packed_weights=${weights}
        add_confidence "${tag}"
        return 0
    done
}

add_confidence() { # tag: adds its temperature to pack_opts and pack_inputs, if it is fitted
    local file=${asr_exp}/$1/confidence.yaml
    [[ -f ${file} ]] || return 0
    pack_opts+=(--confidence "${file}")
    pack_inputs+=("${file}")
}
