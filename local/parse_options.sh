#!/usr/bin/env bash
# Options of a script, by Kaldi's convention. Sourced after the defaults and help_message:
# `--name value` sets the variable `name`, which must have a default; dashes in a name
# equal underscores. Where the default is true or false, or a whole number, so is the value
# (stage and stop_stage may be names, hours may have a fraction): bash arithmetic would run
# a command that stands in `x[$(command)]`. Parsing ends at `--` or at the first word that
# is no option; the words left are the positional parameters.
#
# `--help` shows help_message. If that ends in "defaults:", the script's options follow:
# its lines `name=value # comment`, each with the lines of comment below it.
#
# A script that calls another program declares an array `rest`: options that the script
# does not have are put there with their values, and --help after the script's own help.

# shellcheck source=local/log.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/log.sh"

declare -A _defaults=() # of the options that were given

_is_option() { # name: is it a plain variable with a default?
    [[ $1 =~ ^[a-z][a-z0-9_]*$ && $1 != help_message && $1 != stage_table &&
        -n ${!1+set} && ! $(declare -p "$1") =~ ^declare\ -[aAr] ]]
}

_has_rest() {
    [[ $(declare -p rest 2> /dev/null) == "declare -a"* ]]
}

_set_option() { # word number-of-words value: sets the variable that the word names
    local name=${1#--} see="see --help"
    name=${name//-/_}
    if [[ ${name} == *=* ]]; then
        die "option $1: write '--${name%%=*} ${name#*=}', with a space"
    fi
    _is_option "${name}" || _has_rest || die "option $1 is unknown; ${see}"
    [[ $2 -ge 2 ]] || die "option $1 has no value; ${see}"
    local next=${3#--}
    if [[ $3 == --* ]] && _is_option "${next//-/_}"; then
        die "option $1 has no value, option $3 follows; ${see}"
    fi
    if ! _is_option "${name}"; then
        rest+=("--${name}" "$3")
        return
    fi
    [[ -v _defaults[${name}] ]] || _defaults[${name}]=${!name}
    _check_value "$1" "${name}" "$3"
    printf -v "${name}" %s "$3"
}

_check_value() { # word name value: is the value of the kind of the default?
    local default=${_defaults[$2]}
    if [[ ${default} =~ ^(true|false)$ && ! $3 =~ ^(true|false)$ ]]; then
        die "option $1 is '$3', expected true or false"
    fi
    [[ ${default} =~ ^[0-9]+$ && $2 != stage && $2 != stop_stage ]] || return 0
    if [[ $2 == *hours ]]; then
        [[ $3 =~ ^[0-9]+([.][0-9]+)?$ ]] || die "option $1 is '$3', expected a number"
    elif [[ ! $3 =~ ^(0|[1-9][0-9]{0,17})$ ]]; then
        die "option $1 is '$3', expected a whole number"
    fi
}

_show_help() {
    printf '%s\n' "${help_message:-${_program##*/}: no help was written}"
    [[ ${help_message-} == *defaults: ]] || return 0
    local line is_option=false
    while IFS= read -r line; do
        case ${line} in
            stage_table=* | help_message=*) break ;;
            [a-z]*"=("*) is_option=false ;;
            [a-z]*=*"# "*)
                printf '  --%s %s\n' "${line%%=*}" "${line#*=}"
                is_option=true
                ;;
            " "*"# "*) [[ ${is_option} == false ]] || printf '    %s\n' "${line}" ;;
            *) is_option=false ;;
        esac
    done < "$0"
}

while [[ ${1-} == -* ]]; do
    case $1 in
        -h | --help)
            if ! _has_rest; then
                _show_help
                exit 0
            fi
            [[ -z ${help_message-} ]] || { _show_help && echo; }
            rest+=(--help)
            shift
            ;;
        --)
            shift
            break
            ;;
        --?*)
            _set_option "$1" "$#" "${2-}"
            shift 2
            ;;
        *) break ;;
    esac
done
