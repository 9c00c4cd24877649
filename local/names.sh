#!/usr/bin/env bash
# Check the options of asr.sh and set the names of folders and files and the options that
# its stages share. Sourced by asr.sh, which describes the options.
# shellcheck disable=SC2034,SC2154 # set by asr.sh, used by asr.sh

check_options() {
    local name file
    for name in train_set valid_set test_sets asr_config; do
        [[ -n ${!name} ]] || die "--${name} is needed; see --help"
    done
    [[ ${token_type} == bpe || ${token_type} == char ]] ||
        die "--token_type is '${token_type}', expected bpe or char"
    [[ ${train_set} != "${valid_set}" ]] ||
        die "train_set and valid_set are both ${train_set}"
    [[ " ${test_sets} " != *" ${train_set} "* ]] ||
        die "train_set ${train_set} is in test_sets"
    for name in asr_config pretrain_config lm_config lm mine_config audio_config; do
        [[ -z ${!name} || -e ${!name} ]] || die "--${name} ${!name}: no such file"
    done
    check_checkpoint pretrain_init
    for name in inference_config lm_text; do # lists
        for file in ${!name}; do
            [[ -e ${file} ]] || die "--${name} ${file}: no such file"
        done
    done
    [[ ${cleaner} =~ ^(auto|none|hamzaban/[^/ ]+/[^/ ]+)$ ]] ||
        die "--cleaner is '${cleaner}', expected auto, none, or hamzaban/<lang>/<profile>"
    [[ ${marks} =~ ^(drop|keep|refuse|text)$ ]] ||
        die "--marks is '${marks}', expected drop, keep, refuse or text"
    command -v hamzaban > /dev/null ||
        die "no hamzaban on PATH; run 'make env' in ${MAIN_ROOT}"
}

# Names of folders and files, or parts of them. Without pretraining or a language model
# some stay empty.
train_dir="" valid_dir="" token_dir="" lm_exp="" pretrain_tag="" ssl_exp=""
ssl_checkpoint="" asr_stats="" asr_exp="" pseudo_exp=""
read_names() { # sets these names and cleaner
    local line lines
    read_lines lines hamzaban name-experiment --lang="${lang}" --cleaner="${cleaner}" \
        --train_set="${train_set}" --valid_set="${valid_set}" --dumpdir="${dumpdir}" \
        --expdir="${expdir}" --speed_perturb_factors="${speed_perturb_factors}" \
        --token_type="${token_type}" --nbpe="${nbpe}" --bpemode="${bpemode}" \
        --lm_config="${lm:-${lm_config}}" --pretrain_config="${pretrain_config}" \
        --pretrain_args="${pretrain_args}" --pretrain_init="${pretrain_init}" \
        --asr_config="${asr_config}" --asr_args="${asr_args}" --asr_tag="${asr_tag}"
    for line in "${lines[@]}"; do
        printf -v "${line%%=*}" %s "${line#*=}"
    done
}

# Sets pseudo_words (options for pseudo.sh), and pseudo_exp if it is among them.
read_pseudo_options() {
    local words i
    pseudo_words=()
    if [[ -n ${pseudo_config} ]]; then
        read_pseudo_config "${pseudo_config}"
        pseudo_words+=(--pseudo_config "${pseudo_config}")
    fi
    if [[ -n ${pseudo_args} ]]; then
        log "--pseudo_args is deprecated; write these options into the YAML of --pseudo_config"
        read_lines words xargs printf '%s\n' <<< "${pseudo_args}" # quoted text is one word
        pseudo_words+=("${words[@]}")
    fi
    for ((i = 0; i + 1 < ${#pseudo_words[@]}; i++)); do # the last one counts
        if [[ ${pseudo_words[i]} == --pseudo[-_]exp ]]; then
            pseudo_exp=${pseudo_words[i + 1]}
        fi
    done
}

check_combination() { # of options that are right one by one; see hamzaban/recipe
    hamzaban config check --stages="$(list_stages)" --asr_config="${asr_config}" \
        --asr_args="${asr_args}" --inference_config="${inference_config}" \
        --lm_config="${lm_config}" --lm="${lm}" --lm_text="${lm_text}" \
        --pretrain_config="${pretrain_config}" --pretrain_args="${pretrain_args}" \
        --pretrain_init="${pretrain_init}" \
        --ssl_checkpoint="${ssl_checkpoint}" --token_type="${token_type}" --ngpu="${ngpu}"
}

# Sets experiments (folders with results) and results (their files).
list_experiments() {
    local file
    experiments=()
    results=("${expdir}"/asr_*/RESULTS.md)
    for file in "${results[@]}"; do
        experiments+=("${file%/RESULTS.md}")
    done
}

check_options
read_names # before fetch_init, so that folders have the name of the model on the hub
is_init=false # whether fine-tuning starts from pretrain_init itself
[[ ${ssl_checkpoint} != "${pretrain_init}" ]] || is_init=true
fetch_init 4 8
! "${is_init}" || ssl_checkpoint=${pretrain_init}
read_pseudo_options

# Data sets.
read -ra unlabelled_names <<< "${unlabelled_set}"
unlabelled=()
for name in "${unlabelled_names[@]}"; do
    unlabelled+=("data/${name}")
done
labelled=("data/${train_set}" "data/${valid_set}")
eval_sets=() # in dump/raw; org/<valid_set> is the valid set without any drops
for name in ${test_sets}; do
    if [[ ${name} == "${valid_set}" ]]; then
        eval_sets+=("org/${name}")
    else
        eval_sets+=("${name}")
        labelled+=("data/${name}")
    fi
done

# Options and files that several commands share.
cleaner_opts=() # for commands that apply a language's text rules
score_marks=()  # marks are treated as in the training text
if [[ ${cleaner} != none ]]; then
    IFS=/ read -r _ cleaner_lang _ <<< "${cleaner}"
    cleaner_opts=(--lang "${cleaner_lang}")
    score_marks=(--marks "${marks}")
fi
marks_opts=() # commands that make training text drop marks by default
[[ ${marks} == drop ]] || marks_opts=(--marks "${marks}")
token_opts=(--token_type "${token_type}" --token_list "${token_dir}/tokens.txt")
token_files=("${token_dir}/tokens.txt")
bpe_opts=()
if [[ ${token_type} == bpe ]]; then
    bpe_opts=(--bpemodel "${token_dir}/bpe.model")
    token_opts+=("${bpe_opts[@]}")
    token_files+=("${token_dir}/bpe.model")
fi
lm_opts=()
lm_files=()
if [[ -n ${lm_exp} ]]; then
    lm_opts=(--lm_dir "${lm_exp}")
    lm_files=("${lm_exp}/report.tsv")
fi
init_opts=()
init_files=()
if [[ -n ${ssl_checkpoint} ]]; then
    init_opts=(--ssl_checkpoint "${ssl_checkpoint}")
    init_files=("${ssl_checkpoint}")
fi
data_opts=() # for train-asr
for part in train valid; do
    name=${part}_dir
    data_opts+=(
        "--${part}_data_path_and_name_and_type" "${!name}/wav.scp,speech,sound"
        "--${part}_data_path_and_name_and_type" "${!name}/text,text,text"
        "--${part}_shape_file" "${asr_stats}/${part}/speech_shape"
        "--${part}_shape_file" "${asr_stats}/${part}/text_shape.${token_type}")
done
read -rd '' -a asr_words <<< "${asr_args}" || true # it may span several lines
read -rd '' -a pretrain_words <<< "${pretrain_args}" || true

# decodings: names of folders of results; inference_files: the YAML of each.
decodings=()
declare -A inference_files=()
for file in ${inference_config}; do
    name=$(stem "${file}")
    decodings+=("${name}")
    inference_files[${name}]=${file}
done
[[ ${#decodings[@]} -gt 0 ]] || decodings=(inference)
