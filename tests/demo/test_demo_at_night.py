"""Somebody tries Kypho at half past midnight: the list of today is still today's, and nothing lies in the future."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.timezone import localtime

from procedures import directory
from procedures.demo import calendar, seed, seeding
from procedures.models import Case, Event

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "present", [datetime(2027, 3, 1, 0, 30, tzinfo=UTC), datetime(2027, 2, 28, 23, 58, 59, tzinfo=UTC)]
)
def test_the_list_of_today_at_the_edge_of_a_day(monkeypatch: pytest.MonkeyPatch, present: datetime) -> None:
    directory.forget()
    monkeypatch.setattr(seeding, "past_plots", lambda *_of: [])
    monkeypatch.setattr(seeding, "year_plots", lambda *_of: [])
    seed(present)
    assert Case.objects.count() == 9
    for case in Case.objects.all():
        assert localtime(case.scheduled_at).date() == localtime(present).date()
    assert not Event.objects.filter(recorded_at__gt=present).exists()


@pytest.mark.parametrize("hour", [0, 3, 12, 23])
def test_a_time_of_today_stays_within_the_day(hour: int) -> None:
    day = datetime(2027, 3, 28, hour, 59, tzinfo=UTC)
    for minutes in (-430, -75, 0, 75, 300):
        moment = calendar.within_day(day + timedelta(minutes=minutes), day.date())
        assert localtime(moment).date() == day.date()
        assert localtime(moment).minute % 15 == 0
