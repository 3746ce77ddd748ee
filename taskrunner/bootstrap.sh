# Sourced by ./run and ./test, with $root set: a Python of 3.11 or later, and an up-to-date .venv.
# Everything it says goes to stderr; what cannot be repaired from here is one line and exit 2.

venv_python="$root/.venv/bin/python"
unset PYTHONHOME
# -P below keeps the caller's folder off the path: it may hold a package named `tasks` of its own.
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONPATH

is_recent() { # PYTHON: it starts, and is 3.11 or later; a version manager's shim may be neither
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

has_venv() { # PYTHON: Debian ships `venv` and `ensurepip` as a package of their own
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

refuse() {
    echo "$1" >&2
    exit 2
}

find_python() { # sets $python
    lacking=""
    for python in python3 python3.13 python3.12 python3.11 python3.14 python; do
        is_recent "$python" || continue
        has_venv "$python" && return
        lacking="${lacking:-$python}"
    done
    [ -z "$lacking" ] || refuse "$lacking lacks its venv module: install it (Debian, Ubuntu: apt install python3-venv), then start again."
    found=$(python3 --version 2>&1) || found="none"
    refuse "Python 3.11 or later is needed, found: $found. Install one, then start again."
}

is_installed() { # REQUIREMENTS: exactly these are in .venv already
    is_recent "$venv_python" && cmp -s "$root/$1" "$root/.venv/installed-$1"
}
