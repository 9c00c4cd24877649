#!/usr/bin/env bash
# Parse a script's options as Kaldi does. Sourced after the defaults and help_message.
# `--name value` sets the variable `name`, which must have a default; dashes in a name
# equal underscores. If the default is true or false, or a whole number, the value must be
# of the same kind, since bash arithmetic would run the command in `x[$(command)]` (stage
# and stop_stage may be names, hours may have a fraction). Parsing ends at `--` or at the
# first word that is not an option; the remaining words are the positional parameters.
#
# `--help` prints help_message. If that ends in "defaults:", the script's lines of the form
# `name=value # comment` follow, each with the lines of comment below it. An option that
# was given before --help, such as by a recipe's run.sh, is shown with that value.
#
# A script that calls another program declares an array `rest`. It collects the options
# that the script does not have, with their values, and --help.

# shellcheck source=local/log.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/log.sh"

declare -A _defaults=() # defaults of the options given so far

_is_option() { # name: succeeds if it is a plain variable with a default
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

_check_value() { # word name value: checks that the value is of the default's kind
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

_describe_value() { # value default-and-comment: prints the value and the comment, as wide
    local value=$1 default=${2%%# *}
    while [[ ${value} == *"  "* ]]; do # of lines that a recipe joins
        value=${value//  / }
    done
    [[ ${value} =~ ^[A-Za-z0-9_./:=@%+-]+$ ]] || value="\"${value% }\""
    printf '%-*s # %s\n' $((${#default} - 1)) "${value}" "${2#*# }"
}

_show_help() {
    printf '%s\n' "${help_message:-${_program##*/}: no help is available}"
    [[ ${help_message-} == *defaults: ]] || return 0
    local line _name _value is_option=false
    while IFS= read -r line; do
        case ${line} in
            stage_table=* | help_message=*) break ;;
            [a-z]*"=("*) is_option=false ;;
            [a-z]*=*"# "*)
                _name=${line%%=*} # an option may be called name
                _value=${line#*=}
                if [[ -v _defaults[${_name}] ]]; then
                    _value=$(_describe_value "${!_name}" "${_value}")
                fi
                printf '  --%s %s\n' "${_name}" "${_value}"
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
