#!/usr/bin/env bash
# Stages by number and name, their steps, names of what they make. Sourced after log.sh.
# The script that sources this sets: stage_table, lines `number name what it does`;
# stage and stop_stage (numbers or names); skipped, an associative array: number -> why;
# for pretrain, ngpu, cuda_cmd and train_opts.
# shellcheck disable=SC2034,SC2154 # used, or set, by those scripts

find_stage() { # number-or-name: prints its number
    local number name _
    while read -r number name _; do
        if [[ -n $1 && ($1 == "${number}" || $1 == "${name}") ]]; then
            printf '%s\n' "${number}"
            return
        fi
    done <<< "${stage_table:?}"
    die "stage '$1' is unknown; known: $(awk 'ORS = ", " { print $1, $2 }' <<< \
        "${stage_table}" | sed 's/, $//')"
}

resolve_stages() { # skip-list: makes numbers of stage, stop_stage and the list's items
    local item number
    stage=$(find_stage "${stage}")
    stop_stage=$(find_stage "${stop_stage}")
    ((stage <= stop_stage)) || die "stage ${stage} is after stop_stage ${stop_stage}"
    for item in $1; do
        number=$(find_stage "${item}")
        skipped["${number}"]="it is in --skip_stages"
    done
}

stage() { # number name: true if this stage is asked for
    ((stage <= $1 && $1 <= stop_stage)) || return 1
    if [[ -n ${skipped["$1"]-} ]]; then
        log "Stage $1 ($2) is skipped: ${skipped["$1"]}"
        return 1
    fi
    log "Stage $1: $2"
}

step() { # name --in path... --out path... -- command...: see hamzaban run-stage --help
    hamzaban run-stage "$@"
}

set_aside() { # folder why: moves it into set_aside/ beside it, as run-stage --set_aside does
    local aside=${1%/*}/set_aside number=1
    mkdir -p "${aside}"
    while [[ -e ${aside}/${1##*/}.${number} ]]; do
        number=$((number + 1))
    done
    mv "$1" "${aside}/${1##*/}.${number}"
    log "$1: $2; it is now ${aside}/${1##*/}.${number}"
}

merge_mining() { # mine_config-or-"" output number: of the stage that reads the chunks
    [[ -n $1 ]] || return 0
    hamzaban merge-config "$1" "$2"
    if ((stage <= $3 && $3 <= stop_stage)) && [[ -z ${skipped["$3"]-} ]] &&
        grep -q '^output: segments' "$2"; then
        die "$1: output is segments, expected flac: stage $3 reads the chunks as files"
    fi
}

find_optional() { # path-or-NAME=path...: sets optional_files, those that are files
    local path
    optional_files=()
    for path in "$@"; do
        [[ -f ${path} ]] || path=${path#*=}
        [[ ! -f ${path} ]] || optional_files+=("${path}")
    done
}

find_inputs() { # config [round]: sets input_files, those that the config names
    local lines
    lines=$(hamzaban list-inputs "$1" ${2:+--round "$2"})
    # shellcheck disable=SC2034 # the script that sources this reads it
    input_files=()
    # shellcheck disable=SC2034
    [[ -z ${lines} ]] || mapfile -t input_files <<< "${lines}"
}

find_named() { # config option...: sets optional_files, what these name: files, data sets
    local word
    local -a words paths=()
    mapfile -t words < <(sed -En "s/^ *[^ :]+: +(.+)$/\1/; t found; d; :found
        s/^(['\"])(.*)\1$/\2/; p" "$1")
    words+=("${@:2}")
    for word in "${words[@]}" "${words[@]#*=}"; do # DIR of old=DIR, FILE of --option=FILE
        [[ ! -d ${word} ]] || paths+=("${word}"/{wav.scp,utt2num_samples,text})
        [[ ! -f ${word} ]] || paths+=("${word}")
    done
    find_optional "${paths[@]}"
}

pretrain() { # config checkpoint-or-"" train_dir valid_dir output_dir option...
    log "Pretraining: $5/train.log"
    find_named "$1" "${@:6}"
    step pretrain --set_aside "$5" --out "$5/wav2vec2.pt" --in "$1" ${2:+"$2"} \
        {"$3","$4"}/{wav.scp,utt2num_samples} "${optional_files[@]}" -- \
        "${cuda_cmd[@]}" "${train_opts[@]}" --log "$5/train.log" -- \
        hamzaban train-ssl --config "$1" --output_dir "$5" \
        --ngpu "${ngpu:?}" --multiprocessing_distributed true --resume true \
        ${2:+--init_checkpoint "$2"} \
        --train_data_path_and_name_and_type "$3/wav.scp,speech,sound" \
        --valid_data_path_and_name_and_type "$4/wav.scp,speech,sound" \
        --train_shape_file "$3/utt2num_samples" \
        --valid_shape_file "$4/utt2num_samples" "${@:6}"
}

plain_args() { # options: as a part of a name, as ESPnet writes them; of paths the last part
    local args
    args=$(sed -E 's,/+([[:space:]]|$),\1,g; s,[^[:space:]=]*/,,g' <<< "${1//--/_}")
    printf '%s\n' "${args//[[:space:]|=]/}"
}
shorten() { # name: itself, or its head and a number for the rest: bytes of a file's name
    local LC_ALL=C
    local head=${1:0:160} sum
    if [[ ${#1} -gt 170 ]]; then
        head=${head%"${head##*[ -~]}"} # not half a letter
        read -r sum _ < <(cksum <<< "$1")
        printf '%s_%s\n' "${head}" "${sum}"
    else
        printf '%s\n' "$1"
    fi
}
stem() { # path: its name without suffix
    local name=${1##*/}
    printf '%s\n' "${name%.*}"
}
