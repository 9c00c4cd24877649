#!/usr/bin/env bash
# Run lint, the shell tests and pytest, with both Python versions where both are found.
set -euo pipefail
root=$(dirname "$(dirname "$(realpath "${BASH_SOURCE[0]}")")")
# shellcheck source=local/log.sh
. "${root}/local/log.sh"
# shellcheck source=local/env_python.sh
. "${root}/local/env_python.sh"

nj=$(nproc)          # parallel tests; at most 4 unless given, as each may take 2 GB
((nj <= 4)) || nj=4
second_stack=true    # false skips the other Python version
check=false          # true runs only ruff and the tests that need no torch
help_message="\
Usage: local/run_tests.sh [--nj ${nj}] [--second_stack true|false] [--check true|false]

Runs all parts even if one fails, and exits with status 1 if any has failed."
# shellcheck source=local/parse_options.sh
. "${root}/local/parse_options.sh"
[[ $# -eq 0 ]] || die "'$1' is not an option; see --help"

tmp=$(mktemp -d)
trap 'rm -rf "${tmp}"' EXIT
summary=()
failed=false

part() { # name command...: runs it and keeps its last line for the summary
    local state=passed
    log "Testing: $1"
    "${@:2}" 2>&1 | tee "${tmp}/output" || state=FAILED
    [[ ${state} == passed ]] || failed=true
    closing=$(grep -E '^=+ .* =+$' "${tmp}/output" | tail -n 1 || true)
    summary+=("$1: ${state} ${closing//=/}")
}

run_bats() {
    PATH="${root}/.venv/bin:${PATH}" bats "${root}/tests/shell"
}

run_pytest() { # venv argument...
    PATH="$1/bin:${root}/.venv/bin:${PATH}" "$1/bin/python" -m pytest --rootdir "${root}" \
        -c "${root}/pyproject.toml" -n "${nj}" --dist loadfile "${@:2}" "${root}/tests"
}

other_stack() { # tests the Python version that .venv does not have
    local version venv python
    version=$(minor_version "${root}/.venv/bin/python")
    version=${supported[*]/${version}/}
    version=${version// /}
    venv=${root}/.venv-py${version/./}
    if ! python=$(find_python "${version}"); then
        log "Python ${version} is neither on PATH nor in pyenv, so it is not tested"
        summary+=("pytest, Python ${version}: skipped, no such interpreter")
        return
    fi
    part "set-up, Python ${version}" "${root}/local/make_env.sh" --venv "${venv}" \
        --python "${python}" --tools false
    part "pytest, Python ${version}" run_pytest "${venv}" -m "not first_stack"
}

run_ruff() {
    "${root}/.venv/bin/ruff" check "${root}" && "${root}/.venv/bin/ruff" format --check "${root}"
}

summarize() { # prints the result of each part; fails if one has failed
    printf '%s\n' "" "${summary[@]}" "${closing}"
    ! "${failed}"
}

if "${check}"; then
    part ruff run_ruff
    part "pytest, without torch" run_pytest "${root}/.venv" \
        -m "not torch and not slow and not first_stack"
    summarize
    exit
fi
part lint "${root}/local/lint.sh"
if type -P bats > /dev/null; then
    part bats run_bats
else
    log "bats is not installed, so the shell tests are skipped"
    summary+=("bats: skipped, it is not installed")
fi
if "${second_stack}"; then
    other_stack
fi
part "pytest, Python $(minor_version "${root}/.venv/bin/python")" run_pytest "${root}/.venv"
summarize
