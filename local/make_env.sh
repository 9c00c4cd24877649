#!/usr/bin/env bash
# Install a Python environment, sclite and KenLM. Steps that are complete are skipped.
set -euo pipefail
root=$(dirname "$(dirname "$(realpath "${BASH_SOURCE[0]}")")")
# shellcheck source=local/log.sh
. "${root}/local/log.sh"
# shellcheck source=local/env_python.sh
. "${root}/local/env_python.sh"
# shellcheck source=local/env_tools.sh
. "${root}/local/env_tools.sh"

venv=${root}/.venv     # folder of the environment
python=${PYTHON:-}     # interpreter; empty: the environment's, else the first found
test_tools=false       # true adds chromium, espeak-ng and Slurm, which some tests need
tools=true             # false skips sclite, shellcheck, bats and KenLM
help_message="\
Usage: local/make_env.sh [--venv DIR] [--python PYTHON] [--tools true|false]
                         [--test_tools true|false]

Creates DIR (${venv}) with the pinned requirements for PYTHON, which is
Python ${supported[*]}. Installs sclite, shellcheck, bats (with apt-get) and KenLM.

HAMZABAN_TORCH=cpu takes PyTorch's build without CUDA, which needs 2 GB instead of 8.
It comes from PyTorch's own index, or from HAMZABAN_TORCH_INDEX, a URL or a folder of
wheels. An environment keeps its build until you ask for the other one."
# shellcheck source=local/parse_options.sh
. "${root}/local/parse_options.sh"
[[ $# -eq 0 ]] || die "'$1' is not an option; see --help"

exec {lock}> "${venv}.lock"
flock -n "${lock}" || { log "Waiting until another make_env.sh has finished with ${venv}" && flock "${lock}"; }
python=$(choose_python "${python}" "${venv}")
build=$(choose_torch "${HAMZABAN_TORCH:-}" "${venv}")
packages=()
if "${tools}"; then
    mapfile -t packages < <(missing_packages "${venv}")
    if "${test_tools}"; then
        has chromium || packages+=(chromium fonts-noto-core)
        has espeak-ng || packages+=(espeak-ng)
        [[ -x /usr/sbin/slurmd && -x /usr/sbin/munged ]] || packages+=(slurm-wlm munge)
    fi
fi
if ! find_uv "${venv}" > /dev/null && ! has_venv "${python}"; then
    packages+=("python$(minor_version "${python}")-venv")
fi
wanting=""
install_packages "${venv}.apt_failed" "${packages[@]}" || wanting=${packages[*]}
make_venv "${python}" "${venv}" "${build}"
if "${tools}"; then
    has_kenlm "${venv}" || build_kenlm "${venv}" || log "KenLM could not be built"
    report_tools "${venv}"
fi
[[ -z ${wanting} ]] || log "Ask an administrator for: apt-get install -y ${wanting}"
