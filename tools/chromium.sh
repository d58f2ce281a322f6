#!/bin/sh
# Prints the path of a Chromium for the browser tests, fetching one if there is none; prints nothing when all fails.
set -u
cd "$(dirname "$0")/.."

own() {
    .venv/bin/python -c '
import os
from playwright.sync_api import sync_playwright
with sync_playwright() as p:
    path = p.chromium.executable_path
    print(path if os.path.exists(path) else "")' 2>/dev/null
}

if [ -n "${KYPHO_CHROMIUM:-}" ]; then
    if [ -x "$KYPHO_CHROMIUM" ]; then echo "$KYPHO_CHROMIUM"; exit 0; fi
    echo "kypho: KYPHO_CHROMIUM names no program: $KYPHO_CHROMIUM" >&2
    exit 1
fi

system() {
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        if found=$(command -v "$name") && "$found" --version >/dev/null 2>&1; then echo "$found"; return; fi
    done
    mac="/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    if [ -x "$mac" ]; then echo "$mac"; fi
}

found=$(system)
[ -n "$found" ] || found=$(own)
if [ -z "$found" ]; then
    echo "kypho: fetching Chromium for the browser tests …" >&2
    timeout 300 .venv/bin/python -m playwright install chromium >&2 && found=$(own)
fi
if [ -z "$found" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -q >&2 && apt-get install -q -y chromium >&2
    found=$(system)
fi
echo "$found"
