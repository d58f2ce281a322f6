#!/bin/sh
# `make test`: everything, with the browser tests wherever a Chromium can be had. With CI set, they must run.
set -eu
cd "$(dirname "$0")/.."

KYPHO_CHROMIUM=$(tools/chromium.sh)
export KYPHO_CHROMIUM
status=0
if [ -n "$KYPHO_CHROMIUM" ] && [ -n "${CI:-}" ] && [ $# -eq 0 ]; then
    # On two cores: the pages and half of the fuzz beside all other quick tests, each with a database of its own; then, with the
    # machine to themselves, those that start servers and browsers and look at the time.
    mkdir -p var
    fuzz=tests/web/test_fuzz.py
    shared="$fuzz::test_every_part_of_an_address_and_every_query $fuzz::test_whatever_hypothesis_thinks_of
        $fuzz::test_every_field_of_the_built_in_protocol $fuzz::test_headers_and_cookies_that_no_browser_sends
        $fuzz::test_bodies_that_are_no_form"
    others=$(find tests -mindepth 1 -maxdepth 1 -type d ! -name web ! -name live ! -name browser ! -name __pycache__)
    # shellcheck disable=SC2086 # words of their own
    KYPHO_TEST_FOLDER="$PWD/var/test-postgres-web" .venv/bin/python -m pytest tests/web \
        $(printf -- "--deselect %s " $shared) >var/test-web.log 2>&1 &
    web=$!
    # shellcheck disable=SC2086
    .venv/bin/python -m pytest $others $shared || status=$?
    wait "$web" || status=$?
    cat var/test-web.log
    .venv/bin/python -m pytest tests/live tests/browser || status=$?
elif [ -n "$KYPHO_CHROMIUM" ]; then
    .venv/bin/python -m pytest "$@" || status=$?
else
    if [ -n "${CI:-}" ]; then
        echo "kypho: no Chromium was found or fetched, so the browser tests cannot run: this is a failure in CI." >&2
        exit 1
    fi
    .venv/bin/python -m pytest -m "not browser" "$@" || status=$?
    echo "**********************************************************************" >&2
    echo "*  THE BROWSER TESTS WERE LEFT OUT: no Chromium was found or fetched. *" >&2
    echo "*  Install one, or set KYPHO_CHROMIUM to its path.                    *" >&2
    echo "**********************************************************************" >&2
fi
exit $status
