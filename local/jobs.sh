#!/usr/bin/env bash
# Where heavy commands run: reads cmd.sh, and sets cuda_cmd (training), decode_cmd and
# slurm_conf. Sourced by stages.sh.
# shellcheck disable=SC2034,SC2154 # the driver reads, or sets, these

# shellcheck source=local/cmd.sh
. "${MAIN_ROOT}/local/cmd.sh"
if [[ -f cmd.sh ]]; then # a recipe may have its own
    # shellcheck source=/dev/null
    . ./cmd.sh
fi
slurm_conf=conf/slurm.yaml
[[ -f ${slurm_conf} ]] || slurm_conf=${MAIN_ROOT}/conf/slurm.yaml

name_backend() { # kind: sets backend_opts, options of the verbs that launch jobs
    backend_opts=(--backend "${cmd_backend}")
    [[ ${cmd_backend} != slurm ]] ||
        backend_opts+=(--backend_conf "config=${slurm_conf}" --backend_conf "kind=$1")
}

slurm_value() { # kind name: prints a value of conf/slurm.yaml
    local value
    value=$(hamzaban config get "${slurm_conf}" "jobs.$1.$2")
    printf '%s\n' "${value:-$(hamzaban config get "${slurm_conf}" "$2")}"
}

elsewhere() { # kind log: sets launch, which goes before a command; empty on this machine
    launch=()
    [[ ${cmd_backend} != local ]] || return 0
    name_backend "$1"
    launch=(hamzaban run-jobs "${backend_opts[@]}" --num_cpus "${nj}" --log "$2" --)
}

divide() { # kind log: sets shard_opts, options of a verb that divides its work among jobs
    shard_opts=()
    [[ ${cmd_backend} != local ]] || return 0
    name_backend "$1"
    shard_opts=(--shards "$(slurm_value "$1" shards)" "${backend_opts[@]}" --log "$2")
}

name_backend train
[[ -v cuda_cmd ]] || cuda_cmd=(hamzaban run-jobs "${backend_opts[@]}")
name_backend decode
[[ -v decode_cmd ]] || decode_cmd=(hamzaban run-jobs "${backend_opts[@]}")
