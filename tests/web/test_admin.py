"""The admin: who gets in, what is kept there, and that nothing clinical can be changed or reached past the one door."""

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from procedures import access
from procedures.admin import site
from procedures.admin.browse import Bounded
from procedures.admin.cases import Clinical
from procedures.commands.ledger import Ledger, command
from procedures.definitions import Milestone
from procedures.models import (
    Access,
    AccountEvent,
    Allergy,
    Case,
    CaseTeam,
    Event,
    Export,
    FieldDefinition,
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
from procedures.state import EventKind
from tests.web.administration import body, chief, client, elsewhere, listed, manager, page, rows
from tests.world import World, tablet_of

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


# Who gets in --------------------------------------------------------------------------------------------------


def test_signed_out_people_are_sent_to_the_one_sign_in(world: World) -> None:
    browser = Client()
    first = browser.get("/admin/", follow=True)
    assert first.redirect_chain[-1][0].startswith("/accounts/login/?next=")
    assert browser.post(listed(Case), {"q": "x"}).status_code == 401


@pytest.mark.parametrize("who", ["nurse", "operator", "recovery"])
def test_a_clinician_is_refused_on_every_page(world: World, who: str) -> None:
    browser = client(world.people[who])
    for address in ("/admin/", "/admin/login/", "/admin/procedures/", *map(listed, (*READ_ONLY, *KEPT))):
        answer = browser.get(address)
        assert (answer.status_code, "You may not open this" in answer.content.decode()) == (403, True), (
            address
        )


def test_staff_who_administer_nothing_are_refused(world: World) -> None:
    User.objects.filter(pk=world.operator.pk).update(is_staff=True)
    assert client(User.objects.get(pk=world.operator.pk)).get("/admin/").status_code == 403
    assert client(world.admin).get("/admin/").status_code == 403, "administrator, but not staff"


def test_a_deactivated_administrator_is_out_at_once(world: World) -> None:
    browser = manager(world)
    assert browser.get("/admin/").status_code == 200
    User.objects.filter(pk=world.admin.pk).update(is_active=False)
    assert browser.get("/admin/").status_code == 302


def test_the_first_page_has_the_five_groups(world: World) -> None:
    text = body(manager(world).get("/admin/"))
    for title in ("People and units", "Tablets and PINs", "Catalogue", "Protocols", "Cases (read-only)"):
        assert title in text


def test_signing_out_and_the_password_are_those_of_the_rest(world: World) -> None:
    browser = manager(world)
    assert browser.get("/admin/password_change/")["Location"] == reverse("account_change_password")
    assert browser.get("/admin/autocomplete/?term=x").status_code == 404
    browser.post("/admin/logout/")
    assert browser.get("/admin/").status_code == 302


# Nothing clinical changes ---------------------------------------------------------------------------------------


def test_every_model_of_a_case_is_registered_as_clinical() -> None:
    of_cases = {m for m, a in site._registry.items() if isinstance(a, Clinical)}
    assert of_cases == set(CLINICAL)
    assert set(site._registry) == {*READ_ONLY, *KEPT}
    assert Allergy not in site._registry, "allergies are shown with their patient"


@pytest.mark.parametrize("model", READ_ONLY)
def test_a_read_only_table_takes_no_change_from_anybody(
    world: World, case_id: UUID, model: type[Any]
) -> None:
    User.objects.filter(pk=world.admin.pk).update(is_staff=True, is_superuser=True)
    browser = client(User.objects.get(pk=world.admin.pk))
    browser.get(page(Case, case_id))  # leaves an Access row
    LogEntry.objects.log_actions(world.admin.pk, [world.unit], 2, single_object=True)
    pk = model._default_manager.values_list("pk", flat=True).first()
    before = list(model._default_manager.order_by("pk").values())
    form = {"_save": "1", "status": "completed", "kind": "case.voided", "family_name": "X", "post": "yes"}
    action = {"action": "delete_selected", "_selected_action": [pk], "post": "yes", "index": "0"}
    refused = [
        browser.post(page(model, pk), form),
        browser.post(page(model, pk, "delete"), form),
        browser.get(page(model, pk, "delete")),
        browser.post(listed(model) + "add/", form),
        browser.get(listed(model) + "add/"),
        browser.put(page(model, pk), form),
        browser.delete(page(model, pk)),
    ]
    assert [answer.status_code for answer in refused] == [403] * len(refused)
    browser.post(listed(model), action)
    assert list(model._default_manager.order_by("pk").values()) == before


@pytest.mark.parametrize("model", CLINICAL)
def test_a_list_of_clinical_rows_takes_only_a_search_by_post(
    world: World, case_id: UUID, model: type[Any]
) -> None:
    browser = manager(world)
    action = {"action": "delete_selected", "_selected_action": [1]}
    assert browser.post(listed(model), action).status_code == 403
    assert browser.post(listed(model), {"form-TOTAL_FORMS": "1", "_save": "1"}).status_code == 403


@pytest.mark.parametrize("model", KEPT)
def test_people_units_and_products_are_never_deleted(world: World, model: type[Any]) -> None:
    browser = chief(world)
    tablet_of(world.unit)
    WallLink.objects.create(
        unit=world.unit, name="Corridor", token_hash=bytes(32), created_by=world.admin, created_at=EARLIER
    )
    count = model.objects.count()
    pk = model.objects.values_list("pk", flat=True).first()
    assert browser.get(page(model, pk)).status_code == 200
    assert browser.post(page(model, pk, "delete"), {"post": "yes"}).status_code == 403
    browser.post(
        listed(model), {"action": "delete_selected", "_selected_action": [pk], "post": "yes", "index": "0"}
    )
    assert model.objects.count() == count


# One door ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["elsewhere", "chief"])
@pytest.mark.parametrize("model", CLINICAL)
def test_whoever_is_outside_the_unit_and_the_team_sees_nothing(
    world: World, case_id: UUID, model: type[Any], who: str
) -> None:
    access.looked(world.nurse, Case.objects.get(pk=case_id))
    inside, outside = manager(world), {"elsewhere": elsewhere, "chief": chief}[who](world)
    pk = model._default_manager.values_list("pk", flat=True).first()
    assert rows(inside.get(listed(model))) > 0
    assert inside.get(page(model, pk)).status_code == 200
    looks = Access.objects.count()
    assert rows(outside.get(listed(model))) == 0
    assert rows(outside.post(listed(model), {"q": "004217889"}, follow=True)) == 0
    assert outside.get(page(model, pk)).status_code == 404
    assert outside.get(page(model, pk, "history")).status_code == 404
    assert Access.objects.count() == looks


@pytest.mark.parametrize("model", CLINICAL)
def test_each_look_leaves_its_trace(world: World, case_id: UUID, model: type[Any]) -> None:
    Access.objects.bulk_create(
        [Access(case_id=case_id, user=world.nurse, hour=EARLIER, at=EARLIER, right="member")]
    )
    browser = manager(world)
    pk = model._default_manager.values_list("pk", flat=True).first()
    assert browser.get(listed(model)).status_code == 200
    mine = Access.objects.filter(user=world.admin, case=case_id)
    assert not mine.exists(), "a list is no look at a case, as Today is none"
    assert browser.post(page(model, pk), {}).status_code == 403
    assert not mine.exists(), "what was refused was not seen"
    assert browser.get(page(model, pk)).status_code == 200
    assert mine.get().right == "member"
    browser.get(page(model, pk))
    assert mine.count() == 1


# What is shown ----------------------------------------------------------------------------------------------------


def test_a_case_shows_its_log_its_team_and_its_patient(world: World, case_id: UUID) -> None:
    text = body(manager(world).get(page(Case, case_id)))
    for said in ("step.done", "PRE-ID", "case.opened", "Ada Okafor", "ROSSI, Maria", "T12", "IR room 2"):
        assert said in text, said
    event = Event.objects.get(case=case_id, seq=1)
    assert event.hash.hex() in body(manager(world).get(page(Event, event.pk)))
    patient = Case.objects.get(pk=case_id).patient
    assert "penicillin" in body(manager(world).get(page(Patient, patient.pk)))


@command
def many_notes(ledger: Ledger, *, count: int) -> None:
    """A long case, without the minutes that its single commands would take."""
    note = ledger.protocol.by_milestone[Milestone.NOTE]
    for number in range(count):
        ledger.write(EventKind.STEP_DONE, step_key=note.code, values={note.fields[0].key: f"note {number};"})


def test_a_long_case_opens_with_as_few_queries_as_a_short_one(world: World, case_id: UUID) -> None:
    browser = manager(world)
    browser.get(page(Case, case_id))  # what is kept for the process or the hour is there
    with CaptureQueriesContext(connection) as short:
        body(browser.get(page(Case, case_id)))
    many_notes(world.command(case_id), count=500)
    with CaptureQueriesContext(connection) as long:
        text = body(browser.get(page(Case, case_id)))
    assert Event.objects.filter(case=case_id).count() > 500
    assert len(long) == len(short) <= 12, [q["sql"][:120] for q in long]
    assert "note 499;" in text
    assert "note 1;" not in text


@pytest.mark.parametrize("model", [*READ_ONLY, *KEPT])
def test_a_list_asks_no_more_when_it_is_longer(world: World, case_id: UUID, model: type[Any]) -> None:
    browser = manager(world)
    LogEntry.objects.log_actions(world.admin.pk, [world.unit], 2, single_object=True)
    browser.get(page(Case, case_id))
    with CaptureQueriesContext(connection) as one:
        body(browser.get(listed(model)))
    for number in range(3):
        world.started("L2", "L3", mrn=f"55500{number}")
    for row in Case.objects.all():
        access.looked(world.admin, row)
    LogEntry.objects.log_actions(world.nurse.pk, [*User.objects.all()[:5]], 2)
    with CaptureQueriesContext(connection) as more:
        body(browser.get(listed(model)))
    assert len(more) <= len(one) + 1 <= 16, [q["sql"][:120] for q in more]


def test_a_list_counts_no_further_than_it_shows(
    world: World, case_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = manager(world)
    monkeypatch.setattr(Bounded, "LIMIT", 3)
    assert "the first 3; there are more" in body(browser.get(listed(Event)))
    with CaptureQueriesContext(connection) as asked:
        browser.get(listed(Event))
    counts = [q["sql"] for q in asked if "COUNT(" in q["sql"]]
    assert counts
    assert all("LIMIT 4" in sql for sql in counts), counts


# Protocols --------------------------------------------------------------------------------------------------------


def test_a_protocol_is_read_down_to_its_fields_and_requirements(world: World) -> None:
    browser = manager(world)
    version = ProtocolVersion.objects.get()
    text = body(browser.get(page(Protocol, version.protocol_id)))
    assert page(ProtocolVersion, version.pk) in text
    with CaptureQueriesContext(connection) as asked:
        text = body(browser.get(page(ProtocolVersion, version.pk)))
    assert len(asked) <= 10
    for step in version.steps.all():
        assert page(StepDefinition, step.pk) in text
    for timer in version.timers.all():
        assert timer.key in text
    cement = version.steps.get(code="K09d")
    text = body(browser.get(page(StepDefinition, cement.pk)))
    volume = FieldDefinition.objects.get(step=cement, measures="cement_ml")
    assert volume.label in text
    assert "K09b" in text, "its requirement"
    assert rows(browser.get(listed(StepDefinition), {"q": volume.label})) >= 1


# What the browser is allowed ----------------------------------------------------------------------------------------


class Inline(HTMLParser):
    """Collects what a strict Content-Security-Policy blocks: scripts, styles and handlers inside the page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (
            tag == "script" and "src" not in given and given.get("type") != "application/json"
        ):
            self.found.append(tag)
        self.found += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        self.found += [f"{tag} {v}" for v in given.values() if v and v.lower().startswith("javascript:")]


def test_the_admin_asks_for_nothing_that_the_policy_blocks(world: World, case_id: UUID) -> None:
    browser = manager(world)
    version = ProtocolVersion.objects.get()
    event = Event.objects.filter(case=case_id).latest("seq")
    for address in (
        "/admin/", *map(listed, (*READ_ONLY, *KEPT)), page(Case, case_id), page(Event, event.pk),
        page(User, world.nurse.pk), page(Unit, world.unit.pk), page(ProtocolVersion, version.pk),
        "/admin/procedures/user/add/", "/admin/procedures/product/add/",
    ):  # fmt: skip
        answer = browser.get(address)
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "no-store" in answer["Cache-Control"]
        parser = Inline()
        parser.feed(body(answer))
        assert parser.found == [], address
