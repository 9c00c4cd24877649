#!/usr/bin/env bash
# Make data/{train,valid,test}<suffix> of the corpora that conf/mix/<lang>.yaml lists.
# Usage: data.sh --lang LANG [--mix YAML] [--suffix _LANG]

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=egs2/perso_arabic/asr1/db.sh
. ./db.sh

python3 local/mix_data.py --output data --nj "$(nproc)" "$@"
