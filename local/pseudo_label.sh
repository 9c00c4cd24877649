#!/usr/bin/env bash
# Run the rounds of pseudo.sh and label with their models. Sourced by pseudo.sh after
# pseudo_train.sh.
# shellcheck disable=SC2154 # set by pseudo.sh and pseudo_train.sh

emit() { # round model name option...: computes emissions in round_<k>/<name>
    local dir=${pseudo_exp}/round_$1
    step emissions --in "$2"/{config.yaml,"${asr_model}"} "${data_dir}/wav.scp" \
        --out "${dir}/$3/meta.json" -- \
        "${decode_cmd[@]}" --ngpu "${decode_gpu}" --log "${dir}/$3.log" -- \
        hamzaban make-emissions --asr_exp "$2" --asr_model "${asr_model}" --nj "${nj}" \
        --ngpu "${decode_gpu}" --data_dir "${data_dir}" --output_dir "${dir}/$3" "${@:4}"
}

label() { # round model: labels, filters and checks health; sets judged and status
    local dir=${pseudo_exp}/round_$1 pass files=() ref_opts=()
    judged=$1
    status=${dir}/status.json
    if [[ $1 -gt 0 ]]; then
        files=("${pseudo_exp}/round_$(($1 - 1))/status.json")
    fi
    if [[ -n ${ref} ]]; then
        files+=("${ref}")
        ref_opts=(--ref "${ref}")
    fi
    emit "$1" "$2" emissions
    for ((pass = 1; pass <= dropout_passes; pass++)); do
        emit "$1" "$2" "emissions_dropout_${pass}" --dropout 0.1 --dropout_seed "${pass}"
        files+=("${dir}/emissions_dropout_${pass}/meta.json")
    done
    find_inputs "${pseudo_conf}" "$1"
    elsewhere pseudo "${dir}/label.log"
    step pseudo --in "${dir}/emissions/meta.json" "${pseudo_conf}" "${input_files[@]}" \
        "${text}" "${lm_dir}/word/lm.bin" "${files[@]}" \
        --out "${dir}"/{weights.yaml,health.json,status.json} -- "${launch[@]}" \
        hamzaban pseudo-label --pseudo_exp "${pseudo_exp}" --round "$1" --asr_exp "$2" \
        --data_dir "${data_dir}" --lm_dir "${lm_dir}" --text "${text}" \
        --config "${pseudo_conf}" --nj "${nj}" "${ref_opts[@]}"
}

read_status() { # key value-in-a-dry-run: prints the value, nothing for null
    if [[ ${dry_run} == true ]]; then
        printf '%s\n' "$2"
    else
        hamzaban config get "${status}" "$1"
    fi
}

finish() { # last: sets later rounds of an earlier run aside, summarizes the others
    local dir files=() number
    for dir in "${pseudo_exp}"/round_*; do
        [[ ! ${dir##*/} =~ ^round_[0-9]+$ || ${dir##*_} -le $1 ]] ||
            set_aside "${dir}" "the rounds end with round $1"
    done
    for ((number = 0; number <= judged; number++)); do
        files+=("${pseudo_exp}/round_${number}"/{health,status}.json)
    done
    step rounds --in "${files[@]}" --out "${pseudo_exp}"/{status.json,rounds.tsv} -- \
        hamzaban pseudo-label --pseudo_exp "${pseudo_exp}" --last "${judged}" --summarize
}

run_rounds() {
    local model=${source_exp} round last best
    make_configs
    for ((round = 0; round <= rounds; round++)); do
        log "Round ${round}"
        if [[ ${round} -gt 0 ]]; then
            model=${pseudo_exp}/round_${round}/model
            [[ ${round} -gt 1 ]] || make_tokens
            train "${round}"
        fi
        label "${round}" "${model}"
        [[ $(read_status go_on true) == true ]] || break
    done
    last=${judged}
    if [[ -n ${continuous_config} ]]; then
        best=$(read_status best "${judged}")
        [[ -n ${best} ]] || die "${status}: no round is healthy, so there is none to continue from"
        last=$((judged + 1))
        log "Round ${last}, continuous, from round ${best}"
        train_continuously "${last}" "${best}"
        [[ -n ${reason} ]] || label "${last}" "${pseudo_exp}/round_${last}/model"
    fi
    finish "${last}"
    [[ ${dry_run} == false ]] || return 0
    log "Best: $(read_status best_asr_exp ""); $(read_status why "")"
    cat "${pseudo_exp}/rounds.tsv"
}
