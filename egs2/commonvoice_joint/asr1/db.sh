#!/usr/bin/env bash
# Where the data are: an unpacked release, a folder of releases, or a folder with a
# tarball of each language, such as cv-corpus-25.0-2026-03-09-fa.tar.gz. Sourced.

# shellcheck disable=SC2034  # read by local/data.sh
COMMONVOICE=${COMMONVOICE:-downloads}
