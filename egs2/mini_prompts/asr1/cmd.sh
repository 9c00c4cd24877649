#!/usr/bin/env bash
# Where jobs run; see `hamzaban run-jobs --help`. Sourced; a recipe has its own copy.

# shellcheck disable=SC2034  # read by asr.sh
cuda_cmd=(hamzaban run-jobs --backend local) # training
# shellcheck disable=SC2034
decode_cmd=(hamzaban run-jobs --backend local)
