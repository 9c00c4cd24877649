#!/usr/bin/env bash
# Make the sets from Debian's packages of Asterisk's prompts: see local/prepare_data.py.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh

python3 local/prepare_data.py data "$@"
