#!/usr/bin/env bash
# Which checkpoint suits which language: the study of arXiv 2511.21704 as a grid.
#   ./run.sh                                            all cells, then the tables
#   ./run.sh --only lang=fa,ar --only seed=0 --max_jobs 8
#   ./run.sh --set release=25.0 --exp_dir exp/cv25      another release of Common Voice
# Options go to `hamzaban run-grid`; see ./run.sh --help.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=egs2/transfer/asr1/db.sh
. ./db.sh

exec hamzaban run-grid \
    --config conf/grid.yaml \
    --set "checkpoints=${CHECKPOINTS}" \
    "$@"
