#!/usr/bin/env bash
# Make the sets of both languages from the words of mini_ar: see local/prepare_data.py.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"

corpus=downloads/mini_ar

[[ -f ${corpus}/words.tsv ]] ||
    die "${corpus}/words.tsv is missing; it is part of the repository: git checkout ${corpus}"
python3 local/prepare_data.py "${corpus}" data "$@"
