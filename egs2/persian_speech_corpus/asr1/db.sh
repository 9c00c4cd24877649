#!/usr/bin/env bash
# Where the data are: the unzipped folder with orthographic-transcript.txt and wav/. Sourced.

# shellcheck disable=SC2034  # read by local/data.sh
PERSIAN_SPEECH_CORPUS=${PERSIAN_SPEECH_CORPUS:-downloads}
