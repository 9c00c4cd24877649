#!/usr/bin/env bash
# Options of a script, by Kaldi's convention. Sourced after the defaults and help_message:
# `--name value` sets the variable `name`, which must have a default; dashes in a name
# equal underscores; a default of true or false takes only these. `--help` shows
# help_message. Parsing ends at `--` or at the first word that is no option; the words
# left are the positional parameters.

# shellcheck source=local/log.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/log.sh"

_is_option() { # name: is it a plain variable with a default?
    [[ $1 =~ ^[a-z][a-z0-9_]*$ && $1 != help_message && -n ${!1+set} &&
        ! $(declare -p "$1") =~ ^declare\ -[aAr] ]]
}

_set_option() { # word number-of-words value: sets the variable that the word names
    local name=${1#--} see="see --help"
    name=${name//-/_}
    if [[ ${name} == *=* ]]; then
        die "option $1: write '--${name%%=*} ${name#*=}', with a space"
    fi
    _is_option "${name}" || die "option $1 is unknown; ${see}"
    [[ $2 -ge 2 ]] || die "option $1 has no value; ${see}"
    local next=${3#--}
    if [[ $3 == --* ]] && _is_option "${next//-/_}"; then
        die "option $1 has no value, option $3 follows; ${see}"
    fi
    if [[ ${!name} =~ ^(true|false)$ && ! $3 =~ ^(true|false)$ ]]; then
        die "option $1 is '$3', expected true or false"
    fi
    printf -v "${name}" %s "$3"
}

while [[ ${1-} == -* ]]; do
    case $1 in
        -h | --help)
            printf '%s\n' "${help_message:-${0##*/}: no help was written}"
            exit 0
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
