#!/usr/bin/env bash
# Make the tokens and train the models of the rounds of pseudo.sh. Sourced by pseudo.sh.
# shellcheck disable=SC2034,SC2154 # set by pseudo.sh, used by pseudo.sh

read -rd '' -a asr_words <<< "${asr_args}" || true # it may span several lines
init_opts=()
init_files=()
if [[ -n ${ssl_checkpoint} ]]; then
    init_opts=(--ssl_checkpoint "${ssl_checkpoint}")
    init_files=("${ssl_checkpoint}")
fi
if [[ ${start} == source ]]; then # its output layer is mapped to the target's tokens
    init_opts+=(--init_param "${pseudo_exp}/source.pth")
    init_files+=("${pseudo_exp}/source.pth")
fi
tokens=${token_dir:-${pseudo_exp}/tokens}
token_opts=(--token_type "${token_type}" --token_list "${tokens}/tokens.txt")
token_files=("${tokens}/tokens.txt")
if [[ ${token_type} == bpe ]]; then
    token_opts+=(--bpemodel "${tokens}/bpe.model")
    token_files+=("${tokens}/bpe.model")
fi
asr_conf=${pseudo_exp}/conf/asr.yaml
pseudo_conf=${pseudo_exp}/conf/pseudo.yaml
continuous_conf=${pseudo_exp}/conf/continuous.yaml

make_configs() {
    fit_config "${source_exp}" "${start}" "${asr_config}" "${asr_conf}"
    merge_config "${pseudo_config}" "${pseudo_conf}" --leave_out options
    if [[ -n ${continuous_config} ]]; then # its base is the config of the rounds
        merge_config "${continuous_config}" "${continuous_conf}.layers" --base asr.yaml
    fi
}

fit_config() { # source-exp start config output
    run hamzaban config fit --source_exp "$1" --start "$2" "$3" "$4"
}

make_tokens() { # makes the target's token list, and source.pth to fit it
    [[ -n ${token_dir} ]] || make_token_list
    find_inputs "${pseudo_conf}"
    [[ ${start} != source ]] || step head --out "${pseudo_exp}/source.pth" \
        --in "${source_exp}"/{config.yaml,"${asr_model}"} "${token_files[0]}" \
        "${pseudo_conf}" "${input_files[@]}" -- \
        hamzaban map-head --source_exp "${source_exp}" --asr_model "${asr_model}" \
        --token_list "${token_files[0]}" --config "${pseudo_conf}" \
        --output "${pseudo_exp}/source.pth"
}

write_sentences() { # writes all sentences of the target, with ids
    local labelled_text=/dev/null
    [[ -z ${labelled_dir} ]] || labelled_text=${labelled_dir}/text
    { cat "${text}" && cut -s -d ' ' -f 2- "${labelled_text}"; } |
        awk 'NF { printf "s%09d %s\n", NR, $0 }' > "${pseudo_exp}/sentences.tmp"
    mv "${pseudo_exp}/sentences.tmp" "${pseudo_exp}/sentences"
}

make_token_list() {
    [[ ${dry_run} == true ]] || write_sentences
    step tokens --in "${pseudo_exp}/sentences" --out "${token_files[@]}" -- \
        hamzaban make-tokens --token_type "${token_type}" --nbpe "${nbpe}" \
        --output_dir "${tokens}" "${pseudo_exp}/sentences"
}

prepare() { # round train-dir valid-dir: sets data_opts and data_files
    local dir=${pseudo_exp}/round_$1 name data=$2
    data_opts=() data_files=()
    for name in train valid; do
        step stats --in "${data}"/{text,utt2num_samples} "${token_files[@]}" \
            --out "${dir}/stats/${name}"/{speech_shape,"text_shape.${token_type}"} -- \
            hamzaban collect-stats --data_dir "${data}" "${token_opts[@]}" \
            --output_dir "${dir}/stats/${name}"
        data_opts+=(
            "--${name}_data_path_and_name_and_type" "${data}/wav.scp,speech,sound"
            "--${name}_data_path_and_name_and_type" "${data}/text,text,text"
            "--${name}_shape_file" "${dir}/stats/${name}/speech_shape"
            "--${name}_shape_file" "${dir}/stats/${name}/text_shape.${token_type}")
        data_files+=("${data}"/{wav.scp,text})
        data=$3
    done
}

run_training() { # verb dir config option...: reads data_opts, data_files, init_files
    log "Training: $2/train.log"
    step train --set_aside "$2" --out "$2"/{config.yaml,"${asr_model}"} \
        --in "$3" "${data_files[@]}" "${token_files[@]}" "${init_files[@]}" -- \
        "${cuda_cmd[@]}" "${train_opts[@]}" --log "$2/train.log" -- \
        hamzaban "$1" --config "$3" --output_dir "$2" \
        --ngpu "${ngpu}" --multiprocessing_distributed true --resume true \
        "${token_opts[@]}" "${init_opts[@]}" "${data_opts[@]}" "${@:4}" "${asr_words[@]}"
}

train() { # round: trains on the labels that the previous round kept and on transcripts
    local dir=${pseudo_exp}/round_$1 kept=${pseudo_exp}/round_$(($1 - 1))/data
    local train_dir=${kept}/train
    if [[ -n ${labelled_dir} ]]; then
        train_dir=${dir}/train
        step combine --in "${labelled_dir}" "${kept}/train" --out "${train_dir}" -- \
            hamzaban combine-data "${train_dir}" "${labelled_dir}" "${kept}/train"
    fi
    prepare "$1" "${train_dir}" "${labelled_valid_dir:-${kept}/valid}"
    run_training train-asr "${dir}/model" "${asr_conf}"
}

train_continuously() { # round best: continues from the best; sets reason if it collapses
    local dir=${pseudo_exp}/round_$1/model kept=${pseudo_exp}/round_$2/data
    local model=${source_exp} model_start=${start}
    make_tokens
    if [[ $2 -gt 0 ]]; then
        model=${pseudo_exp}/round_$2/model
        model_start=source
        init_files=("${model}/${asr_model}")
        init_opts=(--init_param "${model}/${asr_model}")
    fi
    fit_config "${model}" "${model_start}" "${continuous_conf}.layers" "${continuous_conf}"
    prepare "$1" "${labelled_dir:-${kept}/train}" "${labelled_valid_dir:-${kept}/valid}"
    data_files+=("${data_dir}/wav.scp")
    reason=""
    run rm -f "${dir}/collapsed"
    if ! run_training train-pseudo "${dir}" "${continuous_conf}" \
        --unlabelled_data_dir "${data_dir}"; then
        rm -f "${pseudo_exp}/round_$1/status.json" # of an earlier run that succeeded
        reason=$(< "${dir}/collapsed") || die "training failed; see ${dir}/train.log"
        log "Round $1 was stopped, round $2 stays the best: ${reason}"
    fi
}
