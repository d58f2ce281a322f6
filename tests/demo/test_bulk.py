"""What the demo plays in memory is what the commands would have stored, row for row."""

from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from django.db import transaction

from procedures import directory
from procedures.demo import calendar, seeding
from procedures.demo.bulk import Book
from procedures.demo.door import Door, Live
from procedures.demo.past import past_plots
from procedures.demo.patients import patients, year_of_patients
from procedures.demo.people import make_suite
from procedures.demo.stage import Plot
from procedures.demo.year import year_plots
from procedures.models import Allergy, Case, CaseTeam, Event, Level, Patient, Product, Step
from procedures.protocols import loader
from procedures.verification import verify

pytestmark = pytest.mark.django_db

PRESENT = datetime(2027, 3, 3, 12, tzinfo=UTC)
TABLES: tuple[Any, ...] = (Patient, Allergy, Case, CaseTeam, Level, Step, Event)


def stored() -> dict[str, list[Any]]:
    """Every column of every clinical row but the ids that the database gives."""
    numbers = dict(Patient.objects.values_list("pk", "mrn"))
    found = {}
    for model in TABLES:
        rows = []
        for row in model.objects.values():
            own = row if model is Case else {name: value for name, value in row.items() if name != "id"}
            rows.append({k: numbers[v] if k == "patient_id" else v for k, v in own.items()})
        found[model.__name__] = sorted(rows, key=str)
    return found


def test_the_same_script_gives_the_same_rows_either_way() -> None:
    directory.forget()
    version = loader.load(loader.BUILT_IN)
    suite = make_suite()
    dice = Random(3)
    persons = list(patients(dice, PRESENT.date()))
    day = calendar.day_of(PRESENT)
    past = list(past_plots(suite, persons, dice, day))
    year = year_plots(suite, year_of_patients(dice, day), dice, day, {plot.scheduled for plot in past})
    chosen, shown = list[Plot](), set[str]()
    for plot in sorted((*past, *year), key=lambda plot: -len(plot.twists)):  # each twist at least once
        if new := plot.twists - shown:
            chosen.append(plot)
            shown |= new
    shelf: dict[str, list[Product]] = {}
    for product in Product.objects.order_by("pk"):
        shelf.setdefault(product.kind, []).append(product)

    def play(door: Door, plot: Plot) -> None:
        seeding.play_one(door, suite.unit, plot, shelf, 17 + chosen.index(plot), PRESENT)

    with transaction.atomic():
        for plot in chosen:
            play(Live(), plot)
        one_by_one = stored()
        transaction.set_rollback(True)
    assert not Case.objects.exists()

    book = Book()
    for plot in chosen:
        play(book, plot)
    assert not Case.objects.exists(), "nothing is stored before the end"
    book.write()
    at_once = stored()
    assert len(one_by_one["Case"]) == len(chosen) > 15
    assert {case["protocol_id"] for case in at_once["Case"]} == {version.pk}
    kinds = {event["kind"] for event in at_once["Event"]}
    assert {"case.signed", "case.cosigned", "addendum.added", "event.reconciled"} <= kinds
    assert {event["source"] for event in at_once["Event"]} == {"live", "offline", "paper"}
    for table, rows in one_by_one.items():
        assert at_once[table] == rows, table
    assert [fault for _count, fault in verify() if fault] == []
