#!/usr/bin/env bash
# Where the data are: the folder with train/, dev/ and test/. Sourced.

# shellcheck disable=SC2034  # read by local/data.sh
MGB2=${MGB2:-downloads}
