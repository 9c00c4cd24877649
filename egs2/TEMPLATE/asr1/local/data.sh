#!/usr/bin/env bash
# Make data/{train,valid,test} from what db.sh names; options are those of import-data.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=egs2/TEMPLATE/asr1/db.sh
. ./db.sh

[[ -n ${CORPUS} ]] || die "db.sh: CORPUS is empty; set it to the path of your data"
hamzaban import-data "${CORPUS}" --lang LANG --output data "$@"
