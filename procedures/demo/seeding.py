"""Fills an empty database with the demo: the suite, the past weeks, the list of today."""

from contextlib import suppress
from datetime import datetime, timedelta
from random import Random

from django.db import connection, transaction
from django.utils import timezone

from procedures.models import Case, Product, ProtocolVersion, Unit
from procedures.protocols import loader

from .bulk import Book
from .calendar import day_of
from .course import play
from .details import Details
from .door import Door, Live
from .past import past_plots
from .patients import patients, year_of_patients
from .people import Suite, make_suite
from .stage import Curtain, Plot, Stage
from .today import elsewhere_plot, today_plots
from .year import year_plots

SEED = 22
# How the first version of the protocol differed from the built-in one.
FIRST_VERSION = (
    ("late_after_minutes = 15", "late_after_minutes = 30"),
    (
        'critical = true\nsecond_person = "confirm"\nfields = [\n    { key = "first"',
        'critical = true\nfields = [\n    { key = "first"',
    ),
    ("Built-in protocol. ", "First edition: late after half an hour, identity without a second person. "),
)


def seed(now: datetime | None = None) -> None:
    """Make units, people, products, a year of past cases and the list of today, in one transaction.

    The data is always the same, moved to the day of `now` (the present). Where no protocol is published yet, two
    versions are. Raises ValueError where there are cases: the demo is for an empty database.
    """
    if Case.objects.exists():
        raise ValueError("There are cases already; the demo data is for an empty database.")
    present = now or timezone.now()
    rng = Random(SEED)  # noqa: S311 (the demo must be the same each time)
    with transaction.atomic():
        with connection.cursor() as cursor:  # the year is played in memory, while the transaction waits
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        suite = make_suite()
        publish(suite, present)
        persons = list(patients(rng, day_of(present)))
        shelf: dict[str, list[Product]] = {}
        for product in Product.objects.order_by("pk"):
            shelf.setdefault(product.kind, []).append(product)
        past = list(past_plots(suite, persons, rng, day_of(present)))
        book = Book()
        for plot in past:
            play_one(book, suite.unit, plot, shelf, rng.getrandbits(64), present)
        other_dice = Random(SEED + 1)  # noqa: S311
        many = year_of_patients(other_dice, day_of(present))
        taken = {plot.scheduled for plot in past}
        for plot in year_plots(suite, many, other_dice, day_of(present), taken):
            play_one(book, suite.unit, plot, shelf, other_dice.getrandbits(64), present)
        book.write()
        for plot in today_plots(suite, persons, present):
            play_one(Live(), suite.unit, plot, shelf, rng.getrandbits(64), present)
        other = elsewhere_plot(suite, persons, present)
        play_one(Live(), suite.other_unit, other, shelf, rng.getrandbits(64), present)


def publish(suite: Suite, present: datetime) -> None:
    """The protocol as it was a year ago, and the built-in one as its second version since some months."""
    if ProtocolVersion.objects.exists():
        return
    admin = suite.people["admin"]
    first = loader.BUILT_IN.read_text()
    for now, then in FIRST_VERSION:
        first = first.replace(now, then)
    loader.load(first.encode(), admin, published_at=present - timedelta(days=400))
    loader.load(loader.BUILT_IN, admin, published_at=present - timedelta(days=140))


def play_one(
    door: Door, unit: Unit, plot: Plot, shelf: dict[str, list[Product]], number: int, present: datetime
) -> None:
    """One case with dice of its own, so that a change to one leaves the others as they are."""
    dice = Random(number)  # noqa: S311 (as above)
    details = Details(
        dice,
        shelf,
        day_of(plot.start),
        tuple(plot.levels),
        plot.person.allergies,
        supplies=plot.supplies,
        beam=plot.beam,
    )
    with suppress(Curtain):  # it has come as far as the present
        play(Stage(door, unit, plot, dice, present, details))
