#!/usr/bin/env bash
# Run ruff, mypy, yamllint and shellcheck on all files that people write.
set -euo pipefail
root=$(dirname "$(dirname "$(realpath "${BASH_SOURCE[0]}")")")
# shellcheck source=local/log.sh
. "${root}/local/log.sh"

help_message="Usage: local/lint.sh; exits with 1 if a checker finds something"
# shellcheck source=local/parse_options.sh
. "${root}/local/parse_options.sh"
[[ $# -eq 0 ]] || die "'$1' is not an option; see --help"

PATH=${root}/.venv/bin:${PATH}
failed=()

check() { # name command...
    log "$*"
    "$@" || failed+=("$1 ${2-}")
}

list_files() { # find-expression...: files not made by a recipe, an environment or git
    find "${root}" -mindepth 1 \( -name '.?*' -not -name .ci -o -path '*/egs2/*/*/exp' \
        -o -path '*/egs2/*/*/dump' -o -path '*/egs2/*/*/data' \) -prune -o \( -type f \( "$@" \) -print0 \)
}

mapfile -d '' -t scripts < <(list_files -name '*.sh' -o -path '*/.ci/run' -o -name '*.bats')
mapfile -d '' -t yamls < <(list_files -name '*.yaml' -o -name '*.yml')

check ruff check "${root}"
check ruff format --check "${root}"
check mypy --config-file "${root}/pyproject.toml" "${root}/plugins/hamzaban" "${root}/setup.py"
if [[ ${#yamls[@]} -gt 0 ]]; then
    check yamllint --strict -c "${root}/.yamllint" "${yamls[@]}"
fi
if type -P shellcheck > /dev/null; then
    check shellcheck -x -P "${root}" "${scripts[@]}"
else
    log "shellcheck is not installed; shell scripts are not checked"
fi
[[ ${#failed[@]} -eq 0 ]] || die "failed: ${failed[*]}"
log "No complaints"
