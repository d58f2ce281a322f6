"""One record, four ways to read it: the numbers on the page, in the PDF, in the table and in the FHIR bundle agree for
every case of the demo."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.template.loader import render_to_string
from django.utils import timezone
from pypdf import PdfReader
from pytest_django import DjangoDbBlocker

from procedures import directory
from procedures.definitions import Measure
from procedures.demo import seed
from procedures.exports import as_csv, as_fhir, as_pdf, columns, sides
from procedures.exports.document import document
from procedures.exports.loading import load, with_parts
from procedures.exports.tables import Away
from procedures.models import Case, User
from procedures.screens import record
from procedures.screens.record.words import lasted, seconds
from procedures.screens.view import View

pytestmark = pytest.mark.django_db
DRAWN = 25  # of so many cases one is laid out as a PDF and read back; of the others the data that the PDF is made of


@pytest.fixture(scope="module", autouse=True)
def demo(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), transaction.atomic():
        directory.forget()
        seed(timezone.now())
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        yield
        transaction.set_rollback(True)


def table_of(user: User, cases: list[Case], make: Any) -> dict[str, list[dict[str, str]]]:
    """The rows of a table by the id of their case."""
    by = Away(user=user.pk, identified=True, key=uuid4())
    text = b"".join(as_csv.stream(make(by), by, [load(cases)])).decode("utf-8-sig")
    found: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        found.setdefault(row["Case"], []).append(row)
    return found


def on_the_page(screen: Any) -> dict[str, str]:
    """The large figures of the record's page, by their labels, as the HTML says them."""
    html = render_to_string("record.html", {"screen": screen})
    figures = re.search(r'<dl class="figures">(.*?)</dl>', html, re.DOTALL)
    pairs = re.findall(r"<dt>(.*?)</dt><dd>.*?<b>(.*?)</b>", figures.group(1) if figures else "", re.DOTALL)
    return {unescape(label): unescape(value) for label, value in pairs}


def in_the_pdf(found: dict[str, Any]) -> dict[str, str]:
    """The same in the data of the PDF."""
    glance = found["sections"][0]["blocks"][0]["rows"]
    return {label: lines[0] for label, lines in glance}


def in_fhir(bundle: dict[str, Any], code: str) -> dict[str, Decimal]:
    """The sums that the bundle says, by vertebra; the empty one is the case."""
    found = {}
    for entry in bundle["entry"]:
        one = entry["resource"]
        if one["resourceType"] == "Observation" and code in {
            c["code"] for c in one["code"].get("coding", [])
        }:
            where = [
                c["code"]
                for c in one.get("bodySite", {}).get("coding", [])
                if c["system"].endswith("vertebra")
            ]
            found["".join(where)] = Decimal(str(one["valueQuantity"]["value"]))
    return found


def measured_in_fhir(bundle: dict[str, Any], key: str) -> Decimal | None:
    """The sum of what counts of one field."""
    found = [
        Decimal(str(one["valueQuantity"]["value"]))
        for entry in bundle["entry"]
        if (one := entry["resource"])["resourceType"] == "Observation"
        and any(c["code"].endswith(key) for c in one["code"].get("coding", []))
        and one["status"] != "entered-in-error"
    ]
    return sum(found, Decimal()) if found else None


def lots_in_fhir(bundle: dict[str, Any]) -> set[str]:
    """The lots of devices that count."""
    devices = (e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Device")
    return {d["lotNumber"] for d in devices if "lotNumber" in d and d.get("status") != "entered-in-error"}


def test_the_four_agree_for_every_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as_fhir, "_check", lambda _found: None)  # asked in tests/fhir and test_demo.py; slow
    user = User.objects.get(username="chen")
    cases = list(with_parts(Case.objects.visible_to(user)).order_by("scheduled_at", "pk"))
    assert len(cases) > 300
    rows, by_side = (table_of(user, cases, make) for make in (columns.of_cases, sides.of_sides))
    tried: Counter[str] = Counter()
    for number, case in enumerate(cases):
        view = View.load(user, case.pk)
        screen, (row,) = record.of(view), rows[str(case.pk)]
        page, found = on_the_page(screen), document(screen, "x", timezone.now())
        bundle = json.loads(as_fhir.bundle(view, identified=True))
        pdf = in_the_pdf(found)
        assert page == pdf == {f.label: f.value for f in screen.figures}
        if "Cement in all" in page:
            tried["cement"] += 1
            cement = in_fhir(bundle, Measure.CEMENT_ML.value)
            assert page["Cement in all"] == f"{row['Cement in all, mL']} mL"
            assert abs(cement[""] - Decimal(row["Cement in all, mL"])) <= Decimal("0.05")
            levels: dict[str, Decimal] = {}
            for side in by_side[str(case.pk)]:
                if amount := side["Cement of the side, mL"]:
                    levels[side["Vertebra"]] = levels.get(side["Vertebra"], Decimal()) + Decimal(amount)
            assert levels == {level: ml for level, ml in cement.items() if level}
            assert int(row["Vertebrae with cement"]) == len(levels)
            shown = {True: "TRUE", False: "FALSE", None: ""}[screen.case.leak]
            assert (row["Cement leak"], page["Cement leak"] == "none seen") == (shown, shown == "FALSE")
        if "Skin to skin" in page:
            tried["skin"] += 1
            whole = case.skin_seconds or 0  # of which the page knows the fractions too
            assert page["Skin to skin"] in {
                lasted(timedelta(seconds=whole + part)) for part in (-0.5, 0, 0.5)
            }
            assert Decimal(row["Skin to skin, min"]) == round(Decimal(case.skin_seconds or 0) / 60, 1)
        assert page["Complications"] == {"0": "none recorded"}.get(row["Complications"], row["Complications"])
        radiation = {r.key: r.total for r in screen.radiation}
        for key, heading in (("fluoro_time", "Fluoroscopy time, s"), ("dap", "Dose-area product, Gy·cm²")):
            if row[heading]:
                tried[key] += 1
                assert radiation[key] == Decimal(row[heading]) == measured_in_fhir(bundle, key)
        if row["Fluoroscopy time, s"]:
            assert page["X-rays"] == seconds(Decimal(row["Fluoroscopy time, s"]))
        lots = {device.lot for device in screen.devices} - {""}
        assert set(filter(None, row["Lots"].split(" | "))) == lots
        told = json.dumps(
            [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Device"]
        )
        assert all(json.dumps(lot) in told for lot in lots)
        assert lots_in_fhir(bundle) <= lots  # that of a liquid is a property there
        tried["lots"] += bool(lots)
        if number % DRAWN == 0:
            tried["drawn"] += 1
            text = " ".join(
                " ".join(
                    p.extract_text()
                    for p in PdfReader(io.BytesIO(as_pdf.render(found, timezone.now()))).pages
                ).split()
            )
            assert all(value in text for value in (*page.values(), *lots))
    assert min(tried[key] for key in ("cement", "skin", "fluoro_time", "dap", "lots")) > 200
    assert tried["drawn"] > 10
