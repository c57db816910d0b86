#!/bin/sh
# Creates the environment $VENV from locked requirements and checks the hash of each:
#     install.sh LOCKFILE...
# Needs Python 3.11 or newer. Downloads nothing that is not in a lock file.
set -eu

venv=${VENV:-.venv}

# A command can exist and not work (a version manager's shim), so each is tried.
find_python() {
    for name in ${PYTHON:-python3.13 python3.12 python3.11 python3.14 python3 python}; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    echo "Python 3.11 or newer is needed, and ${PYTHON:-python3} is not; install it, or run make PYTHON=/path/to/it." >&2
    exit 1
}

# Debian's python3 has no ensurepip unless python3-venv is installed; any pip can install into the environment.
make_environment() {
    python=$(find_python)
    echo "Making $venv with $("$python" --version) ..."
    rm -rf "$venv"
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        "$python" -m venv "$venv"
    elif "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m venv --without-pip "$venv"
        echo "$python" >"$venv/pip-of"
    else
        echo "$python has neither ensurepip nor pip; install one of them (on Debian and Ubuntu: apt install python3-venv)." >&2
        exit 1
    fi
}

install() {
    if [ -f "$venv/pip-of" ]; then
        set -- --python "$venv/bin/python" install "$@"
        "$(cat "$venv/pip-of")" -m pip --disable-pip-version-check --quiet "$@"
    else
        "$venv/bin/python" -m pip --disable-pip-version-check --quiet install "$@"
    fi
}

"$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || make_environment

echo "Installing $* ..."
locked=$(printf -- '-r %s ' "$@")
# Unquoted on purpose: a list of options. Only wheels, because a build would download packages that are not locked.
install --require-hashes --only-binary :all: $locked
install --no-deps --no-build-isolation --editable .
