#!/usr/bin/env bash
# Where the data are: the folder urdu with train-*.parquet and valid-*.parquet. Sourced.

# shellcheck disable=SC2034  # read by local/data.sh
INDICVOICES=${INDICVOICES:-downloads}
