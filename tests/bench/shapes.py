"""A few hundred distinct cases, played once through the commands, and the text that stamps copies of them.

A shape is the text of a case's rows as COPY takes it, with a place left open wherever a copy differs: the case, its
patient, unit and people, the days, and what is computed from them (the hashes). A copy has the same seconds, values and
seqs, so its projections are those that the fold gives.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from django.db import connection, transaction

from procedures import directory
from procedures.demo import course
from procedures.demo.bulk import Book
from procedures.demo.calendar import day_of
from procedures.demo.copying import columns
from procedures.demo.details import Details
from procedures.demo.patients import year_of_patients
from procedures.demo.people import Suite, make_suite
from procedures.demo.stage import Curtain, Plot, Stage
from procedures.demo.year import year_plots
from procedures.models import Case, CaseTeam, Event, Level, Patient, Product, Step, Unit, User
from procedures.protocols import loader

from . import short

# Ids of the played cases begin here: numbers that stand for nothing else in any text, so that they can be replaced.
FIRST_USER, FIRST_UNIT, FIRST_PATIENT = 900_000_001, 800_000_001, 700_000_001
MOST = 250  # distinct cases
SEPARATOR = "\x1e"  # between the events of one text; no value holds it
HEAD = "\x1f"  # in a signature: the hash that the log had come to
WITHOUT = {"new allergy", "name corrected"}  # what changes the patient cannot be copied to another
BESIDE: tuple[Any, ...] = (Step, Level, CaseTeam)
_CHAINED = ("canonical", "prev_hash", "hash")
_DAY = re.compile(r"(20\d\d-\d\d-\d\d)(?=[T ]\d\d:\d\d:\d\d)")
_USER = re.compile(rf"\b{FIRST_USER // 1000}(\d\d\d)\b")
_SIGNED_HEAD = re.compile(r'"head":"[0-9a-f]{64}"')


@dataclass(frozen=True, slots=True)
class Shape:
    """One case as text to be filled with `%`. `prefixes`: the columns of its events before the text, `rows`: the lines
    of the other tables; `days`: those that its moments lie on, counted from its own day; `signed`: the places of the
    events that name the hash before them."""

    day: date
    days: tuple[int, ...]
    prefixes: str
    canonicals: str
    rows: Mapping[str, str]
    signed: frozenset[int]
    events: int


def play(number: int, *, whole: bool, now: datetime) -> tuple[Suite, list[Shape]]:
    """Play so many cases (at most `MOST`) in an empty database, store them, and make shapes of them.

    `whole`: the built-in protocol with all that happens in the demo, else the short one.
    """
    directory.forget()
    with transaction.atomic():
        _count_from(User, FIRST_USER)
        _count_from(Unit, FIRST_UNIT)
        _count_from(Patient, FIRST_PATIENT)
        suite = make_suite()
        loader.load(loader.BUILT_IN if whole else short.protocol())
        book, shelf = Book(), _shelf()
        for plot, dice in _plots(suite, number, now):
            _play(book, suite, plot, dice, now, shelf, course.play if whole else short.play)
        book.write()
        shapes = [_shape(held.case) for held in book.cases.values()]
    return suite, shapes


def _count_from(model: Any, first: int) -> None:
    with connection.cursor() as cursor:
        table = model._meta.db_table
        cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s, false)", [table, first])


def _shelf() -> dict[str, list[Product]]:
    found: dict[str, list[Product]] = {}
    for product in Product.objects.order_by("pk"):
        found.setdefault(product.kind, []).append(product)
    return found


def _plots(suite: Suite, number: int, now: datetime) -> Iterator[tuple[Plot, Random]]:
    """Cases of the demo's year; of patients of whom nothing is known beside."""
    dice, day = Random(7), day_of(now)
    plots = list(year_plots(suite, year_of_patients(dice, day), dice, day, set()))
    for plot in dice.sample(plots, number):
        person = replace(plot.person, allergies=())
        yield replace(plot, person=person, twists=plot.twists - WITHOUT), Random(dice.getrandbits(64))


def _play(
    book: Book,
    suite: Suite,
    plot: Plot,
    dice: Random,
    now: datetime,
    shelf: dict[str, list[Product]],
    script: Callable[[Stage], None],
) -> None:
    if script is short.play:
        plot = short.plot(plot)
    day, levels = day_of(plot.start), tuple(plot.levels)
    details = Details(dice, shelf, day, levels, supplies=plot.supplies, beam=plot.beam)
    with suppress(Curtain):
        script(Stage(book, suite.unit, plot, dice, now, details))


# Into text ----------------------------------------------------------------------------------------------------------


def copied(model: Any) -> list[str]:
    """The columns that are written, as `copying` names them."""
    return [one.column for one in columns(model, numbered=model is Case)]


def event_columns() -> list[str]:
    """Those of an event, the chained ones last."""
    return [*(name for name in copied(Event) if name not in _CHAINED), *_CHAINED]


def _shape(case: Case) -> Shape:
    events = list(Event.objects.filter(case=case).order_by("seq").values_list("canonical", flat=True))
    prefixes = _lines(Event, [name for name in event_columns() if name not in _CHAINED], case)
    rows = {model._meta.db_table: _lines(model, copied(model), case) for model in BESIDE}
    rows[Case._meta.db_table] = _lines(Case, copied(Case), case)
    signed = frozenset(at for at, text in enumerate(events) if _SIGNED_HEAD.search(text))
    texts = [_SIGNED_HEAD.sub(f'"head":"{HEAD}"', text) for text in events]
    day = day_of(case.scheduled_at)
    days: set[int] = set()

    def opened(text: str) -> str:
        return _open(text, case, day, days)

    return Shape(
        day=day,
        prefixes=opened(prefixes.removesuffix("\n").replace("\n", SEPARATOR)),
        canonicals=opened(SEPARATOR.join(texts)),
        rows={table: opened(lines) for table, lines in rows.items()},
        signed=signed,
        events=len(events),
        days=tuple(sorted(days)),
    )


def _lines(model: Any, names: list[str], case: Case) -> str:
    """The rows of a case as COPY writes them."""
    table, key = model._meta.db_table, "id" if model is Case else "case_id"
    order = "seq" if model is Event else "id"
    listed = ", ".join(f'"{name}"' for name in names)
    statement = f"COPY (SELECT {listed} FROM {table} WHERE {key} = '{case.pk}' ORDER BY {order}) TO STDOUT"  # noqa: S608
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        return b"".join(bytes(part) for part in copy).decode()


def _open(text: str, case: Case, day: date, days: set[int]) -> str:
    """The text with its open places, for `%`."""

    def moment(found: re.Match[str]) -> str:
        distance = (date.fromisoformat(found[1]) - day) // timedelta(days=1)
        days.add(distance)
        return f"%(d{distance})s"

    text = text.replace("%", "%%").replace(str(case.pk), "%(case)s").replace(case.patient.mrn, "%(mrn)s")
    text = text.replace(bytes(case.head_hash).hex(), "%(head)s")
    text = text.replace(str(case.patient_id), "%(patient)s").replace(str(case.unit_id), "%(unit)s")
    for lot in _lots(case):
        text = re.sub(rf"\b({re.escape(lot)})\b", r"\1%(batch)s", text, flags=re.IGNORECASE)
    return _DAY.sub(moment, _USER.sub(r"%(u\1)s", text))


def _lots(case: Case) -> list[str]:
    return [facet.removeprefix("lot:") for facet in case.facets if facet.startswith("lot:")]


def batch(day: date) -> str:
    """What is added to each lot of a copy: eight weeks later it is another one."""
    return f"-{day.toordinal() // 56 % 1000}"
