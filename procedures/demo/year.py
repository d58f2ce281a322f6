"""The cases of the past twelve months, beside those of `past`: who operated, how that changed, what was used when.

Three operators: the senior one is quick and leaks little, the second is thorough, the third began ten months ago and
was supervised at first; her times, her fluoroscopy and her leaks come down case by case.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from math import exp
from random import Random

from procedures.definitions import Role
from procedures.models import User

from .calendar import afternoon_before, at_clock, day_of, working_days
from .details import Supply
from .past import ROOMS, SLOTS, WEEKS, crew, levels
from .patients import Person
from .people import Suite
from .stage import BOTH, MOVED_TO, Plot

CASES, ALL_WEEKS = 262, 52
NEWCOMER, NEWCOMER_BEGAN = "novak", 9  # her first week, counted from the beginning of the year
TRAINERS = ("chen", "haddad")
RETURNING = 0.1  # of patients come with another fracture
QUIET_MONTHS = {7: 0.75, 8: 0.55, 12: 0.7}
# From which week to which a lot of a cement was opened.
_CEMENTS = (
    ("Ossafill HV", "KX-19874", 0, 17),
    ("Ossafill Slow", "SL-3307", 0, 29),
    ("Ossafill HV", "KX-20410", 15, 31),
    ("Vertecem Test", "VT0912", 20, 53),
    ("Ossafill HV", "KX-20931", 30, 38),
    ("Ossafill Slow", "SL-3389", 29, 53),
    ("Ossafill HV", "KX-21466", 37, 53),
)
# What goes otherwise, and in how many of a thousand cases. One course, and one or two of the rest.
_COURSES = {
    "added level": 18,
    "abandoned": 14,
    "deferred": 15,
    "handover": 30,
    "stopped after sedation": 8,
    "stopped at the vertebra": 7,
    "cancelled on the ward": 15,
    "cancelled": 22,
    "opened by mistake": 5,
    "paper": 20,
}
_MINOR = {
    "late": 90,
    "correction": 45,
    "volume corrected": 35,
    "slip": 45,
    "unverified": 45,
    "no antibiotic": 35,
    "antibiotic after time-out": 30,
    "rupture": 28,
    "hypotension": 30,
    "override": 20,
    "count twice": 20,
    "leak on CT": 45,
    "new allergy": 15,
    "moved": 30,
    "offline in the room": 28,
    "offline in recovery": 38,
    "cement in the lung": 16,
    "pedicle breach": 10,
    "slow heart": 10,
    "rib": 7,
    "weak leg": 5,
    "haematoma": 8,
    "rash": 8,
}
_SEVERAL = {"abandoned", "handover", "deferred", "stopped at the vertebra"}  # these need two vertebrae
_ONE_BY_ONE = {"handover", "stopped at the vertebra"}


def year_plots(
    suite: Suite, persons: Iterable[Person], rng: Random, today: date, taken: set[datetime]
) -> Iterator[Plot]:
    """The cases at times that are not `taken`, oldest first. Each has dice of its own for what may vary in it."""
    first = working_days(today, ALL_WEEKS)[0]
    waiting, seen = iter(persons), list[tuple[date, Person]]()
    cases_of_newcomer = 0
    for scheduled in _times(rng, today, taken):
        dice = Random(rng.getrandbits(64))  # noqa: S311 (the demo must be the same each time)
        day, week = day_of(scheduled), (day_of(scheduled) - first).days // 7
        person = _patient(dice, waiting, seen, day)
        plot = _plot(suite, dice, person, scheduled, week, first)
        if "new allergy" not in plot.twists:  # known by then
            seen.append((day, person))
        operator = _operator(suite, dice, week)
        if operator is suite.people[NEWCOMER]:
            plot = _learning(suite, dice, plot, cases_of_newcomer)
            cases_of_newcomer += 1
        elif operator is suite.people["chen"]:
            plot = replace(plot, pace=0.82, leak_share=0.11, beam=0.75)
        yield replace(plot, crew={**plot.crew, Role.OPERATOR: operator})


def _times(rng: Random, today: date, taken: set[datetime]) -> list[datetime]:
    """When, so many: fewer in the holidays, and fewer in the last weeks, which have cases already."""
    weights: dict[datetime, float] = {}
    for number, day in enumerate(working_days(today, ALL_WEEKS)):
        recent = number >= (ALL_WEEKS - WEEKS) * 5
        weight = QUIET_MONTHS.get(day.month, 1.0) * (0.3 if recent else 1.0)
        weights |= {at_clock(day, *slot): weight for slot in SLOTS}
    free = [moment for moment in weights if moment not in taken]
    drawn = sorted(free, key=lambda moment: rng.random() ** (1 / weights[moment]), reverse=True)
    return sorted(drawn[:CASES])


def _patient(dice: Random, waiting: Iterator[Person], seen: list[tuple[date, Person]], day: date) -> Person:
    """Somebody new, or one of those who were here more than three weeks ago."""
    before = [known for known in seen if known[0] < day - timedelta(days=21)]
    if before and dice.random() < RETURNING:
        back = dice.choice(before)
        seen.remove(back)
        return back[1]
    return next(waiting)


def _plot(suite: Suite, dice: Random, person: Person, scheduled: datetime, week: int, first: date) -> Plot:
    twists = _twists(dice)
    anaesthesia = dice.choices(("sedation", "general", "local"), (14, 4, 2))[0]
    room = dice.choice(ROOMS)
    if room == MOVED_TO:
        twists -= {"moved"}
    return Plot(
        person=person,
        crew=crew(suite, dice, anaesthesia),
        relief=suite.people["ivanova"] if "handover" in twists else None,
        levels=levels(dice, several=bool(twists & _SEVERAL), spare="L4"),
        start=scheduled + timedelta(seconds=dice.randrange(-600, 1500)),
        scheduled=scheduled,
        opened=afternoon_before(scheduled, dice.randrange(60)),
        room=room,
        supplies={"cement": _cement(dice, week, first)},
        beam=dice.choice((1.0, 1.0, 1.0, 1.3, 1.3, 5.5))
        if dice.random() < 0.2
        else 1.0,  # now and then a large one
        anaesthesia=anaesthesia,
        together=not twists & _ONE_BY_ONE and dice.random() < 0.7,
        vitals_every=dice.choice((5, 10, 10)),
        gaps=dice.choice((0, 0, 0, 0, 0, 0.02, 0.05)),
        twists=twists,
        signed_off=True,
    )


def _twists(dice: Random) -> frozenset[str]:
    course = dice.choices(["", *_COURSES], [1000 - sum(_COURSES.values()), *_COURSES.values()])[0]
    if course == "paper":
        return frozenset({course})
    minor = {twist for twist, share in _MINOR.items() if dice.random() * 1000 < share}
    return frozenset({course, *minor} - {""})


def _cement(dice: Random, week: int, first: date) -> Supply:
    name, lot, opened, _until = dice.choice([row for row in _CEMENTS if row[2] <= week < row[3]])
    return Supply(name, lot, first + timedelta(days=7 * opened + 540))


def _operator(suite: Suite, dice: Random, week: int) -> User:
    names, shares = ["chen", "haddad"], [42, 33]
    if week >= NEWCOMER_BEGAN:
        names, shares = [*names, NEWCOMER], [*shares, 27]
    return suite.people[dice.choices(names, shares)[0]]


def _learning(suite: Suite, dice: Random, plot: Plot, before: int) -> Plot:
    """A case of the newcomer after so many others: beside her a trainer at first, through both pedicles mostly."""
    rest = exp(-before / 16)  # what is still to be learned
    trainer = suite.people[dice.choice(TRAINERS)] if dice.random() < 0.35 + 0.65 * rest else None
    team: dict[Role, User] = {**plot.crew}
    team.pop(Role.ASSISTANT, None)
    if trainer:
        team[Role.ASSISTANT] = trainer
    return replace(
        plot,
        crew=team,
        trainer=trainer,
        levels={level: BOTH if dice.random() < 0.5 else sides for level, sides in plot.levels.items()},
        approach="transpedicular" if dice.random() < 0.7 else "",
        pace=0.98 + 0.8 * rest,
        leak_share=0.12 + 0.25 * rest,
        beam=plot.beam * (1 + 1.1 * rest),
    )
