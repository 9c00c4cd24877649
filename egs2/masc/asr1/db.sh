#!/usr/bin/env bash
# Where the data are: the unpacked folder with audios/, subtitles/ and subsets/. Sourced.

# shellcheck disable=SC2034  # read by local/data.sh
MASC=${MASC:-downloads}
