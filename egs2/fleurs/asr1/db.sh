#!/usr/bin/env bash
# Where the data are: a folder that holds fa_ir/ with train.tsv, dev.tsv, test.tsv and audio/. Sourced.

# shellcheck disable=SC2034  # read by local/data.sh
FLEURS=${FLEURS:-downloads}
