#!/usr/bin/env bash
# Make espeak-ng read sentences of both languages: see local/prepare_data.py.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"

[[ $# -eq 2 ]] || die "$# languages with texts found, expected SOURCE=FILE TARGET=FILE"
command -v espeak-ng > /dev/null ||
    die "espeak-ng: not installed; it reads the sentences: apt-get install espeak-ng"
for pair in "$@"; do
    [[ -n ${pair#*=} ]] || die "no sentences of '${pair%%=*}' are given; see --help: --source_text, --target_text"
    [[ -f ${pair#*=} ]] || die "${pair#*=}: no such file; sentences of '${pair%%=*}', one per line"
done
python3 local/prepare_data.py data "$@"
