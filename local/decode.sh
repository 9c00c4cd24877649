#!/usr/bin/env bash
# Steps of stage 9 (decode) of asr.sh: compute the emissions of the valid set, tune the
# weights of a language model on them, decode a set. Sourced by asr.sh.
# shellcheck disable=SC2034,SC2154 # set by asr.sh and names.sh, or used by asr.sh

models=("${asr_exp}"/{config.yaml,valid.wer.ave.pth})
emissions=${asr_exp}/emissions
job=("${decode_cmd[@]}" --ngpu "${decode_gpu}" --log)

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

decode_set() { # tag set
    local data=${dumpdir}/raw/$2 output=${asr_exp}/$1/$2 kept=()
    [[ ${is_tuned} == false ]] || kept=(--emissions_dir "${emissions}/$2")
    find_files "${data}/utt2lang"
    step decode --in "${models[@]}" "${data}"/{wav.scp,utt2num_samples} "${decode_inputs[@]}" \
        "${found_files[@]}" --out "${output}"/{text,token,token_int,score} -- \
        "${job[@]}" "${output}/logdir/decode.log" -- \
        hamzaban decode-asr --asr_exp "${asr_exp}" --nj "${nj}" --ngpu "${decode_gpu}" \
        "${decode_opts[@]}" "${kept[@]}" --data_dir "${data}" --output_dir "${output}"
}

find_packed_search() { # sets pack_opts, pack_inputs: the first tuned search, for the archive
    local tag config weights
    pack_opts=()
    pack_inputs=()
    [[ -n ${lm_exp} ]] || return 0
    for tag in "${decodings[@]}"; do
        config=${inference_files[${tag}]-}
        weights=${asr_exp}/${tag}/tuned/weights.yaml
        [[ -f ${weights} ]] || continue
        [[ -n $(hamzaban config get "${weights}" lm_weight) ]] || continue
        find_inputs "${config}"
        pack_opts=("${lm_opts[@]}" --inference_config "${config}" --weights "${weights}")
        pack_inputs=("${lm_files[@]}" "${config}" "${input_files[@]}" "${weights}")
        return 0
    done
}
