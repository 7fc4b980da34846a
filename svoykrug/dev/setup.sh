#!/bin/sh
# Makes .venv and installs exactly what requirements/local.txt names, hashes checked.
# Does nothing when that was done already and the lock has not changed.
set -eu

cd "$(dirname "$0")/../.."
here=$(pwd -P)
lock=requirements/local.txt
python=.venv/bin/python
stamp=.venv/.set-up

say() { echo "setup: $*"; }

# An unfit or broken interpreter, or an environment moved from another folder, is made anew.
fits() {
    [ -x "$python" ] && "$python" -c '
import os, sys
sys.exit(not ((3, 12) <= sys.version_info[:2] <= (3, 14) and
              os.path.realpath(sys.prefix) == os.path.realpath(".venv")))' 2>/dev/null
}

# What a finished set-up leaves in the stamp: the lock, the place, the interpreter.
state() {
    cksum <requirements/uv.txt
    cksum <"$lock"
    echo "$here"
}

if [ -f "$stamp" ] && fits && [ "$(cat "$stamp")" = "$(state)" ]; then
    exit 0
fi

make_venv() {
    found=$(sh svoykrug/dev/find_python.sh) || exit 1
    say "$("$found" -c 'import sys; print("Python %d.%d.%d" % sys.version_info[:3])') → .venv"
    rm -rf .venv
    if "$found" -I -c 'import ensurepip, venv' 2>/dev/null; then
        "$found" -m venv .venv && return 0
    fi
    for tool in uv "${HOME:-}/.local/bin/uv" "${HOME:-}/.cargo/bin/uv"; do
        if command -v "$tool" >/dev/null 2>&1; then
            for certificates in 1 0; do
                UV_SYSTEM_CERTS=$certificates UV_NATIVE_TLS=$certificates \
                    "$tool" venv --quiet --clear --seed --python "$found" .venv && return 0
            done
        fi
    done
    if command -v virtualenv >/dev/null 2>&1; then
        virtualenv --quiet --python "$found" .venv && return 0
    fi
    say "$found could not make an environment in .venv" >&2
    exit 1
}

moved=no
if [ -f "$stamp" ] && [ "$(tail -n 1 "$stamp")" != "$here" ]; then
    moved=yes
fi
rm -f "$stamp"
if [ "$moved" = yes ] || ! fits || ! "$python" -m pip --version >/dev/null 2>&1; then
    make_venv
fi

say "installing what $lock names (about 1.5 GB on disk, half of it the analytics engine)"
export PIP_DISABLE_PIP_VERSION_CHECK=1

# uv does not read pip's settings; a mirror written there is the only way out of some networks.
if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
    mirror=${PIP_INDEX_URL:-$("$python" -m pip config get global.index-url 2>/dev/null || true)}
    [ -z "$mirror" ] || export UV_DEFAULT_INDEX="$mirror"
fi

sync() {
    "$python" -m uv pip sync --quiet "$@" --python "$python" --require-hashes "$lock"
}

# First with the system's certificates (a company's own authority is there), then with uv's.
if ! "$python" -m pip install -qq --require-hashes -r requirements/uv.txt ||
    ! { sync --system-certs 2>/dev/null || sync; }; then
    say "uv did not manage, trying pip, which takes longer"
    "$python" -m pip install -qq --require-hashes -r "$lock"
fi

state >"$stamp.new"
mv "$stamp.new" "$stamp"
say "done"
