#!/usr/bin/env bash
# Where the data and the checkpoints are. Sourced.

# Common Voice: a folder of unpacked releases or of the languages' tarballs.
# shellcheck disable=SC2034  # read by local/data.sh
COMMONVOICE=${COMMONVOICE:-downloads}
# Checkpoints by the names that conf/grid.yaml gives them: .pt of fairseq or of
# import-ssl, or Hugging Face folders.
# shellcheck disable=SC2034  # read by run.sh
CHECKPOINTS=${CHECKPOINTS:-downloads/checkpoints}
