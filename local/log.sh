#!/usr/bin/env bash
# Messages to standard error: log MESSAGE; die MESSAGE logs it and exits with 1. Sourced.

# Messages and help name what was typed: run.sh names itself before it becomes asr.sh.
_program=${_program-${HAMZABAN_PROGRAM:-$0}}
unset HAMZABAN_PROGRAM

log() { # as 2026-11-20T04:27:35 (data.sh:20) MESSAGE
    printf '%(%Y-%m-%dT%H:%M:%S)T (%s:%d) %s\n' -1 \
        "${BASH_SOURCE[1]##*/}" "${BASH_LINENO[0]}" "$*" >&2
}

die() { # as data.sh: MESSAGE
    printf '%s: %s\n' "${_program##*/}" "$*" >&2
    exit 1
}
