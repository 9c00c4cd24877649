#!/usr/bin/env bash
# Where jobs run; see `hamzaban run-jobs --help`. Sourced by the drivers. Where a site
# differs, a recipe's own cmd.sh sets these again.

# shellcheck disable=SC2034  # read by the drivers
cuda_cmd=(hamzaban run-jobs --backend local) # training
# shellcheck disable=SC2034
decode_cmd=(hamzaban run-jobs --backend local)
