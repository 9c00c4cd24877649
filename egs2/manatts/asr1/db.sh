#!/usr/bin/env bash
# Where the data are: the folder with dataset/dataset_part_*.parquet. Sourced.

# shellcheck disable=SC2034  # read by local/data.sh
MANATTS=${MANATTS:-downloads}
