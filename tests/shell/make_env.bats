#!/usr/bin/env bats
# The set-up: which interpreter is taken, what is made again, what is asked for.

load helpers

setup() {
    root="${BATS_TEST_TMPDIR}/ت repository"
    bin="${BATS_TEST_TMPDIR}/bin"
    mkdir -p "${root}" "${bin}"
    # shellcheck disable=SC2153  # set by helpers
    cp -r "${ROOT}/local" "${ROOT}/requirements" "${ROOT}/setup.py" "${root}"
    for name in bash chmod dirname env flock grep id mkdir realpath rm sed; do
        ln -s "$(type -P "${name}")" "${bin}/${name}"
    done
    PATH=${bin} # a machine with nothing else
    HOME=${BATS_TEST_TMPDIR}
    unset PYENV_ROOT PYTHON
    # shellcheck source=local/log.sh
    . "${root}/local/log.sh"
    # shellcheck source=local/env_python.sh
    . "${root}/local/env_python.sh"
    # shellcheck source=local/env_tools.sh
    . "${root}/local/env_tools.sh"
}

fake_python() { # path version
    mkdir -p "${1%/*}"
    printf '#!%s\necho Python %s\n' "${bin}/bash" "$2" > "$1"
    chmod +x "$1"
}

@test "the default python3 is taken if it is supported" {
    fake_python "${bin}/python3" 3.12.4
    fake_python "${bin}/python3.11" 3.11.2
    run choose_python "" "${root}/.venv"
    [ "${output}" = "${bin}/python3" ]
}

@test "another interpreter on PATH is taken if python3 is too new" {
    fake_python "${bin}/python3" 3.13.0
    fake_python "${bin}/python3.12" 3.12.4
    run choose_python "" "${root}/.venv"
    [ "${output}" = "${bin}/python3.12" ]
}

@test "pyenv's interpreters are found, commands that do not run are not" {
    fake_python "${bin}/python3" 3.10.1
    printf '#!%s\nexit 127\n' "${bin}/bash" > "${bin}/python3.11"
    fake_python "${HOME}/.pyenv/versions/3.11.7/bin/python" 3.11.7
    run choose_python "" "${root}/.venv"
    [ "${output}" = "${HOME}/.pyenv/versions/3.11.7/bin/python" ]
}

@test "an existing environment keeps its version" {
    fake_python "${bin}/python3" 3.12.4
    fake_python "${root}/.venv/bin/python" 3.11.2
    run choose_python "" "${root}/.venv"
    [ "${output}" = "${root}/.venv/bin/python" ]
}

@test "PYTHON of a wrong version is one clear line" {
    fake_python "${bin}/old" 3.10.1
    PYTHON=old run "${root}/local/make_env.sh"
    [ "${status}" -eq 1 ]
    [ "${output}" = "make_env.sh: PYTHON=old is Python 3.10; expected one of 3.11 3.12" ]
}

@test "no interpreter at all is one clear line" {
    run "${root}/local/make_env.sh"
    [ "${status}" -eq 1 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ ${output} == *"no Python 3.11 3.12 is on PATH or in pyenv"* ]]
}

@test "the reason for remaking an environment is shown" {
    fake_python "${root}/.venv/bin/python" 3.11.2
    [ "$(why_anew "" "3.11 a /x" "${root}/none")" = "it does not exist" ]
    [ "$(why_anew "" "3.11 a /x" "${root}/.venv")" = "its installation is incomplete" ]
    [ "$(why_anew "3.11 a /x" "3.12 b /x" "${root}/.venv")" = "it has Python 3.11" ]
    [ "$(why_anew "3.11 a /x y" "3.11 a /z" "${root}/.venv")" = "it was moved from /x y" ]
    [ "$(why_anew "3.11 a /x y" "3.11 b /x y" "${root}/.venv")" = "" ]
}

@test "without apt-get the missing packages are named and the set-up goes on" {
    run missing_packages "${root}/.venv"
    [[ ${output//$'\n'/ } == "sctk shellcheck bats cmake make g++ libboost"*" liblzma-dev" ]]
    run install_packages "${root}/.venv.apt_failed" sctk bats
    [ "${status}" -eq 1 ]
    [[ ${output} == *"Missing: sctk bats; apt-get cannot be run as root" ]]
}

@test "packages that apt-get failed to install are not tried again each time" {
    can_be_root() { true; }
    as_root() { echo tried; return 1; }
    printf '#!%s\n' "${bin}/bash" > "${bin}/apt-get"
    chmod +x "${bin}/apt-get"
    run install_packages "${root}/.venv.apt_failed" sctk bats
    [ "${status}" -eq 1 ]
    [[ ${output} == *tried* ]]
    run install_packages "${root}/.venv.apt_failed" sctk bats
    [ "${status}" -eq 1 ]
    [[ ${output} != *tried* && ${output} == *"remove ${root}/.venv.apt_failed"* ]]
}

@test "the build of PyTorch is the one asked for, else the environment's, else CUDA's" {
    mkdir -p "${root}/.venv"
    [ "$(choose_torch "" "${root}/.venv")" = cuda ]
    echo "3.11+cpu a /x" > "${root}/.venv/hamzaban.stamp"
    [ "$(choose_torch "" "${root}/.venv")" = cpu ]
    [ "$(choose_torch cuda "${root}/.venv")" = cuda ]
    run choose_torch rocm "${root}/.venv"
    [ "${status}" -eq 1 ]
    [[ ${output} == *"HAMZABAN_TORCH=rocm is not a build of PyTorch; expected cpu or cuda" ]]
}

@test "another build of PyTorch makes the environment again" {
    fake_python "${root}/.venv/bin/python" 3.11.2
    [ "$(why_anew "3.11 a /x" "3.11+cpu a /x" "${root}/.venv")" = "it has Python 3.11" ]
}

@test "a build for the CPU leaves out CUDA's packages and takes PyTorch from its index" {
    fake_python "${root}/.venv/bin/python" 3.11.2
    # shellcheck disable=SC2317  # fill_venv calls it
    pip_install() { printf '%s\n' "${*:2}" >> "${BATS_TEST_TMPDIR}/installed"; }
    fill_venv "${root}/.venv" cpu
    run grep -c "whl/cpu torch==[0-9.]* torchaudio==" "${BATS_TEST_TMPDIR}/installed"
    [ "${output}" = 1 ]
    run grep -cE "^(nvidia|triton|torch)" "${root}/.venv/requirements.txt"
    [ "${output}" = 2 ] # torch-complex, torchmetrics
    mkdir "${root}/wheels"
    HAMZABAN_TORCH_INDEX=${root}/wheels fill_venv "${root}/.venv" cpu
    grep -qe "--no-index --find-links ${root}/wheels torch==" "${BATS_TEST_TMPDIR}/installed"
    pip_install() { false; }
    run fill_venv "${root}/.venv" cpu
    [ "${status}" -eq 1 ]
    [[ ${output} == *"whl/cpu; set HAMZABAN_TORCH_INDEX to an index or a folder"* ]]
}
