#!/usr/bin/env bash
# Checks the options of asr.sh; says what its stages call their folders and files.
# Sourced by asr.sh.
# shellcheck disable=SC2034,SC2154 # set by asr.sh, used by asr.sh

# Checks.
for name in train_set valid_set test_sets asr_config; do
    [[ -n ${!name} ]] || die "--${name} is needed; see --help"
done
[[ ${token_type} == bpe || ${token_type} == char ]] ||
    die "--token_type is '${token_type}', expected bpe or char"
[[ ${train_set} != "${valid_set}" ]] || die "train_set and valid_set are both ${train_set}"
[[ " ${test_sets} " != *" ${train_set} "* ]] || die "train_set ${train_set} is in test_sets"
for name in {asr,pretrain,lm,mine,audio}_config pretrain_init; do
    [[ -z ${!name} || -e ${!name} ]] || die "--${name} ${!name}: no such file"
done
for name in inference_config lm_text; do # lists
    for file in ${!name}; do
        [[ -e ${file} ]] || die "--${name} ${file}: no such file"
    done
done
[[ ${cleaner} =~ ^(auto|none|hamzaban/[^/ ]+/[^/ ]+)$ ]] ||
    die "--cleaner is '${cleaner}', expected auto, none, or hamzaban/<lang>/<profile>"
command -v hamzaban > /dev/null || die "no hamzaban on PATH; run 'make env' in ${MAIN_ROOT}"

# Names.
lang_=""
[[ ${lang} == noinfo ]] || lang_="${lang}_"
sp=""
[[ -z ${speed_perturb_factors} ]] || sp=_sp
tokens=${token_type}
[[ ${token_type} == char ]] || tokens+=${nbpe}
init="" # where the weights come from; files wav2vec2*.pt are called by their folder
if [[ -n ${pretrain_init} ]]; then
    init=_init_$(stem "${pretrain_init}")
    [[ ! ${init} =~ ^_init_wav2vec2(_last_good)?$ ]] ||
        init=_init_$(stem "$(dirname "${pretrain_init}")")
fi
ssl_checkpoint=${pretrain_init}
if [[ -n ${pretrain_config} ]]; then
    pretrain_tag=$(shorten "$(stem "${pretrain_config}")_raw_${lang_%_}$(
        plain_args "${pretrain_args}")${sp}${init}")
    ssl_exp=${expdir}/ssl_${pretrain_tag}
    ssl_checkpoint=${ssl_exp}/wav2vec2.pt
    init=_ssl_${pretrain_tag}
fi
[[ -n ${asr_tag} ]] || asr_tag=$(shorten "$(stem "${asr_config}")_raw_${lang_}${tokens}$(
    plain_args "${asr_args}")${sp}${init}")
asr_exp=${expdir}/asr_${asr_tag}
pseudo_exp=${expdir}/pseudo_${asr_tag}
pseudo_words=()
if [[ -n ${pseudo_args} ]]; then
    lines=$(xargs printf '%s\n' <<< "${pseudo_args}") # words; those in quotes are one
    mapfile -t pseudo_words <<< "${lines}"
fi
for ((i = 0; i + 1 < ${#pseudo_words[@]}; i++)); do # what comes later counts
    [[ ${pseudo_words[i]} != --pseudo[-_]exp ]] || pseudo_exp=${pseudo_words[i + 1]}
done
asr_stats=${expdir}/asr_stats_raw_${lang_}${tokens}${sp}
part="" # what the name of the train set says beyond train or train_<lang>: its tokens differ
if [[ ${train_set} != train && ${train_set} != "train_${lang}" ]]; then
    part=${train_set#train_}
    part=${part#"${lang_}"}_
fi
token_dir=data/${lang_}${part}token_list/${token_type}
[[ ${token_type} == char ]] || token_dir+=_${bpemode}${nbpe}
train_dir=${dumpdir}/raw/${train_set}${sp}
valid_dir=${dumpdir}/raw/${valid_set}
labelled=("data/${train_set}" "data/${valid_set}")
read -ra unlabelled <<< "${unlabelled_set}"
unlabelled=("${unlabelled[@]/#/data/}")
eval_sets=() # of dump/raw; all of the valid set, nothing dropped, is org/<valid_set>
for name in ${test_sets}; do
    if [[ ${name} == "${valid_set}" ]]; then
        eval_sets+=("org/${name}")
    else
        eval_sets+=("${name}")
        labelled+=("data/${name}")
    fi
done
token_opts=(--token_type "${token_type}" --token_list "${token_dir}/tokens.txt")
token_files=("${token_dir}/tokens.txt")
bpe_opts=()
if [[ ${token_type} == bpe ]]; then
    bpe_opts=(--bpemodel "${token_dir}/bpe.model")
    token_opts+=("${bpe_opts[@]}")
    token_files+=("${token_dir}/bpe.model")
fi
data_opts=() # of train-asr
for name in train valid; do
    dir=${name}_dir
    data_opts+=(
        "--${name}_data_path_and_name_and_type" "${!dir}/wav.scp,speech,sound"
        "--${name}_data_path_and_name_and_type" "${!dir}/text,text,text"
        "--${name}_shape_file" "${asr_stats}/${name}/speech_shape"
        "--${name}_shape_file" "${asr_stats}/${name}/text_shape.${token_type}")
done
init_opts=()
[[ -z ${ssl_checkpoint} ]] || init_opts=(--ssl_checkpoint "${ssl_checkpoint}")
read -rd '' -a asr_words <<< "${asr_args}" || true # of several lines, too
read -rd '' -a pretrain_words <<< "${pretrain_args}" || true # of several lines, too
train_opts=(--ngpu "${ngpu}")
[[ ${ngpu} -gt 0 ]] || train_opts+=(--num_threads "${nj}")

cleaner_opts=() # of the verbs that read a language's rules
[[ ${cleaner} != auto ]] || cleaner=hamzaban/${lang}/train
[[ ${cleaner} != hamzaban/noinfo/* ]] || cleaner=none
if [[ ${cleaner} != none ]]; then
    IFS=/ read -r _ cleaner_lang _ <<< "${cleaner}"
    cleaner_opts=(--lang "${cleaner_lang}")
fi
lm_opts=()
lm_files=()
if [[ -n ${lm_config} ]]; then
    lm_exp=${expdir}/lm_$(stem "${lm_config}")_${lang_}${tokens}${sp}
    lm_opts=(--lm_dir "${lm_exp}")
    lm_files=("${lm_exp}/report.tsv")
fi
decodings=() # names of folders of results
declare -A inference_files=() # such a name -> its YAML
for name in ${inference_config}; do
    decodings+=("$(stem "${name}")")
    inference_files[${decodings[-1]}]=${name}
done
[[ ${#decodings[@]} -gt 0 ]] || decodings=(inference)
