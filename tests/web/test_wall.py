"""The wall display: initials only, by a link that is shown once and can be revoked."""

import re
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from kypho.logs import route_of
from procedures import commands, walls
from procedures.live import TOPICS
from procedures.models import Case, User, WallLink
from tests.web.visitor import Visitor
from tests.world import World

pytestmark = pytest.mark.django_db

TOKEN = "the token of the corridor"


@pytest.fixture
def link(world: World) -> WallLink:
    """The display in the corridor."""
    return WallLink.objects.create(
        unit=world.unit,
        name="Corridor",
        token_hash=walls.digest(TOKEN),
        created_by=world.admin,
        created_at=timezone.now(),
    )


@pytest.fixture
def case_id(world: World) -> UUID:
    """A case that runs."""
    found = world.started("T12", "L1", mrn="100200300", family_name="Zzyzxfamily", given_name="Quentin")
    world.do(found, "PRE-ID", by="ward")
    return found


def test_it_shows_what_runs_by_initials_and_nothing_that_says_who(
    link: WallLink, case_id: UUID, nobody: Visitor
) -> None:
    answer = nobody.get("wall", TOKEN)
    assert answer.status == 200
    text = answer.page.text
    for words in ("QZ", "IR room 2", "T12, L1", "In progress", "Consent", "Operator", "Interventional suite"):
        assert words in text, words
    for secret in ("Zzyzxfamily", "Quentin", "100200300", "1952", "penicillin", str(case_id)):
        assert secret.lower() not in answer.html.lower(), secret
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert not [path for path in answer.page.links if "/cases/" in path], "there is nothing to open from here"


def test_it_says_emergency_and_pause_in_words(
    world: World, link: WallLink, case_id: UUID, nobody: Visitor
) -> None:
    commands.set_emergency(world.command(case_id), on=True)
    assert "Emergency since" in nobody.get("wall", TOKEN).page.ids["board"]
    commands.set_emergency(world.command(case_id), on=False)
    commands.pause(world.command(case_id), reason="tube too hot")
    shown = nobody.get("wall", TOKEN, htmx=True).page
    assert shown.top == ["board"]
    assert "Paused since" in shown.ids["board"]
    assert "tube too hot" not in shown.text


def test_scheduled_and_closed_cases_and_those_of_others_are_not_shown(
    world: World, link: WallLink, nobody: Visitor
) -> None:
    world.open("L1", mrn="1")
    other = WallLink.objects.create(
        unit=world.other_unit,
        name="Wing",
        token_hash=walls.digest("other"),
        created_by=world.admin,
        created_at=timezone.now(),
    )
    world.started("L2", mrn="2")
    assert "No case is running." in nobody.get("wall", "other").page.text
    assert "L2" in nobody.get("wall", TOKEN).page.text
    assert "L1" not in nobody.get("wall", TOKEN).page.ids["board"]
    assert other.unit_id != link.unit_id


@pytest.mark.parametrize("token", ["wrong", TOKEN.upper(), "x" * 3000, "%ED%A0%80"])
def test_an_unknown_token_is_not_found(link: WallLink, nobody: Visitor, token: str) -> None:
    assert nobody.ask("GET", f"/wall/{token}/").status == 404


def test_a_revoked_link_is_not_found_and_hears_nothing(link: WallLink, nobody: Visitor) -> None:
    heard = nobody.get("wall-stream", TOKEN)
    assert (heard.status, heard.headers[TOPICS]) == (200, f"unit:{link.unit_id}")
    WallLink.objects.update(revoked_at=timezone.now())
    for name in ("wall", "wall-stream"):
        for visitor in (nobody, Visitor(link.created_by)):
            assert visitor.get(name, TOKEN).status == 404


def test_the_token_is_in_no_log_line(
    link: WallLink, nobody: Visitor, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    answer = nobody.get("wall", TOKEN)
    request: Any = answer.response.wsgi_request  # type: ignore[attr-defined]
    assert route_of(request) == "wall/<str:token>/"
    nobody.get("wall", "unknown-token")
    said = "".join(capsys.readouterr()) + caplog.text
    assert "wall/<str:token>/" in said
    assert "corridor" not in said
    assert "unknown-token" not in said


def test_it_costs_two_statements_whatever_runs(world: World, link: WallLink, nobody: Visitor) -> None:
    for number in range(4):
        world.started("L1", mrn=f"20000000{number}")
    nobody.get("wall", TOKEN)
    with CaptureQueriesContext(connection) as seen:
        nobody.get("wall", TOKEN)
    assert len(seen) == 2
    assert Case.objects.count() == 4


def test_the_address_is_made_in_the_admin_shown_once_and_revoked(world: World, case_id: UUID) -> None:
    User.objects.filter(pk=world.admin.pk).update(is_staff=True)
    admin = Client()
    admin.force_login(User.objects.get(pk=world.admin.pk))
    add = reverse("admin:procedures_walllink_add")
    html = admin.post(add, {"unit": world.unit.pk, "name": "Desk"}).content.decode()
    address = re.findall(r"<h2>http://[^/]+(/wall/[\w-]{40,}/)</h2>", html)[0]
    link = WallLink.objects.get()
    assert (link.created_by, link.unit) == (world.admin, world.unit)
    page = reverse("admin:procedures_walllink_change", args=[link.pk])
    assert address not in admin.get(page).content.decode()
    assert Visitor().ask("GET", address).status == 200
    admin.post(page, {"name": "Desk, renamed"})
    assert Visitor().ask("GET", address).status == 200, "the token stays"
    admin.post(reverse("admin:procedures_walllink_revoke", args=[link.pk]))
    assert Visitor().ask("GET", address).status == 404


def test_a_display_of_another_unit_is_not_the_managers(world: World) -> None:
    User.objects.filter(pk=world.admin.pk).update(is_staff=True)
    admin = Client()
    admin.force_login(User.objects.get(pk=world.admin.pk))
    other = WallLink.objects.create(
        unit=world.other_unit,
        name="X",
        token_hash=bytes(32),
        created_by=world.nurse,
        created_at=timezone.now(),
    )
    admin.post(reverse("admin:procedures_walllink_add"), {"unit": world.other_unit.pk, "name": "Mine"})
    assert WallLink.objects.count() == 1
    assert admin.post(reverse("admin:procedures_walllink_revoke", args=[other.pk])).status_code in (403, 404)
    other.refresh_from_db()
    assert other.revoked_at is None
