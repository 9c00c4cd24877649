#!/usr/bin/env bash
# Make data/train and the other sets; the options are those of the command below.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=egs2/mgb2/asr1/db.sh
. ./db.sh

[[ -d ${MGB2} ]] || die "db.sh: MGB2 is '${MGB2}', not a folder; request it with the form at https://arabicspeech.org/mgb2"
hamzaban prepare-corpus mgb2 "${MGB2}" --output data "$@"
