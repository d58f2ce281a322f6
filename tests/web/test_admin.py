"""The admin: who gets in, what is kept there, and that nothing clinical can be changed or reached past the one door."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from procedures import access
from procedures.admin import site
from procedures.admin.browse import Bounded
from procedures.admin.cases import Clinical
from procedures.commands.ledger import Ledger, command
from procedures.definitions import Milestone, Role
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


def client(user: User) -> Client:
    """A browser in which the user is signed in."""
    found = Client()
    found.force_login(user)
    return found


def manager(world: World) -> Client:
    """The administrator of the first unit, who is no superuser."""
    User.objects.filter(pk=world.admin.pk).update(is_staff=True)
    return client(User.objects.get(pk=world.admin.pk))


def chief(world: World) -> Client:
    """A superuser without any membership: the first account of a hospital."""
    return client(User.objects.create_superuser("chief", display_name="Chief", initials="CF"))


def elsewhere(world: World) -> Client:
    """The administrator of another unit."""
    user = User.objects.create_user("far", display_name="Fay Far", initials="FF", is_staff=True)
    Membership.objects.create(user=user, unit=world.other_unit, role=Role.ADMINISTRATOR)
    return client(user)


def listed(model: type[Any]) -> str:
    """The address of a list."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def page(model: type[Any], pk: Any, kind: str = "change") -> str:
    """The address of a row's page."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}", args=[pk])


def body(response: HttpResponseBase) -> str:
    """What is shown, after a redirect was followed."""
    assert isinstance(response, HttpResponse)
    assert response.status_code == 200
    return response.content.decode()


def rows(response: HttpResponseBase) -> int:
    """How many rows a list shows."""
    return len(re.findall(r'<th class="field-', body(response)))


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


# Searches and filters -----------------------------------------------------------------------------------------------


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


# People -----------------------------------------------------------------------------------------------------------


def person_form(unit: Unit, **changes: str) -> dict[str, str]:
    """The form of a new person with one membership."""
    return {
        "username": "new", "display_name": "Nell New", "initials": "NN", "profession": "Nurse",
        "registration_number": "R1", "usable_password": "true", "password1": "a-long-enough-phrase",
        "password2": "a-long-enough-phrase", "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0",
        "memberships-0-unit": str(unit.pk), "memberships-0-role": "ward_nurse", "_save": "1", **changes,
    }  # fmt: skip


def test_a_person_is_made_with_a_membership_and_can_sign_in(world: World) -> None:
    browser = manager(world)
    answer = browser.post("/admin/procedures/user/add/", person_form(world.unit))
    assert answer.status_code == 302, re.findall(r"errorlist.*?</ul>", answer.content.decode())
    made = User.objects.get(username="new")
    assert (made.display_name, made.memberships.get().role, made.is_staff) == (
        "Nell New",
        "ward_nurse",
        False,
    )
    assert made.check_password("a-long-enough-phrase")
    assert LogEntry.objects.filter(user=world.admin, object_id=made.pk).exists()
    text = body(browser.get(page(User, made.pk)))
    assert made.password not in text
    assert 'type="password"' not in text


def test_a_person_who_leaves_is_deactivated(world: World) -> None:
    browser, leaving = manager(world), client(world.scrub)
    assert leaving.get("/").status_code == 200
    membership = world.scrub.memberships.get()
    form = {
        "username": "scrub", "display_name": "Sven S.", "initials": "SS", "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1", "memberships-0-id": str(membership.pk),
        "memberships-0-user": str(world.scrub.pk),
        "memberships-0-unit": str(world.unit.pk), "memberships-0-role": membership.role, "_save": "1",
    }  # fmt: skip
    assert browser.post(page(User, world.scrub.pk), form).status_code == 302
    assert leaving.get("/").status_code == 302
    world.scrub.refresh_from_db()
    assert (world.scrub.is_active, world.scrub.display_name) == (False, "Sven S.")


def test_nobody_makes_a_superuser_or_locks_themselves_out(world: World) -> None:
    browser = manager(world)
    membership = world.admin.memberships.get()
    form = {
        "username": "admin", "display_name": "Adam Admin", "initials": "AA", "is_superuser": "1",
        "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "1", "memberships-0-id": str(membership.pk),
        "memberships-0-user": str(world.admin.pk), "memberships-0-unit": str(world.unit.pk),
        "memberships-0-role": membership.role, "_save": "1",
    }  # fmt: skip
    assert browser.post(page(User, world.admin.pk), form).status_code == 302
    world.admin.refresh_from_db()
    assert (world.admin.is_superuser, world.admin.is_staff, world.admin.is_active) == (False, True, True)


def test_an_administrator_keeps_only_their_own_units(world: World) -> None:
    browser = manager(world)
    answer = browser.post("/admin/procedures/user/add/", person_form(world.other_unit))
    assert answer.status_code == 200, "not a choice"
    assert not User.objects.filter(username="new").exists()
    assert browser.post(page(Unit, world.other_unit.pk), {"name": "Mine now"}).status_code == 403
    assert browser.get("/admin/procedures/unit/add/").status_code == 403
    assert chief(world).get("/admin/procedures/unit/add/").status_code == 200


@pytest.mark.parametrize("who", ["stranger", "chief", "in_team"])
def test_nobody_takes_over_an_account_that_sees_more(world: World, who: str) -> None:
    browser = manager(world)
    match who:
        case "stranger":
            target = world.stranger
        case "chief":
            target = User.objects.create_superuser("chief", display_name="Chief", initials="CF")
        case _:
            target = world.nurse
            case_id = world.open("L1")
            browser = elsewhere(world)
            assert CaseTeam.objects.filter(user=target, case=case_id).exists()
            Membership.objects.filter(user=target).delete()
    password = page(User, target.pk, "change").replace("/change/", "/password/")
    new = {"password1": "another-long-phrase", "password2": "another-long-phrase", "usable_password": "true"}
    assert browser.post(password, new).status_code == 403
    assert browser.post(page(User, target.pk), {"username": "mine"}).status_code == 403
    assert browser.get(page(User, target.pk)).status_code == 200, "may be looked at"


def test_a_password_is_set_without_being_shown(world: World) -> None:
    browser = manager(world)
    address = page(User, world.scrub.pk).replace("/change/", "/password/")
    new = {
        "password1": "another-long-phrase", "password2": "another-long-phrase", "usable_password": "true",
        "set-password": "1",
    }  # fmt: skip
    assert browser.post(address, new).status_code == 302
    world.scrub.refresh_from_db()
    assert world.scrub.check_password("another-long-phrase")


def test_the_rooms_of_a_unit_and_a_product_are_kept(world: World) -> None:
    browser = manager(world)
    form = {
        "name": "Interventional suite", "rooms": "Room A,Room B", "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0", "_save": "1",
    }  # fmt: skip
    assert browser.post(page(Unit, world.unit.pk), form).status_code == 302
    world.unit.refresh_from_db()
    assert world.unit.rooms == ["Room A", "Room B"]
    made = {
        "kind": "cement", "name": "New", "manufacturer": "Maker", "active": "on", "_save": "1",
        "warm_bands-TOTAL_FORMS": "1", "warm_bands-INITIAL_FORMS": "0", "warm_bands-0-above": "23",
        "warm_bands-0-working_from": "3.5", "warm_bands-0-working_until": "8",
    }  # fmt: skip
    assert browser.post("/admin/procedures/product/add/", made).status_code == 302
    assert browser.post("/admin/procedures/product/add/", made).status_code == 200, "there already"
    for band in ({"working_from": "5"}, {"working_until": "5"}, {"working_from": "5", "working_until": "5"}):
        half = {**made, "name": "Half", **band}
        assert browser.post("/admin/procedures/product/add/", half).status_code == 200, band
    wrong = browser.post(
        "/admin/procedures/product/add/", {**made, "name": "Half", "warm_bands-0-working_until": "3.5"}
    )
    assert "Must be later than the beginning." in wrong.content.decode()
    assert Product.objects.filter(manufacturer="Maker", name__in=["New", "Half"]).count() == 1
    assert [str(band.above) for band in Product.objects.get(name="New").warm_bands.all()] == ["23.0"]


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
