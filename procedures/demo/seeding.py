"""Fills an empty database with the demo: the suite, the past weeks, the list of today."""

from contextlib import suppress
from datetime import datetime
from random import Random

from django.db import transaction
from django.utils import timezone

from procedures.models import Case, Product, Unit

from .bulk import Book
from .calendar import day_of
from .course import play
from .details import Details
from .door import Door, Live
from .past import past_plots
from .patients import patients
from .people import make_suite
from .stage import Curtain, Plot, Stage
from .today import elsewhere_plot, today_plots

SEED = 22


def seed(now: datetime | None = None) -> None:
    """Make units, people, products, 40 past cases and the list of today, in one transaction.

    The data is always the same, moved to the day of `now` (the present). The protocol must be published already.
    Raises ValueError where there are cases: the demo is for an empty database.
    """
    if Case.objects.exists():
        raise ValueError("There are cases already; the demo data is for an empty database.")
    present = now or timezone.now()
    rng = Random(SEED)  # noqa: S311 (the demo must be the same each time)
    with transaction.atomic():
        suite = make_suite()
        persons = list(patients(rng, day_of(present)))
        shelf: dict[str, list[Product]] = {}
        for product in Product.objects.order_by("pk"):
            shelf.setdefault(product.kind, []).append(product)
        book = Book()
        for plot in list(past_plots(suite, persons, rng, day_of(present))):
            play_one(book, suite.unit, plot, shelf, rng.getrandbits(64), present)
        book.write()
        for plot in today_plots(suite, persons, present):
            play_one(Live(), suite.unit, plot, shelf, rng.getrandbits(64), present)
        other = elsewhere_plot(suite, persons, present)
        play_one(Live(), suite.other_unit, other, shelf, rng.getrandbits(64), present)


def play_one(
    door: Door, unit: Unit, plot: Plot, shelf: dict[str, list[Product]], number: int, present: datetime
) -> None:
    """One case with dice of its own, so that a change to one leaves the others as they are."""
    dice = Random(number)  # noqa: S311 (as above)
    details = Details(dice, shelf, day_of(plot.start), tuple(plot.levels), plot.person.allergies)
    with suppress(Curtain):  # it has come as far as the present
        play(Stage(door, unit, plot, dice, present, details))
