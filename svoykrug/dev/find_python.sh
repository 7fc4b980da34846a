#!/bin/sh
# Prints the path of a Python that fits: 3.13, else 3.14, else 3.12. Says what to install otherwise.
# Every candidate is executed: a version manager's shim may exist and yet refuse to run.
set -u

versions="3.13 3.14 3.12"
home=${HOME:-/nonexistent}
pyenv=${PYENV_ROOT:-$home/.pyenv}

# Prints the real path of $1 if it is a usable CPython of version $2. With $3 = bare it may lack
# ensurepip (Debian without python3-venv); then another tool has to make the environment.
check() {
    [ -n "$1" ] || return 1
    "$1" -I -c '
import sys, sysconfig
import ctypes, ssl, zlib  # missing from a Python built without the libraries
fits = "%d.%d" % sys.version_info[:2] == sys.argv[1] and sys.implementation.name == "cpython"
if not fits or sys.maxsize < 2**32 or sysconfig.get_config_var("Py_GIL_DISABLED"):
    sys.exit(1)
if sys.argv[2] != "bare":
    import ensurepip, venv
# Not the python of an active environment: that one may be deleted and made anew.
print(sys._base_executable)
' "$2" "${3:-full}" 2>/dev/null </dev/null
}

find_uv() {
    for uv in "$(command -v uv)" "$home/.local/bin/uv" "$home/.cargo/bin/uv" /opt/homebrew/bin/uv; do
        if [ -n "$uv" ] && "$uv" --version >/dev/null 2>&1; then
            echo "$uv"
            return 0
        fi
    done
    return 1
}

# All places where version $1 may be; $2 is passed to check.
search() {
    for candidate in \
        "$(command -v "python$1")" "$(command -v python3)" "$(command -v python)" \
        "/usr/bin/python$1" "/usr/local/bin/python$1" "/opt/homebrew/bin/python$1" \
        "$home/.local/bin/python$1" \
        "/Library/Frameworks/Python.framework/Versions/$1/bin/python3" \
        "$pyenv/versions/$1/bin/python" "$pyenv/versions/$1".*/bin/python; do
        check "$candidate" "$1" "$2" && return 0
    done
    if [ -n "$uv" ]; then
        candidate=$("$uv" python find --system --no-project "$1" 2>/dev/null) || return 1
        check "$candidate" "$1" "$2" && return 0
    fi
    return 1
}

uv=$(find_uv) || uv=

for version in $versions; do
    search "$version" full && exit 0
done

if [ -n "$uv" ] || command -v virtualenv >/dev/null 2>&1; then
    for version in $versions; do
        search "$version" bare && exit 0
    done
fi

if [ -n "$uv" ] && echo "No Python 3.12 to 3.14 here, asking uv for one." >&2 &&
    "$uv" python install --quiet 3.13 2>/dev/null; then
    candidate=$("$uv" python find --system --no-project 3.13 2>/dev/null) || candidate=
    check "$candidate" 3.13 bare && exit 0
fi

echo "Python 3.13 (or 3.14, 3.12) with venv is needed: on Debian \"apt install python3.13 python3.13-venv\", on macOS \"brew install python@3.13\", anywhere else https://docs.astral.sh/uv/ and \"uv python install 3.13\"." >&2
exit 1
