#!/usr/bin/env bash
# Install the programs that are not Python packages: sclite, shellcheck, bats, and lmplz
# and build_binary of KenLM. Sourced after log.sh, with `root` set to the repository.

has() { # command
    type -P "$1" > /dev/null
}

has_kenlm() { # venv
    [[ -x $1/bin/lmplz && -x $1/bin/build_binary ]]
}

missing_headers() { # prints the Debian packages whose C++ headers the compiler lacks
    local pair
    for pair in boost/program_options.hpp:libboost-program-options-dev \
        boost/thread.hpp:libboost-thread-dev boost/system/error_code.hpp:libboost-system-dev \
        boost/test/unit_test.hpp:libboost-test-dev \
        zlib.h:zlib1g-dev bzlib.h:libbz2-dev lzma.h:liblzma-dev; do
        printf '#if !__has_include(<%s>)\n%s\n#endif\n' "${pair%%:*}" "${pair##*:}"
    done | { if has g++; then g++ -E -P -x c++ -; else grep -v '^#'; fi; }
}

missing_build_packages() { # prints the Debian packages that building KenLM lacks
    local name
    for name in cmake make g++; do
        has "${name}" || echo "${name}"
    done
    missing_headers
}

missing_packages() { # venv: prints the Debian packages to install
    has sctk || has sclite || echo sctk
    has shellcheck || echo shellcheck
    has bats || echo bats
    has_kenlm "$1" || missing_build_packages
}

as_root() { # command...: fails if it cannot be run as root without a password
    if [[ $(id -u) -eq 0 ]]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

can_be_root() {
    [[ $(id -u) -eq 0 ]] || { has sudo && sudo -n true 2> /dev/null; }
}

apt_install() { # package...
    local command=(env DEBIAN_FRONTEND=noninteractive apt-get -qq
        -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@")
    as_root "${command[@]}" > /dev/null ||
        { as_root apt-get -qq update && as_root "${command[@]}" > /dev/null; }
}

install_packages() { # given-up-file package...: installs by apt if permitted
    local given_up=$1
    shift
    [[ $# -gt 0 ]] || return 0
    if ! has apt-get || ! can_be_root; then
        log "Missing: $*; apt-get cannot be run as root"
    elif [[ -f ${given_up} && $(< "${given_up}") == "$*" ]]; then
        log "Missing: $*; apt-get failed before (remove ${given_up} to try again)"
    elif log "Installing with apt-get: $*" && apt_install "$@"; then
        rm -f "${given_up}"
        return 0
    else
        printf '%s\n' "$*" > "${given_up}"
    fi
    return 1
}

build_kenlm() { # venv: builds the source package, whose hash is checked
    local tmp status=0 packages
    packages=$(missing_build_packages)
    [[ -z ${packages} ]] || return 1
    tmp=$(mktemp -d)
    log "Building KenLM's lmplz and build_binary"
    build_kenlm_in "${tmp}" "$1" > "${tmp}/log" 2>&1 || status=$?
    if [[ ${status} -ne 0 ]]; then
        tail -n 5 "${tmp}/log" >&2
    fi
    rm -rf "${tmp}"
    return "${status}"
}

build_kenlm_in() { # folder venv
    local name
    "$2/bin/python" -m pip download --no-deps --no-build-isolation --no-binary kenlm \
        --require-hashes --dest "$1" -r "${root:?}/requirements/kenlm.txt" &&
        mkdir "$1/source" && tar -xzf "$1"/kenlm-*.tar.gz -C "$1/source" --strip 1 &&
        cmake -S "$1/source" -B "$1/build" -DCMAKE_BUILD_TYPE=Release &&
        cmake --build "$1/build" --parallel "$(nproc)" --target lmplz build_binary ||
        return 1
    for name in build_binary lmplz; do
        install -m 755 "$1/build/bin/${name}" "$2/bin/${name}.tmp" &&
            mv "$2/bin/${name}.tmp" "$2/bin/${name}" || return 1
    done
}

report_tools() { # venv: logs which tools are missing and what that means
    local lacks=""
    has sctk || has sclite || lacks+=", sclite (Hamzaban's own scorer writes the same files)"
    has_kenlm "$1" || lacks+=", lmplz (no n-gram language models)"
    has shellcheck || lacks+=", shellcheck (make lint skips it)"
    has bats || lacks+=", bats (make test skips the shell tests)"
    if [[ -z ${lacks} ]]; then
        log "sclite, lmplz, build_binary, shellcheck and bats are installed"
    else
        log "Continuing without ${lacks#, }"
    fi
}
