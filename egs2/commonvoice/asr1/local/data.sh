#!/usr/bin/env bash
# Make data/{train,valid,test}_<lang> from a release of Common Voice.
# The options are those of `hamzaban prepare-corpus commonvoice`, see its --help.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=egs2/commonvoice/asr1/db.sh
. ./db.sh

hamzaban prepare-corpus commonvoice "${COMMONVOICE}" --output data --nj "$(nproc)" "$@"
