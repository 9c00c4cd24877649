#!/usr/bin/env bash
# Functions that write to standard error: `log MESSAGE`, and `die MESSAGE`, which exits
# with status 1. Sourced.

# Messages and help name the program that was called: run.sh passes its name to asr.sh.
_program=${_program-${HAMZABAN_PROGRAM:-$0}}
unset HAMZABAN_PROGRAM

log() { # prints 2026-11-20T04:27:35 (data.sh:20) MESSAGE
    printf '%(%Y-%m-%dT%H:%M:%S)T (%s:%d) %s\n' -1 \
        "${BASH_SOURCE[1]##*/}" "${BASH_LINENO[0]}" "$*" >&2
}

die() { # prints data.sh: MESSAGE
    printf '%s: %s\n' "${_program##*/}" "$*" >&2
    exit 1
}
