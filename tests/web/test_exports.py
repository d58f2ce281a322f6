"""Taking the log away: what another reader finds in the file equals the record; who may; what is kept of it."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.http import QueryDict
from openpyxl import load_workbook

from procedures import caselog, clock, commands
from procedures.definitions import Role
from procedures.exports import as_csv, as_xlsx, columns, journal
from procedures.exports.tables import as_text, safe
from procedures.models import Case, Export, ExportedCase, Membership
from tests import away
from tests.web.visitor import Answer, Visitor
from tests.world import World

pytestmark = pytest.mark.django_db

NAMES = {"names": "1", "reason": "Morbidity meeting"}


@pytest.fixture
def course(world: World) -> away.Course:
    return away.whole(world)


def take(visitor: Visitor, query: str = "", **wanted: Any) -> Answer:
    """Ask for an export and fetch its file."""
    given: dict[str, Any] = {"kind": "csv", "rows": "case", "query": query, **wanted}
    asked = visitor.post("export-ask", **given)
    assert asked.status == 302, asked
    return visitor.ask("GET", f"{asked.location}file/")


def rows_of(answer: Answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"))))


def sheet_of(answer: Answer) -> list[dict[str, Any]]:
    head, *rows = load_workbook(io.BytesIO(answer.body), read_only=True).active.iter_rows(values_only=True)  # type: ignore[union-attr]
    return [dict(zip(map(str, head), row, strict=True)) for row in rows]


# What stands in the files ---------------------------------------------------------------------------------------------


def test_a_row_a_case_with_names_equals_the_record(operator: Visitor, course: away.Course) -> None:
    answer = take(operator, **NAMES)
    (row,) = rows_of(answer)
    case = Case.objects.get(pk=course.id)
    summary = course.progress().summary()
    assert (row["Case"], row["MRN"]) == (str(course.id), away.MRN)
    assert (row["Family name"], row["Given name"], row["Birth date"]) == (
        away.FAMILY,
        away.GIVEN,
        "1952-03-12",
    )
    assert (row["Age, years"], row["Sex"], row["Unit"], row["Room"]) == (
        "74", "Female", "Interventional suite", "IR room 2",
    )  # fmt: skip
    assert row["First needle in (UTC)"] == f"{summary.first_needle_at:%Y-%m-%dT%H:%M:%S}+00:00"
    assert row["Last needle out (UTC)"] == f"{summary.last_needle_out_at:%Y-%m-%dT%H:%M:%S}+00:00"
    assert Decimal(row["Cement in all, mL"]) == summary.cement_ml == Decimal(away.CEMENT_IN_ALL)
    assert (row["Vertebrae"], row["Vertebrae with cement"], row["Cement leak"]) == ("T12 L1", "2", "TRUE")
    assert (row["Kinds of leak"], row["Complications"], row["Kinds of complication"]) == ("disc", "1", "leak")
    assert row["Operator"] == row["Signed by"] == away.SURGEON
    assert Decimal(row["Skin to skin, min"]) == round(Decimal(case.skin_seconds or 0) / 60, 1)
    parts = {
        "Before": "before",
        "Needle": "needle",
        "Balloon": "balloon",
        "Cement": "cement",
        "After": "after",
    }
    for label, part in parts.items():
        assert Decimal(row[f"{label}, min"]) == round(Decimal(case.account["stretches"][part]) / 60, 1)
    assert (row["Fluoroscopy time, s"], row["Dose-area product, Gy·cm²"]) == (
        case.account["fluoro_s"], case.account["dap"],
    )  # fmt: skip
    assert row["Entries"] == str(case.account["entries"])
    assert row["Addenda"] == "1"
    assert {"signed", "addendum", "corrected"} <= set(row["Flags"].split(", "))
    assert "KX-20931" in row["Lots"].split(" | ")
    assert (row["Protocol version"], row["Time zone"]) == ("Kyphoplasty v1", "UTC")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="kypho-cases-')


def test_a_row_a_side_equals_the_record(operator: Visitor, course: away.Course) -> None:
    rows = rows_of(take(operator, rows="side", **NAMES))
    steps = course.progress().state.steps
    assert [f"{row['Vertebra']}-{row['Side']}" for row in rows] == list(away.VOLUMES)
    for row in rows:
        place = f"{row['Vertebra']}-{row['Side']}"
        needle, cement = steps[f"K08b-{place}"].live[-1], steps[f"K09d-{place}"].live[-1]
        assert row["Needle in (UTC)"] == f"{needle.performed_at:%Y-%m-%dT%H:%M:%S}+00:00"
        assert row["Cement in: Volume, mL"] == row["Cement of the side, mL"] == away.VOLUMES[place]
        assert row["Cement in: Volume, mL"] == cement.values["volume"]["amount"]
        assert row["Balloon in: Highest pressure, psi"] == "200"
        assert (row["Cement in: Batch, lot"], row["Cement in: Batch, serial number"]) == ("KX-20931", "S77")
        assert row["Cement in: Batch, expires"] == "2027-03-31"
        assert row["Needle in: Approach"] == "Through the pedicle"
        assert row["Cement hardened: Sample is hard"] == "TRUE"
    assert [row["Cement in: Leak"] for row in rows] == ["Disc (D)", "None seen", "Disc (D)", "None seen"]


def test_excel_has_numbers_times_and_yes_or_no_in_their_types(operator: Visitor, course: away.Course) -> None:
    (row,) = sheet_of(take(operator, kind="xlsx", **NAMES))
    (text,) = rows_of(take(operator, **NAMES))
    assert row.keys() == text.keys()
    assert isinstance(row["Cement in all, mL"], float)
    assert (row["Cement in all, mL"], row["Age, years"], row["Cement leak"]) == (10.9, 74, True)
    assert row["Birth date"] in (date(1952, 3, 12), datetime(1952, 3, 12))  # noqa: DTZ001
    for name, cell in row.items():
        if isinstance(cell, datetime) and name != "Birth date":
            assert cell.isoformat() == text[name].removesuffix("+00:00")
        elif isinstance(cell, bool):
            assert text[name] == str(cell).upper()
        elif isinstance(cell, (int, float)):
            assert Decimal(str(cell)) == Decimal(text[name])
        elif isinstance(cell, str):
            assert cell == text[name]
        elif cell is None:
            assert text[name] == ""


def test_more_cases_than_a_sheet_holds_begin_another(world: World) -> None:
    for number in range(3):
        world.open("L1", mrn=f"70000000{number}")
    export = asked(world)
    by = journal.away(export)
    book = load_workbook(io.BytesIO(b"".join(
        as_xlsx.stream(columns.of_cases(by), by, journal.pages(export, by, lambda: False), most_rows=3)
    )))  # fmt: skip
    assert book.sheetnames == ["Cases", "Cases 2"]
    assert [sheet.max_row for sheet in book.worksheets] == [3, 2]
    assert book.worksheets[0]["A1"].value == book.worksheets[1]["A1"].value == "Case"


@pytest.mark.parametrize("bad", ["=1+1", " =1+1", "+4", "-x", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_no_cell_is_a_formula(operator: Visitor, world: World, bad: str) -> None:
    assert safe(bad) == f"'{bad}"
    world.open("L1", mrn="700000001", family_name=bad, given_name=f"Anna{bad}")
    (row,) = rows_of(take(operator, **NAMES))
    assert row["Family name"] == f"'{bad}"
    book = load_workbook(io.BytesIO(take(operator, kind="xlsx", **NAMES).body))
    assert {cell.data_type for line in book.active.iter_rows() for cell in line} <= {"s", "n", "d", "b"}  # type: ignore[union-attr]


def test_numbers_below_nothing_stay_numbers() -> None:
    assert as_text(Decimal(-5)) == "-5"


# Without names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ["case", "side", "product"])
def test_without_names_nobody_is_named(
    operator: Visitor, nurse: Visitor, course: away.Course, rows: str
) -> None:
    text = take(nurse, rows=rows).body.decode()
    told = [
        away.FAMILY, away.GIVEN, away.MRN, "1952-03-12", str(course.id), away.NOTE, away.SURGEON, "IR room",
        "Interventional suite", "S77", "Dr A. Assist", "Sven Scrub", "CT on the next day", "Disc leak",
    ]  # fmt: skip
    assert [word for word in told if word in text] == []
    book = take(nurse, rows=rows, kind="xlsx").body
    cells = [str(c) for line in load_workbook(io.BytesIO(book)).active.values for c in line]  # type: ignore[union-attr]
    assert [word for word in told if any(word in cell for cell in cells)] == []


def test_a_sign_stands_for_the_same_within_an_export_and_for_nobody_in_the_next(
    operator: Visitor, world: World
) -> None:
    for number in range(2):
        world.open("L1", mrn="700000001", scheduled_at=datetime(2026, 11, 20 + number, 9, tzinfo=UTC))
    first, second = rows_of(take(operator)), rows_of(take(operator))
    assert first[0]["Patient"] == first[1]["Patient"] != second[0]["Patient"]
    assert first[0]["Case"] != first[1]["Case"]
    assert first[0]["Case"] not in {row["Case"] for row in second}
    assert first[0]["Operator"] == "Dr W. Chen"  # oneself


def test_of_the_very_old_neither_year_nor_age(operator: Visitor, world: World) -> None:
    world.open("L1", mrn="700000001", birth_date=date(1931, 1, 1))
    world.open("L1", mrn="700000002", birth_date=date(1950, 1, 1))
    found = {
        (row["Birth year (none from the age of 90)"], row["Age, years (90: 90 or more)"])
        for row in rows_of(take(operator))
    }
    assert found == {("", "90"), ("1950", "76")}


# Who may, and what is kept --------------------------------------------------------------------------------------------


def test_names_need_the_role_and_a_reason(nurse: Visitor, operator: Visitor, course: away.Course) -> None:
    wanted: dict[str, Any] = {"kind": "csv", "rows": "case", "names": "1"}
    assert nurse.post("export-ask", **wanted, reason="Curiosity").status == 409
    missing = operator.post("export-ask", **wanted, reason=" ")
    assert (missing.status, "Say why." in missing.html) == (422, True)
    assert not Export.objects.exists()


def test_names_go_along_only_where_the_role_allows_it(operator: Visitor, world: World) -> None:
    world.open("L1", mrn="700000001")
    elsewhere = world.open("L1", mrn="700000002")
    Case.objects.get(pk=elsewhere).team.filter(user=world.operator).delete()
    Membership.objects.filter(user=world.operator).update(role=Role.SCRUB_NURSE)
    assert len(rows_of(take(operator))) == 2
    assert [row["MRN"] for row in rows_of(take(operator, **NAMES))] == [
        "700000001"
    ]  # in its team as operator


def test_another_units_cases_never_go_along(stranger: Visitor, course: away.Course) -> None:
    assert rows_of(take(stranger)) == []
    for name in ("export-pdf", "export-fhir", "export-print", "accesses"):
        assert stranger.get(name, course.id).status == 404


def test_the_filters_of_the_log_choose_and_its_words_stay_sealed(operator: Visitor, world: World) -> None:
    world.open("L1", mrn="700000001", family_name="Rossini")
    world.open("T12", mrn="700000002", family_name="Verdi")
    query = QueryDict(mutable=True)
    query["find"] = caselog.seal("rossini")
    (row,) = rows_of(take(operator, query=query.urlencode(), **NAMES))
    assert row["Family name"] == "Rossini"
    assert [r["Vertebrae"] for r in rows_of(take(operator, query="level=T12"))] == ["T12"]
    assert "rossini" not in str(list(Export.objects.values())).lower()
    assert {one.in_words for one in Export.objects.all()} == {"words (sealed)", "T12"}


def test_what_was_taken_away_is_kept_with_every_case(operator: Visitor, world: World) -> None:
    ids = {world.open("L1", mrn=f"70000000{number}") for number in range(3)}
    take_all = take(operator, **NAMES)
    export = Export.objects.get()
    assert (export.begun_at, export.expected) == (None, 3)
    assert take_all.body
    export.refresh_from_db()
    assert (export.user, export.identified, export.reason) == (world.operator, True, "Morbidity meeting")
    assert (export.right, export.cases, export.failed_at) == ("operator", 3, None)
    assert export.begun_at
    assert export.finished_at
    assert set(ExportedCase.objects.values_list("case", flat=True)) == ids


def asked(world: World, **wanted: Any) -> Export:
    given = {"kind": "csv", "rows": "case", "identified": False, "reason": "", "query": QueryDict(), **wanted}
    return journal.ask(world.operator, journal.Wanted(**given), None)


def test_a_reader_who_goes_away_ends_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PAGE", 2)
    for number in range(6):
        world.open("L1", mrn=f"70000000{number}")
    export = asked(world)
    by = journal.away(export)
    pieces = as_csv.stream(
        columns.of_cases(by), by, journal.pages(export, by, lambda: export_cases(export) >= 4)
    )
    with pytest.raises(journal.ReaderGone):
        list(pieces)
    export.refresh_from_db()
    assert (export.cases, export.finished_at) == (4, None)
    assert export.failed_at
    assert ExportedCase.objects.count() == 4


def export_cases(export: Export) -> int:
    return Export.objects.get(pk=export.pk).cases


def test_the_page_says_how_far_it_has_come_and_the_file_is_open_for_an_hour(
    operator: Visitor, nurse: Visitor, world: World
) -> None:
    world.open("L1", mrn="700000001")
    asked_for = operator.post("export-ask", kind="csv", rows="case")
    page = operator.ask("GET", asked_for.location)
    assert "0 of 1 cases" in page.page.text
    assert (
        nurse.ask("GET", asked_for.location).status
        == nurse.ask("GET", f"{asked_for.location}file/").status
        == 404
    )
    assert operator.ask("GET", f"{asked_for.location}file/").body
    part = operator.ask("GET", asked_for.location, htmx=True)
    assert "1 of 1 cases" in part.page.text
    assert "hx-trigger" not in part.html  # it asks no further
    with clock.at(clock.now() + timedelta(hours=1, minutes=1)):
        late = operator.ask("GET", f"{asked_for.location}file/")
    assert (late.status, "more than an hour ago" in late.html) == (409, True)


@pytest.mark.parametrize(
    ("wanted", "status"),
    [({"kind": "exe"}, 422), ({"rows": "patient"}, 422), ({"query": "x" * 5000}, 422), ({"reason": "a\x00b"}, 422),
     ({"query": "level=Q9&since=never&product=a&operator=999"}, 302), ({"query": "find=%00&lot=%00"}, 302)],
)  # fmt: skip
def test_what_cannot_be_is_said_and_nothing_breaks(
    operator: Visitor, wanted: dict[str, Any], status: int, world: World
) -> None:
    world.open("L1", mrn="700000001")
    given: dict[str, Any] = {"kind": "csv", "rows": "case", "query": "", **wanted}
    answer = operator.post("export-ask", **given)
    assert answer.status == status
    if status == 302:
        assert operator.ask("GET", f"{answer.location}file/").body.startswith(b"\xef\xbb\xbfCase,")


def test_a_voided_entry_and_an_open_case_are_not_counted(operator: Visitor, world: World) -> None:
    case_id: UUID = world.started("L1", mrn="700000001")
    world.do_until(case_id, "K09d")
    commands.void(
        world.command(case_id),
        "K09a-L1-left",
        about=world.step(case_id, "K09a-L1-left").live[0].seq,
        reason="slip",
    )
    (row,) = rows_of(take(operator, rows="side"))
    assert (row["Balloon in (UTC)"], row["Cement of the side, mL"]) == ("", "")
