#!/usr/bin/env bash
# Commands that run jobs; see `hamzaban run-jobs --help`. Sourced by the drivers. A recipe's
# own cmd.sh overrides them.

# shellcheck disable=SC2034  # read by the drivers
cuda_cmd=(hamzaban run-jobs --backend local) # training
# shellcheck disable=SC2034
decode_cmd=(hamzaban run-jobs --backend local)
