#!/usr/bin/env bash
# Functions that the drivers share: stages, steps, dry runs and small helpers.
# Sourced after path.sh and log.sh, before the options are parsed.
#
# The driver sets stage_table (lines of number, name, description), stage and stop_stage
# (numbers or names), skipped (an associative array from number to reason), ngpu and nj.
# Functions return results in the variables found_files, input_files, train_opts,
# decode_gpu, pseudo_yaml and pseudo_words.
# shellcheck disable=SC2034,SC2154 # the driver reads, or sets, these

# shellcheck source=local/jobs.sh
. "${MAIN_ROOT}/local/jobs.sh"
dry_run=false # option of every driver: print the commands and write nothing
common_help="\
A step is skipped if its outputs exist and its inputs and options have not changed.
--dry_run true prints the commands of all steps; it runs none and writes nothing."

find_stage() { # number-or-name: prints its number
    local number name _ known=""
    while read -r number name _; do
        if [[ -n $1 && ($1 == "${number}" || $1 == "${name}") ]]; then
            printf '%s\n' "${number}"
            return
        fi
        known+=", ${number} ${name}"
    done <<< "${stage_table:?}"
    die "stage '$1' is unknown; known: ${known#, }"
}

resolve_stages() { # skip-list: turns stage, stop_stage and the list's items into numbers
    local item number
    stage=$(find_stage "${stage}")
    stop_stage=$(find_stage "${stop_stage}")
    ((stage <= stop_stage)) || die "stage ${stage} is after stop_stage ${stop_stage}"
    for item in $1; do
        number=$(find_stage "${item}")
        skipped["${number}"]="it is in --skip_stages"
    done
}

resolve_processes() { # checks nj, resolves ngpu to a number; sets train_opts, decode_gpu
    [[ ${nj} =~ ^[1-9][0-9]*$ ]] || die "--nj is '${nj}', expected a number above 0"
    [[ ${ngpu} =~ ^(auto|0|[1-9][0-9]{0,3})$ ]] ||
        die "--ngpu is '${ngpu}', expected auto or a number"
    if [[ ${cmd_backend} == slurm ]]; then
        decode_cmd+=(--num_cpus "${nj}")
        [[ ${ngpu} != auto ]] || ngpu=$(slurm_value train gpus)
    fi
    local gpus=${CUDA_VISIBLE_DEVICES-all}
    if [[ ${gpus} == all ]]; then
        gpus=$(nvidia-smi --query-gpu=index --format=csv,noheader 2> /dev/null) || gpus=""
    fi
    read -rd '' -a gpus <<< "${gpus//,/ }" || true # separated by lines or commas
    [[ ${gpus[0]-} != -1 ]] || gpus=()
    if [[ ${ngpu} == auto ]]; then
        ngpu=${#gpus[@]}
        log "--ngpu auto selects ${ngpu} GPU(s); 0 means the CPU"
    elif ((ngpu > ${#gpus[@]})) && [[ " ${cuda_cmd[*]}" == *" --backend local"* &&
        ${dry_run} == false ]]; then
        die "--ngpu is ${ngpu}, but this machine shows ${#gpus[@]} GPUs (nvidia-smi, \
CUDA_VISIBLE_DEVICES); give --ngpu ${#gpus[@]}, or in cmd.sh a back end that has them"
    fi
    train_opts=(--ngpu "${ngpu}") # options of run-jobs
    ((ngpu > 0)) || train_opts+=(--num_threads "${nj}")
    decode_gpu=$((ngpu > 0)) # decoding uses at most one
}

list_stages() { # prints the names of the stages that will run
    local number name _
    while read -r number name _; do
        if ((stage <= number && number <= stop_stage)) && [[ -z ${skipped["${number}"]-} ]]; then
            printf '%s\n' "${name}"
        fi
    done <<< "${stage_table}"
}

stage() { # number name: succeeds if this stage is to be run
    ((stage <= $1 && $1 <= stop_stage)) || return 1
    if [[ -n ${skipped["$1"]-} ]]; then
        log "Stage $1 ($2) is skipped: ${skipped["$1"]}"
        return 1
    fi
    log "Stage $1: $2"
}

step() { # name --in path... --out path... -- command...: see hamzaban run-stage --help
    if [[ ${dry_run} == false ]]; then
        hamzaban run-stage "$@"
        return
    fi
    while [[ $1 != -- ]]; do
        shift
    done
    run "${@:2}"
}

run() { # command...: runs it; a dry run prints it, quoted for the shell
    if [[ ${dry_run} == false ]]; then
        "$@"
        return
    fi
    local word line=""
    for word in "$@"; do
        [[ ${word} =~ ^[A-Za-z0-9_./,:=@%+-]+$ ]] || word="'${word//\'/\'\\\'\'}'"
        line+=" ${word}"
    done
    printf '%s\n' "${line# }"
}

merge_config() { # config output option...: writes the config and its bases as one file
    run hamzaban config merge "$@"
}

is_on_hub() { # path: succeeds if it is no path but may be a model on the Hugging Face hub
    [[ ! -e $1 && ! -e ${1%%/*} ]] &&
        [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.@/-]*$ ]]
}

check_checkpoint() { # option: its value is empty, a path, or a name on the hub
    [[ -z ${!1} || -e ${!1} ]] || is_on_hub "${!1}" || die "--$1 ${!1}: no such file"
}

fetch_init() { # first-stage last-stage: fetches pretrain_init for these from the hub
    if is_on_hub "${pretrain_init}" && [[ ${dry_run} == false ]] &&
        ((stage <= $2 && $1 <= stop_stage)); then
        pretrain_init=$(hamzaban fetch "${pretrain_init}")
    fi
}

check_mining() { # mine_config number-of-the-stage-that-reads-chunks-as-files
    if ((stage <= $2 && $2 <= stop_stage)) && [[ -z ${skipped["$2"]-} ]] &&
        [[ $(hamzaban config get "$1" output) == segments ]]; then
        die "$1: output is segments, expected flac: stage $2 reads the chunks as files"
    fi
}

set_aside() { # folder reason: moves it to set_aside/ beside it, as run-stage --set_aside
    local aside=${1%/*}/set_aside number=1
    while [[ -e ${aside}/${1##*/}.${number} ]]; do
        number=$((number + 1))
    done
    run mkdir -p "${aside}"
    run mv "$1" "${aside}/${1##*/}.${number}"
    [[ ${dry_run} == true ]] || log "$1: $2; it is now ${aside}/${1##*/}.${number}"
}

find_files() { # path-or-NAME=path...: sets found_files to those that exist as files
    local path
    found_files=()
    for path in "$@"; do
        [[ -f ${path} ]] || path=${path#*=}
        [[ ! -f ${path} ]] || found_files+=("${path}")
    done
}

read_lines() { # array command...: sets the array to the lines that the command prints
    local -n _lines=$1
    local _text
    _text=$("${@:2}")
    _lines=()
    [[ -z ${_text} ]] || mapfile -t _lines <<< "${_text}"
}

read_pseudo_config() { # pseudo_config: sets pseudo_yaml (file) and pseudo_words (options)
    local words=("$1")
    [[ -f $1 ]] || read -ra words <<< "$1" # the file, then changes to its options
    pseudo_yaml=${words[0]}
    read_lines pseudo_words hamzaban config options "${words[@]}"
}

find_inputs() { # config [round]: sets input_files to the files that the config names
    input_files=()
    [[ -f $1 || ${dry_run} == false ]] || return 0 # a dry run has not written it
    if [[ $# -eq 1 ]]; then
        read_lines input_files hamzaban config inputs "$1"
    else
        read_lines input_files hamzaban config inputs "$1" --round "$2"
    fi
}

pretrain() { # config merged checkpoint-or-"" train_dir valid_dir output_dir option...
    local config=$2 init=$3 train=$4 valid=$5 output=$6
    local named=() init_files=() init_opts=()
    merge_config "$1" "${config}"
    read_lines named hamzaban config files "$1" -- "${@:7}"
    if [[ -n ${init} ]]; then
        init_files=("${init}")
        init_opts=(--init_checkpoint "${init}")
    fi
    log "Pretraining: ${output}/train.log"
    step pretrain --set_aside "${output}" --out "${output}/wav2vec2.pt" \
        --in "${config}" "${init_files[@]}" "${train}"/{wav.scp,utt2num_samples} \
        "${valid}"/{wav.scp,utt2num_samples} "${named[@]}" -- \
        "${cuda_cmd[@]}" "${train_opts[@]}" --log "${output}/train.log" -- \
        hamzaban train-ssl --config "${config}" --output_dir "${output}" \
        --ngpu "${ngpu}" --multiprocessing_distributed true --resume true \
        "${init_opts[@]}" \
        --train_data_path_and_name_and_type "${train}/wav.scp,speech,sound" \
        --valid_data_path_and_name_and_type "${valid}/wav.scp,speech,sound" \
        --train_shape_file "${train}/utt2num_samples" \
        --valid_shape_file "${valid}/utt2num_samples" "${@:7}"
}

stem() { # path: prints its name without suffix
    local name=${1##*/}
    printf '%s\n' "${name%.*}"
}
