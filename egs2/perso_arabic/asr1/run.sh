#!/usr/bin/env bash
# Arabic, Persian and Urdu from four checkpoints, characters against pieces (2512.07277).
#   ./run.sh --only lang=ur                   all of it for a language, then the tables
#   ./run.sh --only lang=fa --only start=xls-r,cp1 --only tokens=bpe512
# db.sh names corpora and checkpoints; ../ssl1 makes cp1 and cp2.
# Options go to `hamzaban run-grid`; see ./run.sh --help.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=egs2/perso_arabic/asr1/db.sh
. ./db.sh

exec hamzaban run-grid \
    --config conf/grid.yaml \
    --set "xls_r=${XLS_R}" \
    --set "wav2vec2_large=${WAV2VEC2_LARGE}" \
    --set "cp1=${CP1}" \
    --set "cp2=${CP2}" \
    "$@"
