#!/usr/bin/env bash
# Set PATH and the locale for a recipe. The recipe's scripts source this file.
# Sets MAIN_ROOT, the root of the repository; a recipe's folder is three levels below it.

MAIN_ROOT=$(realpath -- "$(dirname -- "${BASH_SOURCE[0]}")/../../..")
export MAIN_ROOT
if [[ -d ${MAIN_ROOT}/.venv/bin ]]; then # made by `make env`: python, hamzaban, sclite, lmplz
    export PATH="${MAIN_ROOT}/.venv/bin:${PATH}"
fi
export LC_ALL=C # sort orders by bytes, as data directories are
export PYTHONUTF8=1 PYTHONIOENCODING=UTF-8
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" # jobs run side by side; training asks for more
