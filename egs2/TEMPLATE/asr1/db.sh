#!/usr/bin/env bash
# Where the data are: a .csv, .tsv or .jsonl table with audio beside it, a folder of audio
# with a .txt beside each file, a `datasets` folder, or a Kaldi data directory. Sourced.

# shellcheck disable=SC2034  # read by local/data.sh
CORPUS=""
