#!/usr/bin/env bash
# Sets up what Hamzaban runs on: a Python environment, sclite, KenLM. Done steps are kept.
set -euo pipefail
root=$(dirname "$(dirname "$(realpath "${BASH_SOURCE[0]}")")")
# shellcheck source=local/log.sh
. "${root}/local/log.sh"
# shellcheck source=local/env_python.sh
. "${root}/local/env_python.sh"
# shellcheck source=local/env_tools.sh
. "${root}/local/env_tools.sh"

venv=${root}/.venv     # folder of the environment
python=${PYTHON:-}     # interpreter; empty: the environment's, or one at hand
test_tools=false       # true adds chromium and espeak-ng, which some tests need
tools=true             # false leaves sclite, shellcheck, bats and KenLM out
help_message="\
Usage: local/make_env.sh [--venv DIR] [--python PYTHON] [--tools true|false]
                         [--test_tools true|false]

Makes DIR (${venv}) with the pinned set of requirements/ for PYTHON, a
Python ${supported[*]}, and installs sclite, shellcheck, bats (by apt-get) and KenLM."
# shellcheck source=local/parse_options.sh
. "${root}/local/parse_options.sh"
[[ $# -eq 0 ]] || die "'$1' is no option; see --help"

exec {lock}> "${venv}.lock"
flock -n "${lock}" || { log "Waiting for another set-up of ${venv}" && flock "${lock}"; }
python=$(choose_python "${python}" "${venv}")
packages=()
if "${tools}"; then
    mapfile -t packages < <(missing_packages "${venv}")
    if "${test_tools}"; then
        has chromium || packages+=(chromium fonts-noto-core)
        has espeak-ng || packages+=(espeak-ng)
    fi
fi
if ! find_uv "${venv}" > /dev/null && ! has_venv "${python}"; then
    packages+=("python$(minor_version "${python}")-venv")
fi
wanting=""
install_packages "${venv}.apt_failed" "${packages[@]}" || wanting=${packages[*]}
make_venv "${python}" "${venv}"
if "${tools}"; then
    has_kenlm "${venv}" || build_kenlm "${venv}" || log "KenLM could not be built"
    report_tools "${venv}"
fi
[[ -z ${wanting} ]] || log "Ask an administrator for: apt-get install -y ${wanting}"
