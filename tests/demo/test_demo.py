"""The demo shows every state, at any hour of the day, through the commands that live data goes through."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.contrib.auth import authenticate
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.timezone import localtime
from pytest_django import DjangoDbBlocker

from procedures import directory, projection, rules
from procedures.definitions import Role
from procedures.demo import LOGINS, PASSWORD, calendar, seed
from procedures.exports import as_fhir
from procedures.models import Case, Event, Level, Membership, Patient, User
from procedures.progress import Progress
from procedures.protocols import frozen
from procedures.screens.view import View
from procedures.verification import verify
from tests.fhir.validators import problems

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def present() -> datetime:
    """When the demo was made."""
    return timezone.now()


@pytest.fixture(scope="module", autouse=True)
def demo(django_db_setup: None, django_db_blocker: DjangoDbBlocker, present: datetime) -> Iterator[None]:
    """The whole demo, once for this file, and gone after it."""
    with django_db_blocker.unblock(), transaction.atomic():
        directory.forget()
        seed(present)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # the server has had no moment to look at the new rows by itself
        yield
        transaction.set_rollback(True)


def test_the_whole_log_is_sound() -> None:
    found = list(verify())
    assert [fault for _count, fault in found if fault] == []
    assert sum(count for count, _fault in found) == Event.objects.count() > 20_000


def test_today_has_a_case_in_every_state(present: datetime) -> None:
    today = calendar.day_of(present)
    unit = Membership.objects.get(user__username="nurse").unit
    cases = [c for c in Case.objects.filter(unit=unit) if localtime(c.scheduled_at).date() == today]
    states = sorted(c.status for c in cases)
    assert states == [
        "cancelled", "completed", "in_progress", "in_progress", "in_progress", "recovery", "scheduled", "voided",
    ]  # fmt: skip
    running = [c for c in cases if c.status == "in_progress"]
    assert len({c.next_step for c in running}) == 3, "they stand at different places"
    assert [c.anaesthesia for c in running].count("general") == 1
    assert len({c.room for c in running}) == 3, "two patients in one room"
    assert len({c.operator_id for c in running}) == 3, "an operator at two tables"
    for case in running:
        assert case.started_at
        assert timedelta(minutes=20) <= present - case.started_at <= timedelta(minutes=60)


def test_one_case_is_in_the_middle_of_interleaved_levels() -> None:
    case = Case.objects.get(status="in_progress", levels=["T12", "L1"])
    sides = dict(Level.objects.filter(case=case).values_list("vertebra", "sides"))
    assert sides == {"T12": ["left"], "L1": ["left", "right"]}
    keys = list(
        case.events.filter(step_key__startswith="K0", kind="step.done").values_list("step_key", flat=True)
    )
    assert keys.index("K08b-L1-right") < keys.index("K09a-T12-left"), (
        "all needles came before the first balloon"
    )
    assert case.next_step.startswith("K09")


def test_one_case_has_an_abandoned_level_and_a_complication() -> None:
    case = Case.objects.get(status="recovery")
    states = dict(Level.objects.filter(case=case).values_list("vertebra", "state"))
    assert sorted(states.values()) == ["abandoned", "completed"]
    assert case.complications == 1
    progress = Progress(frozen.protocol(case.protocol_id), projection.load(case))
    assert not any(progress.behind_partner(place) for place in progress.places.values()), (
        "all that went in came out"
    )


def test_past_cases_are_many_and_plausible(present: datetime) -> None:
    past = Case.objects.filter(scheduled_at__lt=calendar.at_clock(calendar.day_of(present), 0))
    assert past.count() == 302
    assert not [c for c in past if localtime(c.scheduled_at).weekday() > 4], "on working days only"
    done = past.filter(status="completed")
    assert done.count() >= 270
    assert past.filter(status="stopped").count() in range(3, 12)
    assert past.filter(complications__gt=0).count() in range(20, 60)
    assert done.filter(leak=True).count() in range(50, 110)
    assert done.filter(deficits=0).count() > done.count() / 2 > done.filter(deficits__gt=0).count() > 30
    for case in done:
        assert case.first_needle_at
        assert case.last_needle_out_at
        assert timedelta(minutes=6) < case.last_needle_out_at - case.first_needle_at < timedelta(minutes=180)
        assert 1 <= case.cement_ml / len(case.levels) <= 8 or case.level_rows.filter(
            state__in=["abandoned", "deferred"]
        )


def test_the_log_shows_late_entries_corrections_voids_and_second_persons() -> None:
    kinds = set(Event.objects.values_list("kind", flat=True))
    assert {
        "step.corrected", "step.verified", "step.detailed", "event.voided", "requirement.overridden", "level.added",
        "level.abandoned", "level.deferred", "patient.corrected", "allergy.added", "team.left", "case.changed",
        "case.paused", "case.emergency_on", "step.not_done",
    } <= kinds  # fmt: skip
    assert Event.objects.filter(data__flags__contains=["late"], performed_at__lt=F("recorded_at")).exists()


def test_nothing_lies_in_the_future_or_in_another_order(present: datetime) -> None:
    assert not Event.objects.filter(recorded_at__gt=present).exists()
    for case in Case.objects.all():
        times = list(case.events.order_by("seq").values_list("recorded_at", flat=True))
        assert times == sorted(times)


def test_there_is_a_login_for_each_role_and_the_administrator_never_ticks() -> None:
    usernames = [username for username, _role in LOGINS]
    roles = {Membership.objects.get(user__username=username).role for username in usernames}
    assert roles == set(Role)
    for username in usernames:
        assert User.objects.get(username=username).check_password(PASSWORD)
    admin = User.objects.get(username="admin")
    assert admin.is_staff
    assert not rules.Actor(admin.pk, Role.ADMINISTRATOR).may(rules.Act.RECORD)
    assert not Event.objects.filter(recorded_by=admin).exists()
    assert authenticate(None, username="osei", password=PASSWORD) is None


def test_names_are_told_apart_and_some_patients_came_before() -> None:
    names = list(Patient.objects.values_list("family_name", "given_name"))
    assert sorted(names).count(("Rossi", "Maria")) == sorted(names).count(("Rossi", "Marina")) == 1
    assert len(set(names)) == len(names) > 250
    assert all(mrn.isdigit() and len(mrn) == 9 for mrn in Patient.objects.values_list("mrn", flat=True))
    waiting = Case.objects.get(status="scheduled", unit__memberships__user__username="nurse")
    assert Case.objects.filter(patient=waiting.patient, status="completed").count() == 1


def test_the_other_unit_has_a_case_that_this_one_does_not_see() -> None:
    nurse, elsewhere = (User.objects.get(username=name) for name in ("nurse", "otherunit"))
    assert Case.objects.visible_to(nurse).count() == 310
    assert Case.objects.visible_to(elsewhere).count() == 1


def test_a_case_in_each_state_leaves_as_valid_fhir() -> None:
    latest = {
        case.status: case for case in Case.objects.filter(operator__isnull=False).order_by("scheduled_at")
    }
    assert len(latest) == 7
    for case in latest.values():
        assert case.operator
        view = View.load(case.operator, case.pk)
        assert problems(as_fhir.bundle(view, identified=case.status != "completed")) == {}


def test_it_refuses_a_database_with_cases() -> None:
    with pytest.raises(ValueError, match="empty database"):
        seed()
