"""Settings are strict, start nothing, and each is documented."""

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server import environment

ROOT = Path(__file__).resolve().parents[2]
KEY = secrets.token_urlsafe(60)

READERS = re.compile(r'(?:text|flag|number|names|one_of|whole_number|environ\.get)\(\s*"([A-Z_]+)"')
FROM_COMPOSE = re.compile(r"\$\{([A-Z_]+)")
SET_BY_US = {"KYPHO_SUPERVISOR", "PROMETHEUS_MULTIPROC_DIR", "DJANGO_SETTINGS_MODULE", "SECRET_KEY_FILE"}


def read_anywhere() -> set[str]:
    found: set[str] = set()
    sources = [
        ROOT / "manage.py",
        *ROOT.glob("kypho/*.py"),
        *ROOT.glob("procedures/**/*.py"),
        ROOT / "tests/settings.py",
    ]
    for source in sources:
        found |= set(READERS.findall(source.read_text()))
    found |= set(FROM_COMPOSE.findall((ROOT / "docker-compose.yml").read_text()))
    return (found | {"KYPHO_CHROMIUM"}) - SET_BY_US


def test_every_setting_is_in_the_manual_and_nothing_else() -> None:
    documented = set(
        re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/operating.md").read_text(), re.MULTILINE)
    )
    assert documented == read_anywhere()


def test_every_setting_is_in_the_example() -> None:
    shown = set(re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert shown == read_anywhere()


def load(**settings: str) -> subprocess.CompletedProcess[str]:
    code = "import django; django.setup(); from django.conf import settings as s; print(s.DATABASES['default']['USER'])"
    given = {"DJANGO_SETTINGS_MODULE": "kypho.settings", **settings}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(**given),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("DEBUG", "maybe", "1, true, yes, on, 0, false, no, off"),
        ("DEBUG", "1", "only with KYPHO_DEMO=1"),
        ("PAGE_THREADS", "many", "a whole number from 1 to 64"),
        ("PAGE_THREADS", "0", "a whole number from 1 to 64"),
        ("PAGE_THREADS", "٣", "a whole number from 1 to 64"),
        ("TIME_ZONE", "Mars/Olympus", "Europe/Berlin"),
        ("LANGUAGE_CODE", "tlh", "en, en-gb"),
        ("LOG_FORMAT", "xml", "json, text"),
        ("DATABASE_URL", "mysql://root:hunter2@host/db", "postgresql://user:password@host:5432/database"),
        ("SECRET_KEY", "short", "at least 50 random characters"),
        ("SECRET_KEY", "x" * 60, "at least 50 random characters"),
        ("SECRET_KEY", "", "at least 50 random characters"),
        ("SECRET_KEY_FILE", "/nowhere/key", "cannot be read"),
    ],
)
def test_a_bad_setting_is_named_with_what_is_allowed(name: str, value: str, allowed: str) -> None:
    result = load(**{"SECRET_KEY": KEY, "DATABASE_URL": "postgresql:///kypho", name: value})
    assert result.returncode != 0
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("django.core.exceptions.ImproperlyConfigured: " + name.removesuffix("_FILE"))
    assert allowed in last
    assert "hunter2" not in result.stderr


def test_loading_the_settings_starts_nothing(tmp_path: Path) -> None:
    before = set((ROOT / "var").glob("postgres*"))
    result = load(SECRET_KEY=KEY)
    assert result.stdout.strip() == "kypho_app"
    assert set((ROOT / "var").glob("postgres*")) == before


def test_a_secret_can_be_a_file(tmp_path: Path) -> None:
    for name, value in {"key": KEY, "password": "of-the-app"}.items():
        (tmp_path / name).write_text(value + "\n")
    code = "import django; django.setup(); from django.conf import settings as s; "
    code += "print(s.SECRET_KEY, s.DATABASES['default']['PASSWORD'])"
    given = {
        "DJANGO_SETTINGS_MODULE": "kypho.settings",
        "SECRET_KEY_FILE": str(tmp_path / "key"),
        "DATABASE_URL": "postgresql://kypho_app@db/kypho",
        "DATABASE_PASSWORD_FILE": str(tmp_path / "password"),
    }
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment(**given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.split() == [KEY, "of-the-app"]


def test_the_commands_that_change_tables_run_as_the_owner_and_the_rest_as_the_app() -> None:
    urls = {
        "DATABASE_URL": "postgresql://kypho_app@db/kypho",
        "DATABASE_OWNER_URL": "postgresql://kypho_owner@db/kypho",
    }
    assert load(SECRET_KEY=KEY, **urls).stdout.strip() == "kypho_app"
    assert load(SECRET_KEY=KEY, **urls, DATABASE_AS_OWNER="1").stdout.strip() == "kypho_owner"


def test_nobody_runs_djangos_own_server() -> None:
    settings = {"SECRET_KEY": KEY, "DATABASE_URL": "postgresql:///unused"}
    result = subprocess.run(
        [sys.executable, "manage.py", "runserver"],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert "make run" in result.stderr


def test_the_test_settings_do_not_leak_into_the_programs_under_test() -> None:
    assert "DATABASE_URL" in os.environ
    assert "DATABASE_URL" not in environment()
