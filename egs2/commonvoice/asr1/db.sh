#!/usr/bin/env bash
# Where the data are: an unpacked release, a folder of releases, or a language's tarball,
# such as /data/cv-corpus-25.0-2026-03-09-fa.tar.gz. Sourced.
# shellcheck disable=SC2034  # read by run.sh and local/data.sh

COMMONVOICE=${COMMONVOICE:-downloads}
# A folder of FLEURS (huggingface.co/datasets/google/fleurs), whose test set is then decoded
# and scored as well, as test_fleurs_<lang>; empty: none.
FLEURS=${FLEURS:-}
