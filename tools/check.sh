#!/bin/sh
# `make check`: what a reviewer need not read for.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python

.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy .
find templates -name '*.html' -print0 | xargs -0 .venv/bin/djade --check --target-version 6.1
$python manage.py makemigrations --check --dry-run
# As a hospital would run it: HTTPS, a real key, its own host name.
KYPHO_DEMO=0 DEBUG=0 HTTPS=1 ALLOWED_HOSTS=kypho.example \
    SECRET_KEY="$($python -c 'import secrets; print(secrets.token_urlsafe(60))')" \
    $python manage.py check --deploy --fail-level WARNING
