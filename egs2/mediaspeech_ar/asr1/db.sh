#!/usr/bin/env bash
# Where the data are: the unpacked folder AR, a .txt beside each .flac. Sourced.

# shellcheck disable=SC2034  # read by local/data.sh
MEDIASPEECH=${MEDIASPEECH:-downloads}
