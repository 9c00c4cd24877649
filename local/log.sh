#!/usr/bin/env bash
# Messages to standard error: log MESSAGE; die MESSAGE logs it and exits with 1. Sourced.

log() { # as 2026-11-20T04:27:35 (data.sh:20) MESSAGE
    printf '%(%Y-%m-%dT%H:%M:%S)T (%s:%d) %s\n' -1 \
        "${BASH_SOURCE[1]##*/}" "${BASH_LINENO[0]}" "$*" >&2
}

die() { # as data.sh: MESSAGE
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}
