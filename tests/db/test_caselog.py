"""The case log: what the address asks for, whose cases, in which order, page by page; the figures above."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procedures import caselog, commands, letters
from procedures.caselog import SORTS, Filters, sealed, walking
from procedures.caselog.filters import words_problem
from procedures.definitions import Role
from procedures.models import Case, CaseTeam, Membership, User
from procedures.state import Source
from tests.world import World

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def asked(user: User, address: str = "", words: str = "") -> Filters:
    data = QueryDict(address, mutable=True)
    if words:
        data["find"] = sealed.seal(words)
    return Filters.read(data, user)


def found(user: User, address: str = "", words: str = "") -> set[UUID]:
    fits = caselog.Found.of(user, asked(user, address, words))
    ids = set(fits.cases.values_list("pk", flat=True))
    assert {case.pk for case in caselog.page(fits, QueryDict()).rows} == ids  # as the page finds them
    return ids


@pytest.fixture
def several(world: World) -> list[UUID]:
    """Seven cases on seven days, of people with names far apart; the third was started, the fifth cancelled."""
    names = ("Rossi", "Åberg", "Müller", "D'Angelo", "Rossini", "Σωκράτης", "Okafor")
    ids = [
        world.open("L1" if number % 2 else "T12", mrn=f"00{number}42", family_name=name, given_name="Maria",
                   scheduled_at=MORNING + timedelta(days=number))
        for number, name in enumerate(names)
    ]  # fmt: skip
    commands.start(world.command(ids[2]))
    commands.cancel(world.command(ids[4]), reason="Fever")
    return ids


# Filters ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "which"),
    [
        ("", {0, 1, 2, 3, 4, 5, 6}),
        ("since=2026-11-22&until=2026-11-24", {2, 3, 4}),
        ("level=L1", {1, 3, 5}),
        ("level=L1&level=T12&status=scheduled", {0, 1, 3, 5, 6}),
        ("status=cancelled", {4}),
        ("indication=myeloma", set()),
        ("room=IR+room+2", {0, 1, 2, 3, 4, 5, 6}),
        ("room=IR+room+9", set()),
        ("anaesthesia=planned-sedation&status=in_progress", {2}),
        ("leak=unknown", {0, 1, 2, 3, 4, 5, 6}),
        ("leak=yes", set()),
        ("complication=any", set()),
    ],
)
def test_what_the_address_asks_for(world: World, several: list[UUID], address: str, which: set[int]) -> None:
    assert found(world.operator, address) == {several[number] for number in which}


@pytest.mark.parametrize(
    ("words", "which"),
    [
        ("rossi", {0, 4}),
        ("ROSSINI maria", {4}),
        ("00242", {2}),
        ("åb", {1}),
        ("σωκ", {5}),
        ("d'angelo", {3}),
        ("dangelo", {3}),
        ("abe", {1}),
        ("muller", {2}),
        ("d’angelo", {3}),
        ("nobody", set()),
        ("maria rossi x", set()),
        ("' | '", {0, 1, 2, 3, 4, 5, 6}),
        ("\\", {0, 1, 2, 3, 4, 5, 6}),
        ("rossi\\", set()),
    ],
)
def test_the_words_find_names_and_numbers_by_their_beginnings(
    world: World, several: list[UUID], words: str, which: set[int]
) -> None:
    assert found(world.operator, words=words) == {several[number] for number in which}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30)
)
def test_letters_are_plain_for_postgresql_as_for_us(db: None, text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT translate(%s, %s, %s)", [text.lower(), letters.FROM, letters.TO])
        assert cursor.fetchone() == (letters.plain(text.lower()),)


def test_the_words_find_what_was_written_down_and_a_lot(world: World, several: list[UUID]) -> None:
    world.do(several[2], "EV-NOTE", values={"text": "Pedicle unusually narrow; KX-77. Mrs O’Brien told."})
    product = {"id": None, "name": "Cement", "lot": "KX-20931", "expires": "2099-01-31", "how": "typed"}
    world.rush(several[2], "K09c", values={"cement": product})
    for words in ("narrow", "kx-209", "unusually pedicle", "müller narrow", "o'brien"):
        assert found(world.operator, words=words) == {several[2]}, words
    assert found(world.operator, "lot=kx-20931") == {several[2]}
    assert found(world.operator, "lot=KX-2093") == set()


def test_a_part_of_a_double_name_is_a_word(world: World, several: list[UUID]) -> None:
    case = world.open("L1", mrn="7-19", family_name="Garcia-Lopez", given_name="Ana")
    for words in ("lopez", "garcia-l", "garcia ana", "7-19", "19"):
        assert found(world.operator, words=words) == {case}, words


def test_a_corrected_name_is_found_in_every_case_of_the_patient_and_the_old_one_in_none(world: World) -> None:
    """A signed case among them, which no command touches any more."""
    signed = world.signed("L1", mrn="0815", family_name="Rossi")
    later = world.open("L2", mrn="0815", family_name="Rossi")
    person = Case.objects.get(pk=later).patient
    details = commands.PatientDetails(
        mrn="0815", family_name="Brandt", given_name="Maria", birth_date=person.birth_date, sex=person.sex
    )
    commands.correct_patient(world.command(later), details=details, reason="Married")
    assert found(world.operator, words="brandt") == {signed, later}
    assert found(world.operator, words="rossi") == set()


def test_flags_sides_and_approach(world: World, several: list[UUID]) -> None:
    case = several[2]
    world.rush(case, "K08b-T12-left", values={"approach": "extrapedicular"})
    world.do(case, "EV-COMPLICATION", values={"type": "bleeding"})
    command = world.command(several[1], source=Source.OFFLINE)
    commands.record_done(command, "PRE-ID", values={})
    assert found(world.operator, "approach=extrapedicular&approach=1") == {case}
    assert found(world.operator, "approach=1") == {case}
    assert found(world.operator, "approach=2") == set()
    assert found(world.operator, "complication=bleeding") == {case}
    assert found(world.operator, "complication=any") == {case}
    assert found(world.operator, "flag=offline") == {several[1]}
    assert found(world.operator, "flag=offline&flag=deficits") == {several[1]}


def test_operator_and_assistant_are_found_as_people(world: World, several: list[UUID]) -> None:
    assert found(world.operator, "operator=me") == set(several)
    assert found(world.nurse, "operator=me") == set()
    commands.change_team(world.command(several[0]), user_id=world.assistant.pk, role=Role.ASSISTANT)
    assert found(world.nurse, f"operator={world.assistant.pk}") == {several[0]}


def test_a_note_to_sign_and_one_to_cosign(world: World) -> None:
    other = world.abroad("second", Role.ASSISTANT)
    case = world.signed("L1")
    assert found(world.operator, "flag=unsigned") == set()
    assert found(world.operator, "flag=signed") == {case}
    assert found(other, "flag=signed") == set()


def test_the_notes_that_today_counts_are_those_the_log_lists(world: World) -> None:
    """Whoever assisted finds the case among the own, but its note is for the operator to sign."""
    case = world.started("L1")
    helper = world.operator_too("helper")
    commands.change_team(world.command(case), user_id=helper.pk, role=Role.ASSISTANT)
    world.do_until(case, "REC-HO")
    assert found(helper, "operator=me&flag=unsigned") == {case}
    assert found(helper, "sign=me") == set()
    assert found(world.operator, "sign=me") == {case}


def test_what_is_impossible_is_named_and_the_rest_holds(world: World, several: list[UUID]) -> None:
    address = (
        "since=yesterday&until=2026-11-24&level=L9&level=L1&status=lost&version=x&operator=nobody&room=%00&find=zz"
        "&flag=shiny&unit=99999999999&leak=maybe&complication=a;b&approach=9&anaesthesia=ether&cosign=you&sign=all"
    )
    filters = asked(world.operator, address)
    assert set(filters.problems) == {
        "since", "level", "status", "version", "operator", "room", "find", "flag", "unit", "leak", "complication",
        "approach", "anaesthesia", "cosign", "sign",
    }  # fmt: skip
    assert filters.query.urlencode() == "until=2026-11-24&level=L1"
    assert set(caselog.Found.of(world.operator, filters).cases.values_list("pk", flat=True)) == {
        several[1],
        several[3],
    }


def test_a_last_day_before_the_first_is_left_out(world: World) -> None:
    filters = asked(world.operator, "since=2026-11-24&until=2026-11-20")
    assert (set(filters.problems), filters.query.urlencode()) == ({"until"}, "since=2026-11-24")


def test_too_many_words_are_refused() -> None:
    assert words_problem("one two three four five") == ""
    assert words_problem("one two three four five six")
    assert words_problem("x" * 101)
    assert words_problem("a\x00b")


def test_nobody_else_sees_them_and_the_team_does_for_ever(world: World, several: list[UUID]) -> None:
    assert found(world.stranger) == set()
    case = Case.objects.get(pk=several[3])
    CaseTeam.objects.create(
        case=case, unit_id=case.unit_id, user=world.stranger, role="assistant", since=MORNING
    )
    assert found(world.stranger) == {several[3]}
    assert found(world.stranger, words="d'ang") == {several[3]}


# Order and pages ----------------------------------------------------------------------------------------------------

KEYS: dict[str, Callable[[Case], Any]] = {
    "date": lambda c: c.scheduled_at,
    "patient": lambda c: (c.patient.family_name, c.patient.given_name),
    "operator": lambda c: (c.operator_id or 0, c.scheduled_at),
    "levels": lambda c: (c.treated, c.scheduled_at),
    "indication": lambda c: (c.indication, c.scheduled_at),
    "skin": lambda c: c.skin_seconds or 0,
    "cement": lambda c: c.cement_ml,
    "complications": lambda c: (c.complications, c.scheduled_at),
    "status": lambda c: (c.status, c.scheduled_at),
}


def test_every_column_has_its_key() -> None:
    assert set(KEYS) == set(SORTS)


@pytest.mark.parametrize("sort", [s for name in SORTS for s in (name, f"-{name}")])
@pytest.mark.parametrize(("window", "near"), [(2, 4), (5000, 180)])
def test_pages_forward_and_back_hold_every_case_once_in_order(
    world: World, several: list[UUID], sort: str, window: int, near: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However far a walk may go before it gives up and gathers, near or all."""
    monkeypatch.setattr(walking, "WINDOW", window)
    monkeypatch.setattr(walking, "LONG_WINDOW", window)
    monkeypatch.setattr(walking, "NEAR", timedelta(days=near))
    Membership.objects.create(user=world.operator, unit=world.other_unit, role=Role.OPERATOR)
    everything = caselog.Found.of(world.operator, asked(world.operator))
    pages, data = [], QueryDict(f"sort={sort}", mutable=True)
    while True:
        pages.append(caselog.page(everything, data, size=3))
        if not pages[-1].following:
            break
        data["at"] = pages[-1].following
    rows = [case for page in pages for case in page.rows]
    assert [len(page.rows) for page in pages] == [3, 3, 1]
    assert {case.pk for case in rows} == set(several)
    if sort.removeprefix("-") != "patient":  # the database has its own order of letters
        keys = [KEYS[sort.removeprefix("-")](case) for case in rows]
        assert keys == sorted(keys, reverse=sort.startswith("-"))
    data["at"] = pages[-1].before
    back = caselog.page(everything, data, size=3)
    assert [c.pk for c in back.rows] == [c.pk for c in pages[1].rows]
    data["at"] = back.before
    first = caselog.page(everything, data, size=3)
    assert [c.pk for c in first.rows] == [c.pk for c in pages[0].rows]
    assert (first.before, bool(first.following)) == ("", True)


@pytest.mark.parametrize("column", ["skin", "cement"])
def test_what_has_no_figure_comes_last_both_ways(world: World, several: list[UUID], column: str) -> None:
    done = [world.started(level, mrn=level) for level in ("L1", "L2")]
    for case, level in zip(done, ("L1", "L2"), strict=True):
        world.rush(case, f"K08b-{level}-left")
        values = {"volume": {"amount": "4", "unit": "mL"}, "leak": ["none"]}
        world.rush(case, f"K09d-{level}-left", values=values)
        world.rush(case, f"K09e-{level}-left")
    everything = caselog.Found.of(world.operator, asked(world.operator))
    for sort in (column, f"-{column}"):
        rows = caselog.page(everything, QueryDict(f"sort={sort}")).rows
        assert {case.pk for case in rows[:2]} == set(done), sort
        later = caselog.page(everything, QueryDict(f"sort={sort}"), size=4)
        at = QueryDict(f"sort={sort}&at={later.following}")
        assert [c.pk for c in caselog.page(everything, at, size=4).rows] == [c.pk for c in rows[4:8]], sort


@pytest.mark.parametrize(("window", "gathers"), [(2, True), (6, False), (7, False), (8, False)])
def test_a_walk_that_meets_enough_or_the_end_gathers_nothing(
    world: World, several: list[UUID], window: int, gathers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the seven the second, fourth and sixth have this vertebra."""
    monkeypatch.setattr(walking, "WINDOW", window)
    fits = caselog.Found.of(world.operator, asked(world.operator, "level=L1"))
    with CaptureQueriesContext(connection) as caught:
        ids = walking.first(fits, walking.Order.of(["scheduled_at"], up=False), None, 3)
    assert ids == [several[5], several[3], several[1]]
    statement = caught.captured_queries[-1]["sql"].split(";\n")[1]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        (plan,) = cursor.fetchone() or ([],)
    whole = next(p for p in _all_of(plan[0]["Plan"]) if p.get("Subplan Name") == "CTE whole")
    scans = [
        part["Actual Loops"] for part in _all_of(whole) if part.get("Relation Name") == "procedures_case"
    ]
    assert any(scans) is gathers


def _all_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(inner for part in plan.get("Plans", []) for inner in _all_of(part))]


def test_a_member_of_one_unit_of_two_and_of_a_team_elsewhere_sees_the_pages(
    world: World, several: list[UUID]
) -> None:
    """By one unit, by some, and with a team elsewhere: the page is what the condition says."""
    both = world.abroad("both", Role.OPERATOR)
    assert found(both) == set()
    Membership.objects.create(user=both, unit=world.unit, role=Role.ASSISTANT)
    assert found(both) == set(several)
    assert found(both, f"unit={world.unit.pk}&level=L1") == {several[1], several[3], several[5]}
    assert found(both, f"unit={world.other_unit.pk}") == set()
    commands.change_team(world.command(several[0]), user_id=both.pk, role=Role.ASSISTANT)
    Membership.objects.filter(user=both, unit=world.unit).delete()
    assert found(both) == {several[0]}
    assert found(both, f"unit={world.unit.pk}") == {several[0]}


def test_a_place_names_nobody_and_belongs_to_its_order(world: World, several: list[UUID]) -> None:
    everything = caselog.Found.of(world.operator, asked(world.operator))
    page = caselog.page(everything, QueryDict("sort=patient"), size=2)
    assert "Rossi" not in page.following
    wrong = caselog.page(everything, QueryDict(f"sort=date&at={page.following}"), size=2)
    assert (bool(wrong.problem), wrong.before) == (True, "")
    assert caselog.page(everything, QueryDict("sort=shoe&at=x"), size=2).problem


def test_all_in_pages_for_an_export(world: World, several: list[UUID]) -> None:
    everything = caselog.Found.of(world.operator, asked(world.operator)).cases
    assert [[c.pk for c in page] for page in caselog.in_pages(everything, 3)] == [
        several[6:3:-1],
        several[3:0:-1],
        several[:1],
    ]


# Tiles --------------------------------------------------------------------------------------------------------------


def test_the_figures_are_those_of_the_cases_that_fit(world: World, several: list[UUID]) -> None:
    case = several[2]
    world.rush(case, "K08b-T12-left")
    amounts = ("2.5", "4")
    for amount in amounts:
        volume = {"amount": amount, "unit": "mL"}
        world.rush(
            case, "K09d-T12-left", values={"volume": volume, "leak": ["disc"]}, confirmed=frozenset({"again"})
        )
    world.rush(case, "K09e-T12-left")
    figures = caselog.tiles(caselog.Found.of(world.operator, asked(world.operator)).cases)
    stored = Case.objects.get(pk=case)
    assert (figures.cases, figures.more, figures.treated) == (7, False, 1)
    assert figures.cement_ml == float(sum(stored.cement_by_level)) == 6.5
    assert figures.skin_seconds == stored.skin_seconds
    assert (figures.leaks, figures.answered) == (1, 1)
    empty = caselog.tiles(caselog.Found.of(world.operator, asked(world.operator, "status=stopped")).cases)
    assert (empty.cases, empty.skin_seconds, empty.cement_ml) == (0, None, None)


def test_where_vertebrae_are_asked_for_only_what_these_got_counts(world: World) -> None:
    injected: dict[str, list[tuple[str, list[str]]]] = {
        "T12": [("2.5", []), ("1", ["disc"])],
        "L1": [("7", [])],
        "L3": [("3", ["none"])],
    }
    for number, levels in enumerate((["T12", "L1"], ["L1"], ["T12", "L3"], ["T12"])):
        case = world.started(*levels, mrn=f"71000000{number}")
        for level in levels if number < 3 else []:
            world.rush(case, f"K08b-{level}-left")
            for amount, leak in injected[level]:
                values = {"volume": {"amount": amount, "unit": "mL"}, **({"leak": leak} if leak else {})}
                world.rush(case, f"K09d-{level}-left", values=values, confirmed=frozenset({"again"}))
    told: dict[str, tuple[Any, ...]] = {}
    for query in ("level=T12", "level=L1", "level=T12&level=L3", ""):
        filters = asked(world.operator, query)
        cases = caselog.Found.of(world.operator, filters).cases
        with CaptureQueriesContext(connection) as statements:
            of = caselog.tiles(cases, filters.levels)
        assert len(statements) == 1
        told[query] = (of.cases, of.treated, of.cement_ml, of.leaks, of.answered)
    assert told == {
        "level=T12": (3, 2, 3.5, 2, 2),
        "level=L1": (2, 2, 7, 0, 0),
        "level=T12&level=L3": (3, 3, 3.5, 2, 2),
        "": (4, 5, 3.5, 2, 2),
    }
