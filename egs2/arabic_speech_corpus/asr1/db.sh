#!/usr/bin/env bash
# Where the data are: the unzipped folder arabic-speech-corpus. Sourced.

# shellcheck disable=SC2034  # read by local/data.sh
ARABIC_SPEECH_CORPUS=${ARABIC_SPEECH_CORPUS:-downloads}
