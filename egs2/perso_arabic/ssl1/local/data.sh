#!/usr/bin/env bash
# Make data/media.lst of what db.sh names.

set -euo pipefail

# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=local/log.sh
. "${MAIN_ROOT}/local/log.sh"
# shellcheck source=egs2/perso_arabic/ssl1/db.sh
. ./db.sh

[[ -n ${MEDIA//[[:space:]]/} ]] ||
    die "db.sh: MEDIA is empty; list the paths of your media in it, one per line"
mkdir -p data
printf '%s\n' "${MEDIA}" | sed '/^[[:space:]]*$/d' > data/media.lst.tmp
if cmp -s data/media.lst.tmp data/media.lst; then
    rm data/media.lst.tmp
else
    mv data/media.lst.tmp data/media.lst
fi
