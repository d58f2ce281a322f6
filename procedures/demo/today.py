"""The list of today: eight cases, one in every state that a suite knows, and one of another unit."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from .calendar import afternoon_before, day_of, within_day
from .patients import Person
from .people import Crew, Suite
from .stage import BOTH, Plot

# Minutes since the start of each case, so that it has come to where its name says.
IN_THE_ROOM, UNDER_ANAESTHESIA, AT_THE_LEVELS, IN_RECOVERY, DONE = 24, 43, 57, 158, 430
LIST_SIZE = 9  # persons that this module takes from the end of the list


def today_plots(suite: Suite, persons: Sequence[Person], present: datetime) -> Iterator[Plot]:
    """The eight cases, those that began earliest first."""
    *_, finished, recovering, at_levels, asleep, in_room, called_off, other, same_name = persons[-LIST_SIZE:]
    one, two, three = _crews(suite)
    yield _running(
        finished, one, present, DONE, room="IR room 1", levels={"L2": BOTH, "L3": BOTH}, twists={"correction"}
    )
    yield _running(
        recovering,
        two,
        present,
        IN_RECOVERY,
        room="IR room 2",
        levels={"T11": ("left",), "L2": ("right",)},
        twists={"abandoned"},
        gaps=0.05,
    )
    yield _running(
        at_levels,
        one,
        present,
        AT_THE_LEVELS,
        room="IR room 1",
        levels={"T12": ("left",), "L1": BOTH},
        twists={"slip", "unverified"},
        pace=0.82,
    )
    yield _running(
        asleep,
        three,
        present,
        UNDER_ANAESTHESIA,
        room="Theatre 3",
        levels={"T7": BOTH, "T8": BOTH},
        anaesthesia="general",
    )
    yield _running(
        in_room, two, present, IN_THE_ROOM, room="IR room 2", levels={"L4": BOTH}, twists={"new allergy"}
    )
    yield _waiting(called_off, one, present, 75, room="IR room 1", levels={"L1": BOTH}, twists={"cancelled"})
    yield _mistaken(other, one, present)
    yield _waiting(same_name, one, present, 70, room="IR room 1", levels={"T9": BOTH, "L3": ("right",)})


def elsewhere_plot(suite: Suite, persons: Sequence[Person], present: datetime) -> Plot:
    """A case of the other unit: the first one cannot see it."""
    nobody = persons[-LIST_SIZE]
    return _waiting(nobody, suite.elsewhere, present, 45, room="Theatre 9", levels={"L5": BOTH})


def _crews(suite: Suite) -> tuple[Crew, Crew, Crew]:
    return (
        suite.crew("ward", "nurse", "sedation", "scrub", "radiographer", "chen", "assistant", "recovery"),
        suite.crew("romero", "osei", "adeyemi", "castillo", "yilmaz", "haddad", "recovery"),
        suite.crew("ward", "ivanova", "anaesthetist", "pham", "tremblay", "novak", "whelan"),
    )


def _running(person: Person, crew: Crew, present: datetime, minutes: int, *, room: str, **rest: Any) -> Plot:
    """A case that began so many minutes ago."""
    start = present - timedelta(minutes=minutes)
    return _plot(person, crew, start, start - timedelta(minutes=5), present, room=room, **rest)


def _waiting(person: Person, crew: Crew, present: datetime, minutes: int, *, room: str, **rest: Any) -> Plot:
    """A case that is to begin in so many minutes; what is decided about it was decided a while ago."""
    start = present - timedelta(minutes=35)
    return _plot(
        person, crew, start, present + timedelta(minutes=minutes), present, room=room, **_with_wait(rest)
    )


def _with_wait(rest: dict[str, Any]) -> dict[str, Any]:
    return {**rest, "twists": rest.get("twists") or {"only opened"}}


def _mistaken(person: Person, crew: Crew, present: datetime) -> Plot:
    """Opened for the namesake of the next patient, and voided soon after."""
    plot = _waiting(
        person,
        crew,
        present,
        70,
        room="IR room 1",
        levels={"T9": BOTH, "L3": ("right",)},
        twists={"opened by mistake"},
    )
    opened = present - timedelta(minutes=95)
    return replace(plot, opened=opened, start=opened + timedelta(minutes=3))


def _plot(
    person: Person, crew: Crew, start: datetime, scheduled: datetime, present: datetime, **rest: Any
) -> Plot:
    return Plot(
        person=person,
        crew=crew,
        start=start,
        scheduled=within_day(scheduled, day_of(present)),
        opened=afternoon_before(start, 5 + len(person.details.family_name)),
        **{**rest, "twists": frozenset(rest.get("twists", ()))},
    )
