#!/usr/bin/env bash
# Steps of stage 9 (decode) of asr.sh: compute the emissions of the valid set, tune the
# weights of a language model on them, fit the temperature of confidences on the valid set,
# decode a set. Sourced by asr.sh.
# shellcheck disable=SC2034,SC2154 # set by asr.sh and names.sh, or used by asr.sh

models=("${asr_exp}"/{config.yaml,valid.wer.ave.pth})
emissions=${asr_exp}/emissions
job=("${decode_cmd[@]}" --ngpu "${decode_gpu}" --log)
# shellcheck source=local/pack.sh
. "${MAIN_ROOT}/local/pack.sh"

make_valid_emissions() {
    step emissions --in "${models[@]}" "${valid_dir}"/{wav.scp,utt2num_samples} \
        --out "${emissions}/${valid_set}/meta.json" -- \
        "${job[@]}" "${emissions}/${valid_set}.log" -- \
        hamzaban make-emissions --asr_exp "${asr_exp}" --nj "${nj}" --ngpu "${decode_gpu}" \
        --data_dir "${valid_dir}" --output_dir "${emissions}/${valid_set}"
}

prepare_decoding() { # tag: tunes if there is an LM; sets decode_opts, decode_inputs, is_tuned
    local config=${inference_files[$1]-} tuned=${asr_exp}/$1/tuned
    decode_opts=("${lm_opts[@]}")
    decode_inputs=("${lm_files[@]}")
    is_tuned=false
    [[ -n ${config} ]] || return 0
    find_inputs "${config}" # its bases and its table of letters
    decode_opts+=(--inference_config "${config}")
    decode_inputs+=("${config}" "${input_files[@]}")
    [[ -n ${lm_exp} ]] || return 0
    step tune --in "${emissions}/${valid_set}/meta.json" "${valid_dir}/text" \
        "${decode_inputs[@]}" --out "${tuned}/weights.yaml" -- \
        "${job[@]}" "${tuned}/tune.log" -- \
        hamzaban tune-decoder --asr_exp "${asr_exp}" --nj "${nj}" "${decode_opts[@]}" \
        --emissions_dir "${emissions}/${valid_set}" --ref "${valid_dir}/text" \
        --output_dir "${tuned}"
    decode_opts+=(--weights "${tuned}/weights.yaml")
    decode_inputs+=("${tuned}/weights.yaml")
    is_tuned=true
}

fit_confidence() { # tag: decodes the valid set, on which the temperature is fitted
    local output=${asr_exp}/$1/confidence.yaml valid=${asr_exp}/$1/tuned/valid
    # A folder of its own: a decoding that changed the input of tune would repeat it.
    decode_dir "${valid_dir}" "${valid}" "${emissions}/${valid_set}_decoded"
    step confidence --in "${valid}/ctm" "${valid_dir}/text" --out "${output}" -- \
        hamzaban fit-confidence --ctm "${valid}/ctm" --ref "${valid_dir}/text" \
        --output "${output}"
    decode_opts+=(--confidence "${output}")
    decode_inputs+=("${output}")
}

decode_set() { # tag set
    decode_dir "${dumpdir}/raw/$2" "${asr_exp}/$1/$2" "${emissions}/$2"
}

decode_dir() { # data-directory output-folder emissions-folder
    local kept=()
    [[ ${is_tuned} == false ]] || kept=(--emissions_dir "$3")
    find_files "$1/utt2lang"
    step decode --in "${models[@]}" "$1"/{wav.scp,utt2num_samples} "${decode_inputs[@]}" \
        "${found_files[@]}" --out "$2"/{text,token,token_int,score,ctm} -- \
        "${job[@]}" "$2/logdir/decode.log" -- \
        hamzaban decode-asr --asr_exp "${asr_exp}" --nj "${nj}" --ngpu "${decode_gpu}" \
        "${decode_opts[@]}" "${kept[@]}" --data_dir "$1" --output_dir "$2"
}
