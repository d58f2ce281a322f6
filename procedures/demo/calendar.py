"""Days and hours of the demo, in the suite's own time zone."""

from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.timezone import localtime

SATURDAY = 5


def day_of(moment: datetime) -> date:
    """The day of a moment where the suite is."""
    return localtime(moment).date()


def at_clock(day: date, hour: int, minute: int = 0) -> datetime:
    """A time of day."""
    return timezone.make_aware(datetime.combine(day, time(hour, minute)))


def working_days(before: date, weeks: int) -> list[date]:
    """The working days of the weeks before a day, oldest first."""
    days = (before - timedelta(days=n) for n in range(weeks * 7, 0, -1))
    return [day for day in days if day.weekday() < SATURDAY]


def afternoon_before(moment: datetime, minute: int) -> datetime:
    """Between three and four in the afternoon of the working day before: when the next list is made."""
    return at_clock(working_days(day_of(moment), 1)[-1], 15, minute)


def within_day(moment: datetime, day: date) -> datetime:
    """The quarter of an hour of a moment, or the nearest one that the day has: today's list holds today's cases."""
    quarter = moment - timedelta(
        minutes=localtime(moment).minute % 15, seconds=moment.second, microseconds=moment.microsecond
    )
    return min(max(quarter, at_clock(day, 0)), at_clock(day, 23, 45))
