"""The settings under test: the real ones, on the tests' own embedded server, as the owner of the tables."""

import os
from pathlib import Path

from kypho import database

# Its own data folder, without fsync, so that tests neither touch the demo's data nor wait for the disk.
# KYPHO_TEST_FOLDER lets two runs go on side by side.
FOLDER = Path(
    os.environ.get("KYPHO_TEST_FOLDER") or Path(__file__).resolve().parent.parent / "var" / "test-postgres"
)

EMBEDDED = not os.environ.get("TEST_DATABASE_URL")
os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL") or database.url("kypho_owner", FOLDER)
os.environ["SECRET_KEY"] = "only-for-tests-" + "0123456789abcdefghijklmnopqrstuvwxyz" * 2
os.environ["ALLOWED_HOSTS"] = "testserver,localhost,127.0.0.1"
for name in ("KYPHO_DEMO", "DEBUG", "HTTPS", "SECRET_KEY_FILE", "DATABASE_AS_OWNER", "DATABASE_OWNER_URL"):
    os.environ.pop(name, None)

from kypho.settings import *  # noqa: E402, F403

# Argon2 is slow on purpose; the hasher itself is not under test.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# In-process tests need no collected files; the tests of the real server collect them.
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
