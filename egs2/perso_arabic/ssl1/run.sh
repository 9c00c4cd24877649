#!/usr/bin/env bash
# Continual pretraining on your own media: CP1 (XLS-R) and CP2 (English wav2vec 2.0 Large).
#   ./run.sh                    both; db.sh names the media and the two checkpoints
#   ./run.sh --systems cp1      one of them: conf/<system>.yaml
# Other options go to ssl.sh, such as --stop_stage mine; see ./run.sh --help.
set -euo pipefail
# shellcheck source=egs2/TEMPLATE/asr1/path.sh
. ./path.sh
# shellcheck source=egs2/perso_arabic/ssl1/db.sh
. ./db.sh
systems="cp1 cp2" # conf/<system>.yaml, made one after the other
rest=()           # options of ssl.sh
help_message="Options of this recipe and their defaults:"
# shellcheck source=local/parse_options.sh
. "${MAIN_ROOT}/local/parse_options.sh"

for system in ${systems}; do
    init=${system^^}_INIT
    HAMZABAN_PROGRAM=$0 ./ssl.sh \
        --ssl_tag "${system}" \
        --pretrain_config "conf/${system}.yaml" \
        --pretrain_init "${!init-}" \
        --mine_config conf/mine.yaml \
        --valid_hours 10 \
        "${rest[@]}" "$@"
    [[ " ${rest[*]} " != *" --help "* ]] || break
done
