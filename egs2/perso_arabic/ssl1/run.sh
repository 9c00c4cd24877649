#!/usr/bin/env bash
# Continual pretraining on one's own media: CP1 (XLS-R) and CP2 (English wav2vec 2.0 Large).
#   ./run.sh                    both; db.sh names the media and the two checkpoints
#   ./run.sh --systems cp1      one of them: conf/<system>.yaml
# Other options go to ssl.sh, such as --stop_stage mine; see ./run.sh --help.
set -euo pipefail

# shellcheck source=egs2/perso_arabic/ssl1/db.sh
. ./db.sh
systems="cp1 cp2"
rest=()
while (($# > 0)); do
    case $1 in
        --systems)
            systems=${2?"--systems has no value"}
            shift 2
            ;;
        *)
            rest+=("$1")
            shift
            ;;
    esac
done

for system in ${systems}; do
    init=${system^^}_INIT
    ./ssl.sh \
        --ssl_tag "${system}" \
        --pretrain_config "conf/${system}.yaml" \
        --pretrain_init "${!init-}" \
        --mine_config conf/mine.yaml \
        --valid_hours 10 \
        "${rest[@]}"
    [[ " ${rest[*]} " != *" --help "* ]] || break
done
