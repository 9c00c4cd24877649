#!/usr/bin/env bash
# Find Python interpreters, create environments and install packages in them. Sourced
# after log.sh, with `root` set to the repository.
supported=("3.11" "3.12")

minor_version() { # interpreter: prints its version as 3.11; fails if it does not run
    local words
    read -ra words <<< "$("$1" --version 2> /dev/null)"
    [[ ${words[1]-} =~ ^([0-9]+\.[0-9]+)\. ]] && printf '%s\n' "${BASH_REMATCH[1]}"
}

is_supported() { # version
    [[ " ${supported[*]} " == *" $1 "* ]]
}

base_python() { # interpreter: prints it, or its base interpreter if it is in a venv
    local home config
    config=$(dirname "$(dirname "$1")")/pyvenv.cfg
    home=$(sed -n 's/^home *= *//p' "${config}" 2> /dev/null || true)
    if [[ -n ${home} && -x ${home}/python$(minor_version "$1") ]]; then
        printf '%s\n' "${home}/python$(minor_version "$1")"
    else
        printf '%s\n' "$1"
    fi
}

list_pythons() { # prints candidates in order of preference
    local name
    for name in python3 "${supported[@]/#/python}"; do
        type -aP "${name}" || true
    done
    for name in "${supported[@]}"; do
        compgen -G "${PYENV_ROOT:-${HOME:-/}/.pyenv}/versions/${name}.*/bin/python" || true
    done
}

find_python() { # version...: prints the first interpreter found of one of these
    local candidate version
    while read -r candidate; do
        version=$(minor_version "${candidate}") || continue
        if [[ " $* " == *" ${version} "* ]]; then
            base_python "${candidate}"
            return
        fi
    done < <(list_pythons)
    return 1
}

choose_python() { # given venv: prints the interpreter given, else venv's, else the first found
    local version
    if [[ -n $1 ]]; then
        version=$(minor_version "$1") ||
            die "PYTHON=$1 does not run; expected a Python ${supported[*]}"
        is_supported "${version}" ||
            die "PYTHON=$1 is Python ${version}; expected one of ${supported[*]}"
        base_python "$(type -P "$1")"
    elif version=$(minor_version "$2/bin/python") && is_supported "${version}"; then
        base_python "$2/bin/python"
    else
        find_python "${supported[@]}" ||
            die "no Python ${supported[*]} is on PATH or in pyenv; install one of them" \
                "and call PYTHON=/path/to/python make env"
    fi
}

find_uv() { # venv: prints a uv that runs
    local candidate
    for candidate in "$1/bin/uv" "$(type -P uv)"; do
        if "${candidate}" --version > /dev/null 2>&1; then
            printf '%s\n' "${candidate}"
            return
        fi
    done
    return 1
}

has_venv() { # interpreter: succeeds if it can create an environment by itself
    "$1" -m ensurepip --version > /dev/null 2>&1
}

create_venv() { # interpreter venv
    local uv
    rm -rf "$2"
    if uv=$(find_uv "$2") && "${uv}" venv --quiet --python "$1" "$2"; then
        return
    fi
    has_venv "$1" || die "$1 has no venv and there is no uv; ask an administrator for:" \
        "apt-get install -y python$(minor_version "$1")-venv"
    "$1" -m venv --clear "$2"
    "$2/bin/python" -m pip install --quiet \
        "$(grep -E '^uv==' "$(requirements_of "$2/bin/python")")" ||
        log "uv cannot be installed; pip is used instead, which is slower"
}

pip_install() { # venv argument...: uses uv, or pip if uv is absent or fails
    local uv
    if uv=$(find_uv "$1"); then
        "${uv}" pip install --python "$1/bin/python" "${@:2}" && return
        log "uv failed; trying pip"
    fi
    "$1/bin/python" -m pip --version > /dev/null 2>&1 || "$1/bin/python" -m ensurepip
    "$1/bin/python" -m pip install "${@:2}"
}

requirements_of() { # interpreter: prints the path of its pinned requirements
    local version
    version=$(minor_version "$1")
    printf '%s\n' "${root:?}/requirements/py${version/./}.txt"
}

choose_torch() { # given venv: prints the build of PyTorch: given, or venv's, or cuda
    if [[ -n $1 ]]; then
        [[ $1 == cpu || $1 == cuda ]] ||
            die "HAMZABAN_TORCH=$1 is not a build of PyTorch; expected cpu or cuda"
        echo "$1"
    elif [[ -f $2/hamzaban.stamp && $(< "$2/hamzaban.stamp") == *+cpu\ * ]]; then
        echo cpu
    else
        echo cuda
    fi
}

install_torch_for_cpu() { # venv pin...: from PyTorch's own index or HAMZABAN_TORCH_INDEX
    local index=${HAMZABAN_TORCH_INDEX:-https://download.pytorch.org/whl/cpu}
    local from=(--index-url "${index}")
    [[ ! -d ${index} ]] || from=(--no-index --find-links "${index}")
    pip_install "$1" --no-deps "${from[@]}" "${@:2}" ||
        die "${*:2} cannot be installed from ${index}; set HAMZABAN_TORCH_INDEX to an" \
            "index or a folder that has PyTorch's wheels for the CPU, or leave out" \
            "HAMZABAN_TORCH=cpu, which takes the 8 GB build for GPUs"
}

fill_venv() { # venv build: installs the pinned requirements and this package
    local list cuda='^(torch|torchaudio|triton|nvidia-[a-z0-9-]+)==' pins
    list=$(requirements_of "$1/bin/python")
    if [[ $2 == cpu ]]; then
        mapfile -t pins < <(grep -E '^(torch|torchaudio)==' "${list}")
        install_torch_for_cpu "$1" "${pins[@]}"
        grep -vE "${cuda}" "${list}" > "$1/requirements.txt"
        list=$1/requirements.txt
    fi
    # Source packages are built with the pinned setuptools, not with the newest one.
    pip_install "$1" --no-deps "$(grep -E '^setuptools==' "${list}")"
    pip_install "$1" --no-deps --no-build-isolation -r "${list}"
    pip_install "$1" --no-deps --no-build-isolation -e "${root}"
}

stamp_of() { # interpreter venv build: prints the id of a complete environment
    local version sum
    version=$(minor_version "$1")
    sum=$(cat "$(requirements_of "$1")" "${root}/setup.py" | sha256sum)
    [[ $3 != cpu ]] || version+=+cpu
    printf '%s %s %s\n' "${version}" "${sum%% *}" "$2"
}

why_anew() { # stamp wanted venv: prints why it must be created again, if so
    if [[ ! -e $3 ]]; then
        echo "it does not exist"
    elif [[ -z $1 ]]; then
        echo "its installation is incomplete"
    elif [[ ${1%% *} != "${2%% *}" ]]; then
        echo "it has Python ${1%% *}"
    elif [[ ${1#* * } != "${2#* * }" ]]; then
        echo "it was moved from ${1#* * }"
    elif ! minor_version "$3/bin/python" > /dev/null; then
        echo "its interpreter is gone"
    fi
}

make_venv() { # interpreter venv build: does nothing if it is up to date
    local stamp=$2/hamzaban.stamp want had="" why list size=8
    [[ $3 != cpu ]] || size=2
    list=$(requirements_of "$1")
    want=$(stamp_of "$1" "$(realpath -m "$2")" "$3")
    [[ ! -f ${stamp} ]] || had=$(< "${stamp}")
    why=$(why_anew "${had}" "${want}" "$2")
    if [[ -n ${why} ]]; then
        log "Creating $2 (${why}) with $1, Python ${want%% *}"
        create_venv "$1" "$2"
    elif [[ ${had} == "${want}" ]]; then
        log "$2 is up to date: Python ${want%% *}, ${list}"
        return
    fi
    rm -f "${stamp}"
    log "Installing ${list} into $2, about ${size} GB"
    fill_venv "$2" "$3"
    printf '%s\n' "${want}" > "${stamp}.tmp"
    mv "${stamp}.tmp" "${stamp}"
}
