"""The cases of the past ten weeks: a routine list, with what goes otherwise now and then."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from random import Random

from procedures.definitions import VERTEBRAE, Role

from .calendar import afternoon_before, at_clock, working_days
from .patients import Person
from .people import Crew, Suite
from .stage import BOTH, Plot
from .today import LIST_SIZE

CASES, WEEKS = 40, 10
SLOTS = ((8, 0), (10, 45), (13, 30))
ROOMS = ("IR room 1", "IR room 1", "IR room 2", "IR room 2", "Theatre 3")
# Fractures gather where the stiff thoracic spine meets the lumbar one.
_OFTEN = {
    "T11": 3,
    "T12": 6,
    "L1": 7,
    "L2": 4,
    "L3": 3,
    "L4": 2,
    "T7": 2,
    "T8": 2,
    "T9": 1,
    "T10": 1,
    "L5": 1,
    "T6": 1,
}
# What goes otherwise, by the number of the case; every other case goes as planned.
_TWISTS: dict[int, frozenset[str]] = {
    number: frozenset(twists)
    for number, twists in {
        1: {"correction"},
        3: {"rupture"},
        4: {"no antibiotic"},
        6: {"late"},
        8: {"stopped after sedation"},
        9: {"override"},
        11: {"hypotension", "late"},
        13: {"slip", "unverified"},
        14: {"volume corrected"},
        16: {"added level"},
        18: {"leak on CT", "name corrected"},
        20: {"abandoned"},
        22: {"handover"},
        23: {"cancelled on the ward"},
        25: {"count twice", "late"},
        27: {"rupture", "unverified"},
        29: {"deferred"},
        31: {"stopped at the vertebra"},
        33: {"no antibiotic", "correction"},
        35: {"cancelled"},
        37: {"new allergy", "volume corrected"},
        38: {"moved"},
    }.items()
}
_SEVERAL = {"abandoned", "handover", "deferred", "stopped at the vertebra"}  # these need two vertebrae
_ONE_BY_ONE = {"handover", "stopped at the vertebra"}


def past_plots(suite: Suite, persons: Sequence[Person], rng: Random, today: date) -> Iterator[Plot]:
    """Forty cases on working days before today, oldest first; four patients come back."""
    own = list(persons[:-LIST_SIZE])
    back = [own[2], own[5], own[7], persons[-1]]
    list_of_patients = [*own[: CASES - len(back)], *back]
    slots = [(day, slot) for day in working_days(today, WEEKS) for slot in SLOTS]
    chosen = sorted(rng.sample(slots, CASES))
    for number, ((day, (hour, minute)), person) in enumerate(zip(chosen, list_of_patients, strict=True)):
        twists = _TWISTS.get(number, frozenset())
        scheduled = at_clock(day, hour, minute)
        anaesthesia = rng.choices(("sedation", "general", "local"), (15, 3, 2))[0]
        yield Plot(
            person=person,
            crew=crew(suite, rng, anaesthesia),
            relief=suite.people["ivanova"] if "handover" in twists else None,
            levels=levels(rng, several=bool(twists & _SEVERAL), spare="L4"),
            start=scheduled + timedelta(seconds=rng.randrange(-600, 1500)),
            scheduled=scheduled,
            opened=afternoon_before(scheduled, rng.randrange(60)),
            room=rng.choice(ROOMS),
            anaesthesia=anaesthesia,
            together=not twists & _ONE_BY_ONE and rng.random() < 0.7,
            vitals_every=rng.choice((5, 10, 10)),  # many charts hold every second reading
            gaps=rng.choice((0, 0, 0, 0, 0.02, 0.06)),
            twists=twists,
            signed_off=True,
        )


def crew(suite: Suite, rng: Random, anaesthesia: str) -> Crew:
    """One of each, with an anaesthetist for general anaesthesia and a sedation nurse otherwise."""
    asleep = Role.ANAESTHETIST if anaesthesia == "general" else Role.SEDATION_NURSE
    roles = [
        Role.WARD_NURSE,
        Role.CIRCULATING_NURSE,
        asleep,
        Role.SCRUB_NURSE,
        Role.RADIOGRAPHER,
        Role.OPERATOR,
        Role.RECOVERY_NURSE,
    ]
    found = {role: rng.choice(suite.having(role)) for role in roles}
    if rng.random() < 0.3:
        found[Role.ASSISTANT] = suite.having(Role.ASSISTANT)[0]
    return found


def levels(rng: Random, *, several: bool, spare: str) -> dict[str, tuple[str, ...]]:
    """One to three vertebrae from the head down, each with one access or two; never the spare one."""
    count = rng.choices((1, 2, 3), (0 if several else 6, 4, 1))[0]
    found: dict[str, tuple[str, ...]] = {}
    likely = {level: weight for level, weight in _OFTEN.items() if level != spare}
    while len(found) < count:
        level = rng.choices(list(likely), list(likely.values()))[0]
        found[level] = BOTH if rng.random() < 0.65 else (rng.choice(BOTH),)
    return {level: found[level] for level in sorted(found, key=VERTEBRAE.index)}
