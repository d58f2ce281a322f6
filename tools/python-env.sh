#!/bin/sh
# Makes .venv from uv.lock: `tools/python-env.sh demo` for what running needs, `… dev` for the tests and checks too.
# Looks for uv and Python 3.13 or 3.12, and fetches what is missing. Costs nothing once it has run.
set -eu
cd "$(dirname "$0")/.."

wanted=${1:-demo}
mark=.venv/.kypho-made-from
made_from="$(cksum < uv.lock) $(cksum < pyproject.toml)"

if [ -x .venv/bin/python ] && [ -f "$mark" ]; then
    case "$(cat "$mark")" in
        "$made_from dev") exit 0 ;;                       # dev holds everything that demo needs
        "$made_from demo") [ "$wanted" = demo ] && exit 0 ;;
        *" dev") wanted=dev ;;                            # an older dev environment stays one
    esac
fi

say() { echo "kypho: $*" >&2; }

# pyenv's shims refuse to run where the version they stand for is missing, so each candidate is really run.
runs() { "$1" -c "import sys; sys.exit(sys.version_info[:2] < ($2))" >/dev/null 2>&1; }

pyenv_versions() {
    root=${PYENV_ROOT:-}
    if [ -z "$root" ] && command -v pyenv >/dev/null 2>&1; then root=$(pyenv root 2>/dev/null || true); fi
    ls -d "${root:-$HOME/.pyenv}"/versions/$1*/bin/python 2>/dev/null | sort -rV || true
}

any_python() {
    for found in python3 python3.13 python3.12 python3.11 python3.10 python3.9 python $(pyenv_versions 3.); do
        if runs "$found" 3,8; then echo "$found"; return; fi
    done
}

project_python() {
    for version in 3.13 3.12; do
        for found in "python$version" $(pyenv_versions "$version.") python3; do
            if "$found" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" >/dev/null 2>&1; then
                "$found" -c "import sys; print(sys.executable)"
                return
            fi
        done
    done
}

find_uv() {
    for found in "${UV:-uv}" .tools/uv/bin/uv .tools/uv-files/bin/uv "$HOME/.local/bin/uv"; do
        if "$found" --version >/dev/null 2>&1; then echo "$found"; return; fi
    done
}

fetch_uv() {
    python=$(any_python)
    if [ -z "$python" ]; then
        say "no Python found; install Python 3.13 (or uv), then run this again."
        exit 1
    fi
    say "fetching uv into .tools/ …"
    mkdir -p .tools
    "$python" -m venv .tools/uv >/dev/null 2>&1 && .tools/uv/bin/python -m pip install -q uv && return
    rm -rf .tools/uv
    "$python" -m pip install -q --target .tools/uv-files uv && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        apt-get update -q && apt-get install -q -y python3-venv && python3 -m venv .tools/uv \
            && .tools/uv/bin/python -m pip install -q uv && return
    fi
    say "uv could not be installed with $python; install uv (or python3-venv), then run this again."
    exit 1
}

uv=$(find_uv)
if [ -z "$uv" ]; then
    fetch_uv
    uv=$(find_uv)
fi

python=$(project_python)
if [ -z "$python" ]; then
    python=$("$uv" python find '>=3.12,<3.14' 2>/dev/null || true)
fi
if [ -z "$python" ]; then
    say "fetching Python 3.13 through uv …"
    if ! "$uv" python install 3.13; then
        say "no Python 3.13 or 3.12 found or fetched; install one (for instance: pyenv install 3.13), then run this again."
        exit 1
    fi
    python=3.13
fi

group=--no-dev
if [ "$wanted" = dev ]; then group=--dev; fi

# A closed network has its own package index, named for pip; uv.lock names the public one, so only its hashes count.
index=${UV_DEFAULT_INDEX:-${PIP_INDEX_URL:-}}
if [ -z "$index" ]; then
    index=$("$(any_python)" -m pip config get global.index-url 2>/dev/null || true)
fi

say "installing the packages of uv.lock ($wanted) …"
rm -f "$mark"
if [ -z "$index" ] || [ "${index#https://pypi.org/}" != "$index" ]; then
    "$uv" sync --locked --inexact $group --python "$python"
else
    mkdir -p .tools
    "$uv" venv --allow-existing --quiet --python "$python" .venv
    "$uv" export --frozen $group --format requirements-txt --quiet --output-file .tools/requirements.txt
    VIRTUAL_ENV=.venv "$uv" pip sync --require-hashes --default-index "$index" .tools/requirements.txt
fi
echo "$made_from $wanted" > "$mark"
