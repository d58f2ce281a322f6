"""The year of the demo gives every plot and every filter of the case log something to show."""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from statistics import median

import pytest
from django.db import transaction
from django.utils.timezone import localtime
from pytest_django import DjangoDbBlocker

from procedures import directory
from procedures.demo import seed
from procedures.models import Case, Event, Patient, ProtocolVersion

pytestmark = pytest.mark.django_db

PRESENT = datetime(2027, 3, 3, 12, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def demo(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The whole demo, once for this file, and gone after it."""
    with django_db_blocker.unblock(), transaction.atomic():
        directory.forget()
        seed(PRESENT)
        yield
        transaction.set_rollback(True)


def of(username: str) -> list[Case]:
    """An operator's cases with cement, oldest first."""
    cases = Case.objects.filter(operator__username=username, treated__gt=0, skin_seconds__isnull=False)
    return list(cases.order_by("scheduled_at"))


def per_level(cases: list[Case]) -> float:
    """The median minutes from skin to skin for a vertebra."""
    return median(case.skin_seconds / 60 / case.treated for case in cases if case.skin_seconds)


def test_every_month_has_cases_and_the_holidays_fewer() -> None:
    months = Counter(localtime(c.scheduled_at).month for c in Case.objects.all())
    assert set(months) == set(range(1, 13))
    assert months[8] < median(months.values())


def test_the_newcomer_becomes_as_quick_as_the_others_and_the_senior_is_the_quickest() -> None:
    newcomer = of("novak")
    assert len(newcomer) > 40
    first, last = newcomer[:12], newcomer[-20:]
    assert per_level(first) > 1.3 * per_level(last)
    assert per_level(of("chen")) < per_level(of("haddad")) < per_level(first)
    known = [[c for c in part if "fluoro_s" in c.account] for part in (first, last)]
    fluoroscopy = [median(float(c.account["fluoro_s"]) / c.treated for c in part) for part in known]
    assert fluoroscopy[0] > 1.3 * fluoroscopy[1]


def test_each_filter_finds_some_and_leaves_some() -> None:
    counted = Counter(facet for case in Case.objects.all() for facet in case.facets)
    for facet in (
        "approach:transpedicular", "approach:extrapedicular", "sides:1", "sides:2", "mode:moderate", "mode:deep",
        "mode:general", "mode:none", "leak:none", "leak:disc", "leak:cortical", "leak:segmental",
        "leak:basivertebral", "flag:late", "flag:out_of_order", "flag:overridden", "flag:offline", "flag:paper",
        "flag:corrected", "flag:unsigned", "flag:signed", "flag:cosign", "flag:addendum", "flag:deficits",
        "complication:balloon_rupture", "complication:hypotension", "complication:embolism_cement", "lot:kx-20931",
    ):  # fmt: skip
        assert 0 < counted[facet] < 295, facet
    assert len({c.status for c in Case.objects.all()}) == 7
    assert len({c.indication for c in Case.objects.all()}) >= 5


def test_the_lot_was_in_use_for_some_weeks() -> None:
    days = [c.scheduled_at for c in Case.objects.filter(facets__contains=["lot:kx-20931"])]
    assert len(days) >= 6
    assert 14 < (max(days) - min(days)).days < 70


def test_most_are_signed_some_beside_and_some_wait() -> None:
    signed = Case.objects.filter(signed_at__isnull=False)
    assert signed.count() > 250
    assert signed.filter(cosigned_at__isnull=False).count() >= 8
    waiting = Case.objects.filter(to_sign=True)
    assert waiting.count() in range(5, 30)
    ages = [(PRESENT - case.ended_at).days for case in waiting if case.ended_at]
    assert max(ages) > 30, "one has been forgotten"
    addenda = Event.objects.filter(kind="addendum.added")
    assert addenda.filter(step_key__startswith="K09d", data__values__has_key="values").count() >= 3
    assert not signed.filter(signed_at__gt=PRESENT).exists()


def test_two_versions_of_the_protocol_and_each_case_with_that_of_its_day() -> None:
    first, second = ProtocolVersion.objects.order_by("number")
    assert second.published_at
    assert first.published_at < second.published_at < PRESENT  # type: ignore[operator]
    for case in Case.objects.all():
        assert (case.protocol_id == second.pk) == (case.opened_at >= second.published_at)
    assert (
        Case.objects.filter(protocol=first).count() > 100 < Case.objects.filter(protocol=second).count() + 20
    )


def test_names_in_other_scripts_and_long_ones() -> None:
    names = list(Patient.objects.values_list("family_name", flat=True))
    scripts = Counter(unicodedata.name(name[0]).split()[0] for name in names)
    assert {"GREEK", "CYRILLIC", "ARABIC", "CJK"} <= set(scripts)
    assert scripts["LATIN"] > 200
    assert max(map(len, names)) > 40
