"""The admin: searches and filters of its lists. What was looked for stands in no address."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from procedures.admin.cases import Clinical
from procedures.models import (
    Access,
    AccountEvent,
    Case,
    CaseTeam,
    Event,
    Export,
    Level,
    Membership,
    Patient,
    Product,
    Protocol,
    ProtocolVersion,
    Step,
    StepDefinition,
    Tablet,
    Unit,
    User,
    WallLink,
)
from tests.web.administration import body, listed, manager, page, rows
from tests.world import World

pytestmark = pytest.mark.django_db

CLINICAL = [Patient, Case, Step, Level, CaseTeam, Event, Access]
READ_ONLY = [*CLINICAL, Protocol, ProtocolVersion, StepDefinition, Membership, LogEntry, AccountEvent, Export]
KEPT = [User, Unit, Product, Tablet, WallLink]
EARLIER = datetime(2026, 1, 1, 10, tzinfo=UTC)
NASTY = [
    "a\0b", "%00", "'\"\\", "9" * 40, "\ud800", "x" * 5000, "<script>alert(1)</script>", "../../etc/passwd", '"x',
]  # fmt: skip


@pytest.fixture
def case_id(world: World) -> UUID:
    """A case of the first unit in which something was recorded."""
    found = world.started("T12", "L1")
    world.do(found, "PRE-ID")
    return found


def test_a_case_is_found_by_record_number_and_by_name(world: World, case_id: UUID) -> None:
    world.open("L2", mrn="88", family_name="Bianchi", given_name="Carla")
    browser = manager(world)
    for words, found in (
        ("88", 1),
        ("bian", 1),
        ("carla bianchi", 1),
        ("rossi", 1),
        ("04217889", 0),
        ("", 2),
    ):
        assert rows(browser.post(listed(Case), {"q": words}, follow=True)) == found, words
        assert rows(browser.post(listed(Patient), {"q": words}, follow=True)) == found, words


def test_what_was_searched_for_is_in_no_address(world: World, case_id: UUID) -> None:
    browser = manager(world)
    for answer in (
        browser.post(f"{listed(Case)}?status__exact=in_progress", {"q": "Rossi"}, follow=True),
        browser.get(listed(Case), {"status__exact": "in_progress", "q": "Rossi"}, follow=True),
    ):
        address = answer.redirect_chain[-1][0]
        assert "ossi" not in address
        assert "status__exact=in_progress" in address
        text = body(answer)
        assert 'value="Rossi"' in text
        assert not re.search(r'(?:href|action)="[^"]*[Rr]ossi', text)


def test_no_window_title_names_a_patient(world: World, case_id: UUID) -> None:
    browser = manager(world)
    patient = Case.objects.get(pk=case_id).patient_id
    for model, pk in ((Case, case_id), (Patient, patient)):
        for kind in ("change", "history"):
            title = body(browser.get(page(model, pk, kind))).partition("</title>")[0].lower()
            assert "rossi" not in title


def test_an_event_is_found_by_kind_step_and_record_number(world: World, case_id: UUID) -> None:
    browser = manager(world)
    world.open("L2", mrn="88", family_name="Bianchi")
    of_case = Event.objects.filter(case=case_id)
    for words, found in (
        ("step.done", of_case.filter(kind="step.done").count()),
        ("pre-id", 1),
        ("PRE-ID step.done", 1),
        ("004217889", of_case.count()),
        ("004217889 case.opened", 1),
        ("K99", 0),
    ):
        assert rows(browser.post(listed(Event), {"q": words}, follow=True)) == found, words


@pytest.mark.parametrize(
    ("model", "asked", "found"),
    [
        (Case, "status__exact=in_progress", 1),
        (Case, "status__exact=scheduled", 1),
        (Case, "room=IR room 2", 2),
        (Case, "room=IR room 1", 0),
        (Case, "unit={unit}", 2),
        (Case, "unit={other}", 0),
        (Case, "operator={operator}", 2),
        (Case, "operator={nurse}", 0),
        (Case, "scheduled_at__year=2026&scheduled_at__month=11&scheduled_at__day=22", 2),
        (Case, "scheduled_at__year=2025", 0),
        (Event, "kind__exact=step.done", 1),
        (Event, "source__exact=paper", 0),
        (Event, "case={case}&kind__exact=case.opened", 1),
        (Step, "state__exact=done", 1),
        (Access, "right__exact=team", 0),
    ],
)
def test_filters_pick_what_they_say(
    world: World, case_id: UUID, model: type[Any], asked: str, found: int
) -> None:
    world.open("L2", mrn="88")
    address = asked.format(
        unit=world.unit.pk,
        other=world.other_unit.pk,
        operator=world.operator.pk,
        nurse=world.nurse.pk,
        case=case_id,
    )
    assert rows(manager(world).get(f"{listed(model)}?{address}")) == found


@pytest.mark.parametrize("model", [*READ_ONLY, *KEPT])
def test_no_search_and_no_address_breaks_a_table(world: World, case_id: UUID, model: type[Any]) -> None:
    browser = manager(world)
    for value in NASTY:
        encoded = value.encode("utf-8", "surrogatepass").decode("latin-1")
        assert browser.post(listed(model), {"q": encoded}, follow=True).status_code < 500, value
        assert browser.get(f"{listed(model)}{quote(encoded, safe='')[:200]}/change/").status_code < 500, value
    assert browser.get(listed(model)).status_code == 200


@pytest.mark.parametrize("model", [Case, Event, User])
def test_no_filter_breaks_a_list(world: World, case_id: UUID, model: type[Any]) -> None:
    browser = manager(world)
    names = [
        "q", "p", "o", "all", "_popup", "_to_field", "case", "unit", "room", "operator", "status__exact",
        "scheduled_at__year", "recorded_at__year", "recorded_at__gte", "memberships__role", "zz",
    ]  # fmt: skip
    for name in names:
        for value in ("\0", "-1", "9" * 40, "9999", "0001-01-01T00:00:00+14:00"):
            assert browser.get(listed(model), {name: value}, follow=True).status_code < 500, (name, value)
    day = "scheduled_at__year=1&scheduled_at__month=1&scheduled_at__day=1"
    assert browser.get(f"{listed(Case)}?{day}", follow=True).status_code < 500
    assert browser.get(listed(model)).status_code == 200


def test_the_calendar_leads_to_year_month_and_day_without_counting_rows(world: World, case_id: UUID) -> None:
    browser, at = manager(world), "scheduled_at__"
    for asked, link in (
        ("", f"?{at}year=2026"),
        (f"{at}year=2026", f"?{at}month=11&amp;{at}year=2026"),
        (f"{at}year=2026&{at}month=11", f"?{at}day=22&amp;{at}month=11&amp;{at}year=2026"),
        (f"{at}year=2026&{at}month=11&{at}day=22", f"?{at}month=11&amp;{at}year=2026"),
    ):
        with CaptureQueriesContext(connection) as seen:
            text = body(browser.get(f"{listed(Case)}?{asked}"))
        assert f'"{link}"' in text, asked
        assert not [q for q in seen if "DATE_TRUNC" in q["sql"]]


def test_the_second_page_goes_on_where_the_first_ends(
    world: World, case_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Clinical, "list_per_page", 4)
    browser, total = manager(world), Event.objects.count()
    numbers: list[str] = []
    for number in range(1, -(-total // 4) + 1):
        text = body(browser.get(f"{listed(Event)}?p={number}"))
        numbers += re.findall(r'class="field-seq"><a [^>]*>(\d+)<', text)
    assert numbers == [str(seq) for seq in range(total, 0, -1)]


def test_no_filter_reaches_past_the_tables_shown(world: World, case_id: UUID) -> None:
    browser = manager(world)
    for asked in ("performed_by__password__startswith=a", "case__patient__family_name__startswith=R"):
        assert browser.get(f"{listed(Event)}?{asked}").status_code == 400
