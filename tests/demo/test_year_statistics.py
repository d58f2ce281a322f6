"""The statistics of the demo's year against its events, read here once more by other code than the fold."""

import csv
import io
import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from django.utils.timezone import localtime
from pytest_django import DjangoDbBlocker

from procedures import directory
from procedures.demo import seed
from procedures.models import User
from procedures.protocols import loader
from tests.web.visitor import Visitor

pytestmark = pytest.mark.django_db

PRESENT = datetime(2027, 3, 3, 12, tzinfo=UTC)
KEY = re.compile(r"(?P<code>.+?)(?:-(?P<level>[TLS]\d+)(?:-(?P<side>left|right))?)?")


@dataclass
class Read:
    """A case as its events tell it: what was recorded and still counts, by the number of its event."""

    pk: object
    operator: int
    at: datetime
    started: datetime | None = None
    entries: dict[int, dict[str, Any]] = field(default_factory=dict)

    def take(self, event: dict[str, Any]) -> None:
        """One more event."""
        about, values = event["about"], event["values"]
        when = datetime.fromisoformat(event["performed_at"])
        given = values.get("values", values)
        match event["kind"]:
            case "case.started":
                self.started = when
            case "step.done":
                key = KEY.fullmatch(event["step_key"])
                assert key
                self.entries[event["seq"]] = {**key.groupdict(), "at": when, "values": dict(given)}
            case "step.corrected" | "step.detailed" | "addendum.added" if about:
                self.entries[about]["values"].update(given)
            case "event.voided":
                self.entries.pop(about, None)

    def of(self, code: str) -> list[dict[str, Any]]:
        """The entries of a step."""
        return [entry for entry in self.entries.values() if entry["code"] == code]

    def cement(self) -> dict[str, float]:
        """Millilitres by vertebra."""
        found: dict[str, float] = defaultdict(float)
        for entry in self.of("K09d"):
            if "volume" in entry["values"]:
                found[entry["level"]] += float(entry["values"]["volume"]["amount"])
        return dict(found)

    def leaks(self) -> dict[str, bool]:
        """By treated vertebra, where the question was answered."""
        treated = self.cement()
        found: dict[str, bool] = {}
        for entry in self.of("K09d"):
            if "leak" in entry["values"] and entry["level"] in treated:
                seen = any(kind != "none" for kind in entry["values"]["leak"])
                found[entry["level"]] = found.get(entry["level"], False) or seen
        return found

    def amount(self, key: str) -> float | None:
        """A quantity of radiation, all images together."""
        found = [float(e["values"][key]["amount"]) for e in self.of("K11") if key in e["values"]]
        return sum(found) if found else None

    def skin(self) -> float | None:
        """Minutes from the first needle in to the last needle out, of whole seconds."""
        needles, out = ([e["at"] for e in self.of(code)] for code in ("K08b", "K09e"))
        return round((max(out) - min(needles)).total_seconds()) / 60 if needles and out else None


@pytest.fixture(scope="module", autouse=True)
def demo(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The whole demo, once for this file, and gone after it."""
    with django_db_blocker.unblock(), transaction.atomic():
        directory.forget()
        seed(PRESENT)
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def cases(demo: None, django_db_blocker: DjangoDbBlocker) -> list[Read]:
    """Every case of the unit whose patient left the table."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, c.operator_id, c.scheduled_at, e.data FROM procedures_case c JOIN procedures_event e"
            " ON e.case_id = c.id WHERE c.status IN ('recovery', 'completed', 'stopped') AND c.unit_id ="
            " (SELECT m.unit_id FROM procedures_membership m JOIN procedures_user u ON u.id = m.user_id"
            " WHERE u.username = 'chen') ORDER BY c.id, e.seq"
        )
        found: dict[object, Read] = {}
        for pk, operator, at, data in cursor.fetchall():
            read = found.setdefault(pk, Read(pk, operator, at))
            read.take(json.loads(data) if isinstance(data, str) else data)
    assert len(found) > 250
    return list(found.values())


@pytest.fixture
def surgeon() -> Visitor:
    """The most senior operator of the demo."""
    return Visitor(User.objects.get(username="chen"))


def table(visitor: Visitor, plot: str, query: str = "") -> list[dict[str, str]]:
    """The CSV of a plot, by its headings."""
    answer = visitor.client.get(f"/log/statistics/{plot}.csv{query}")
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def is_of(row: dict[str, str], values: list[float], first: int) -> None:
    """The row has the number of these values and their quantiles, from that cell on."""
    cells = list(row.values())[first : first + 8]
    expected = [len(values), min(values), *np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95]), max(values)]
    assert [float(cell) for cell in cells] == pytest.approx(expected), row


def test_cement_of_each_vertebra(surgeon: Visitor, cases: list[Read]) -> None:
    given = [(level, ml) for case in cases for level, ml in case.cement().items()]
    rows = {row["Vertebra"]: row for row in table(surgeon, "cement")}
    assert set(rows) == {level for level, _ml in given} | {"All vertebrae"}
    for vertebra, row in rows.items():
        is_of(row, [ml for level, ml in given if vertebra in (level, "All vertebrae")], 1)


def test_where_a_vertebra_is_asked_for_only_its_cement_and_leaks_count(
    surgeon: Visitor, cases: list[Read]
) -> None:
    at = "L1"
    given = [ml for case in cases for level, ml in case.cement().items() if level == at]
    elsewhere = [level for case in cases if at in case.cement() for level in case.cement() if level != at]
    assert elsewhere  # which are left out
    (every, one) = table(surgeon, "cement", f"?level={at}")
    assert (every["Vertebra"], one["Vertebra"]) == (f"Asked for: {at}", at)
    for row in (every, one):
        is_of(row, given, 1)
    leaks = [leak for case in cases for level, leak in case.leaks().items() if level == at]
    rows = table(surgeon, "leaks", f"?level={at}")
    assert sum(int(row["Vertebrae"]) for row in rows) == len(leaks)
    assert sum(int(row["Leaks"]) for row in rows) == sum(leaks)
    places = table(surgeon, "leak-places", f"?level={at}")
    assert {(row["What"], int(row["Vertebrae"])) for row in places if row["By"] == "Vertebra"} == {
        (at, len(leaks))
    }
    page = surgeon.ask("GET", f"/log/statistics/?level={at}").page.text
    assert f"{len(given)} vertebrae treated, {at} only" in page
    assert f"{np.median(given):.1f} mL median cement per vertebra, {at} only" in page
    log = surgeon.ask("GET", f"/log/?level={at}&figures=1").page.text
    assert f"median cement a vertebra, {at} only" in log


def test_skin_to_skin_and_the_learning_curve(surgeon: Visitor, cases: list[Read]) -> None:
    is_of(table(surgeon, "stretches")[0], [m for case in cases if (m := case.skin()) is not None], 1)
    for row in table(surgeon, "groups", "?by=operator"):
        who = User.objects.get(display_name=row["Operator"].removesuffix(" (you)")).pk
        minutes = [m for case in cases if case.operator == who and (m := case.skin()) is not None]
        assert float(row["Median, min"]) == pytest.approx(np.median(minutes))
    assert surgeon.user
    me = surgeon.user.pk
    own = sorted((c for c in cases if c.operator == me), key=lambda c: (c.at, str(c.pk)))
    each = [m / len(c.cement()) for c in own if c.cement() and (m := c.skin()) is not None]
    blocks = [row for row in table(surgeon, "learning") if row["Operator"].endswith("(you)")]
    assert int(blocks[-1]["To case"]) == len(each)
    for row in blocks:
        part = each[int(row["From case"]) - 1 : int(row["To case"])]
        assert float(row["Median, min"]) == pytest.approx(np.median(part))


def test_the_parts_of_a_case(surgeon: Visitor, cases: list[Read]) -> None:
    steps = {step["code"]: step for step in tomllib.loads(loader.BUILT_IN.read_text())["steps"]}
    in_room = ("before", "room", "level", "after")
    found: dict[str, list[float]] = defaultdict(list)
    for case in cases:
        assert case.started
        turned = min((e["at"] for e in case.of("REC-TURN")), default=None)
        ends = [
            (entry["at"], steps[entry["code"]])
            for entry in case.entries.values()
            if steps[entry["code"]]["phase"] != "any"
            and not (turned and steps[entry["code"]]["phase"] in in_room and entry["at"] > turned)
        ]
        spent: dict[str, float] = defaultdict(float)
        moments = sorted([(case.started, {}), *(e for e in ends if e[0] > case.started)], key=lambda e: e[0])
        for (before, _step), (at, step) in pairwise(moments):
            name = step["phase"] if step["phase"] != "level" else step.get("column", "cement").lower()
            spent[name] += round((at - before).total_seconds())
        for name, seconds in spent.items():
            found[name].append(seconds / 60)
    rows = {row["Part of the case"]: row for row in table(surgeon, "stretches")}
    for name, title in (("room", "Room and anaesthesia"), ("balloon", "Balloon"), ("recovery", "Recovery")):
        is_of(rows[title], found[name], 1)


def test_leaks_and_complications_by_month(surgeon: Visitor, cases: list[Read]) -> None:
    leaks: dict[str, list[bool]] = defaultdict(list)
    trouble: dict[str, list[bool]] = defaultdict(list)
    for case in cases:
        month = f"{localtime(case.at):%Y-%m}"
        leaks[month] += case.leaks().values()
        trouble[month].append(bool(case.of("EV-COMPLICATION")))
    for plot, counted, columns in (
        ("leaks", leaks, ("Leaks", "Vertebrae")),
        ("complications", trouble, ("With a complication", "Cases")),
    ):
        every = [hit for hits in counted.values() for hit in hits]
        centre, rows = np.mean(every), table(surgeon, plot)
        assert sum(int(row[columns[1]]) for row in rows) == len(every)
        for row in rows:
            hits = counted[row["Month"]]
            assert [int(row[column]) for column in columns] == [sum(hits), len(hits)]
            if hits:
                reach = 3 * np.sqrt(centre * (1 - centre) / len(hits))
                limits = np.clip([centre - reach, centre + reach], 0, 1) * 100
                assert [float(row["Lower limit, %"]), float(row["Upper limit, %"])] == pytest.approx(limits)


def test_radiation(surgeon: Visitor, cases: list[Read]) -> None:
    rows = {row["Quantity"]: row for row in table(surgeon, "radiation")}
    for name, key, factor, alert in (
        ("Fluoroscopy time", "fluoro_time", 60, 30),
        ("Dose-area product", "dap", 1, 300),
        ("Air kerma", "air_kerma", 1, 3000),
    ):
        known = [amount / factor for case in cases if (amount := case.amount(key)) is not None]
        is_of(rows[name], known, 3)
        assert int(rows[name]["Above it"]) == sum(amount > alert for amount in known)


def test_every_plot_of_the_year_has_something_to_show(surgeon: Visitor) -> None:
    for by in ("", "levels", "access", "approach", "operator", "version"):
        html = surgeon.ask("GET", f"/log/statistics/?by={by}").html
        assert html.count('<svg class="plot"') >= 13
        assert "No case to count" not in html
