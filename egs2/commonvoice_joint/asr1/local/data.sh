#!/usr/bin/env bash
# Make data/{train,valid}_<part> of several languages, and data/test_<lang> of each.
# Usage: data.sh --langs fa,ar,ur --part NAME [option...]
# Other options are those of `hamzaban prepare-corpus commonvoice`, see its --help.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=egs2/commonvoice_joint/asr1/db.sh
. ./db.sh

langs="" # codes, separated by commas
part=""  # suffix of the names of the joint sets
rest=()  # options of prepare-corpus
# shellcheck source=local/parse_options.sh
. "${MAIN_ROOT}/local/parse_options.sh"
read -ra codes <<< "${langs//,/ }"
((${#codes[@]} > 1)) || die "--langs is '${langs}', expected two or more, such as fa,ar; for one use egs2/commonvoice"

for lang in "${codes[@]}"; do
    hamzaban prepare-corpus commonvoice "${COMMONVOICE}" --output data --nj "$(nproc)" \
        --lang "${lang}" --suffix "_${lang}" "${rest[@]}"
done
for name in train valid; do
    hamzaban combine-data "data/${name}_${part}" "${codes[@]/#/data/${name}_}"
done
