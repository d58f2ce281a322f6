"""The built-in protocol says what the procedure needs; a change here is a clinical change."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from procedures import values
from procedures.definitions import (
    Field,
    FieldType,
    Measure,
    Milestone,
    Needed,
    Phase,
    Protocol,
    Repeats,
    Required,
    Scope,
    SecondPerson,
    TimerKind,
)
from procedures.fold import apply
from procedures.progress import Progress
from procedures.protocols.loader import BUILT_IN, read
from procedures.protocols.units import KNOWN
from procedures.state import CaseState, Event, EventKind

SOURCES = Path(__file__).parents[2] / "docs" / "sources.md"
VITALS = ["hr", "sbp", "dbp", "rr", "spo2", "temp"]


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return read(BUILT_IN)


def needs(protocol: Protocol, code: str, *, hard: bool) -> set[tuple[str, Scope]]:
    return {(r.needs, r.scope) for r in protocol.by_code[code].requirements if r.hard is hard}


def test_the_spine_has_eleven_numbered_steps_in_order(protocol: Protocol) -> None:
    seeds = [step.seed for step in protocol.steps if step.seed]
    assert seeds == sorted(seeds)
    assert set(seeds) == set(range(1, 12))


def test_every_phase_comes_once_and_in_order(protocol: Protocol) -> None:
    phases = list(dict.fromkeys(step.phase for step in protocol.steps))
    assert phases == list(Phase)
    assert [s.phase for s in protocol.steps] == sorted((s.phase for s in protocol.steps), key=phases.index)


def test_every_milestone_and_measure_has_its_step(protocol: Protocol) -> None:
    assert set(protocol.by_milestone) == set(Milestone)
    measured = {measure: [s.code for s in protocol.steps if s.measuring(measure)] for measure in Measure}
    assert measured == {
        Measure.CEMENT_ML: ["K09d"],
        Measure.LEAK: ["K09d", "K11"],
        Measure.APPROACH: ["K08b"],
        Measure.COMPLICATION: ["EV-COMPLICATION"],
        Measure.FLUORO_S: ["K11"],
        Measure.DAP: ["K11"],
        Measure.KERMA: ["K11"],
        Measure.LOT: ["K09c", "EV-DEVICE"],
        Measure.ANAESTHESIA: ["K04", "EV-CONVERT"],
        Measure.LEVEL: ["CHK-TO", "K08a"],
    }


@pytest.mark.parametrize(
    ("code", "hard"),
    [
        ("CHK-IN", {"PRE-ID", "PRE-CON", "PRE-SCR", "PRE-MARK", "K02", "K03"}),
        ("K04", {"CHK-IN", "K02", "K03"}),
        ("CHK-TO", {"CHK-IN", "PRE-MARK", "K04", "K05", "K06b"}),
        ("K08b", {"CHK-TO", "K08a"}),
        ("K09a", {"K08b", "K08a"}),
        ("K09d", {"K08b", "K09b", "K09c"}),
        ("CHK-OUT", {"K11", "CNT"}),
        ("REC-TURN", {"K09f", "CHK-OUT"}),
        ("DIS", {"REC-OBS", "REC-SCO", "REC-HO"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_must_come_first(protocol: Protocol, code: str, hard: set[str]) -> None:
    assert {needed for needed, _scope in needs(protocol, code, hard=True)} == hard


def test_each_access_goes_needle_balloon_cement_on_its_own(protocol: Protocol) -> None:
    for code, needed in [
        ("K09a", "K08b"),
        ("K09b", "K09a"),
        ("K09d", "K09b"),
        ("K09d", "K08b"),
        ("K09e", "K08b"),
    ]:
        assert (needed, Scope.ACCESS) in needs(protocol, code, hard=True)
    assert needs(protocol, "K09f", hard=True) == {("K09d", Scope.LEVEL)}


def test_nobody_is_turned_on_soft_cement_or_leaves_with_counts_that_differ(protocol: Protocol) -> None:
    turn = {r.needs: r for r in protocol.by_code["REC-TURN"].requirements}
    assert (turn["K09f"].scope, turn["K09f"].expects) == (Scope.EVERY_LEVEL, {"sample_hard": True})
    out = {r.needs: r for r in protocol.by_code["CHK-OUT"].requirements}
    assert out["CNT"].expects == {"match": True}


def test_sedation_and_position_come_in_either_order_unless_the_patient_is_anaesthetised(
    protocol: Protocol,
) -> None:
    assert all(r.needs != "K05" for r in protocol.by_code["K04"].requirements)
    before_turning = {r.needs: r.only_if_anaesthesia for r in protocol.by_code["K05"].requirements}
    assert before_turning == {"K01": (), "K04": ("general",)}


def test_what_goes_in_must_come_out(protocol: Protocol) -> None:
    pairs = {s.code: (s.pairs_with, s.required) for s in protocol.steps if s.pairs_with}
    assert pairs == {"K09b": ("K09a", Required.STARTED), "K09e": ("K08b", Required.STARTED)}


def test_a_second_person_stands_where_an_error_would_stay_hidden(protocol: Protocol) -> None:
    found = {s.code: s.second_person for s in protocol.steps if s.second_person is not SecondPerson.NONE}
    assert found == {
        "PRE-ID": SecondPerson.CONFIRM,
        "CHK-TO": SecondPerson.CONFIRM,
        "K08a": SecondPerson.INDEPENDENT,
        "K09c": SecondPerson.CONFIRM,
        "CNT": SecondPerson.INDEPENDENT,
    }


def test_the_grid_has_four_columns(protocol: Protocol) -> None:
    columns: dict[str, list[str]] = {}
    for step in protocol.steps:
        if step.column:
            columns.setdefault(step.column, []).append(step.code)
    assert columns == {
        "Needle": ["K07", "K08a", "K08b", "K08c"],
        "Balloon": ["K09a", "K09b"],
        "Cement": ["K09d", "K09e"],
        "Hardened": ["K09f"],
    }


def test_a_tick_comes_first_and_its_details_follow(protocol: Protocol) -> None:
    now = {f"{s.code}.{f.key}" for s in protocol.steps for f in s.fields if f.needed is Needed.NOW}
    assert now == {
        "K04.mode", "K09f.sample_hard", "CNT.match", "EV-DRUG.drug", "EV-REVERSAL.drug", "EV-COMPLICATION.type",
        "EV-DEVICE.device", "EV-NOTE.text", "EV-CONVERT.mode", "EV-DEVIATION.what",
    }  # fmt: skip


def test_vitals_are_the_same_wherever_they_are_taken(protocol: Protocol) -> None:
    def shown(code: str) -> list[tuple[object, ...]]:
        step = protocol.by_code[code]
        fields = [field for key in VITALS if (field := step.field(key))]
        return [(f.key, f.unit, f.refuse_below, f.warn_below, f.warn_above, f.refuse_above) for f in fields]

    assert [row[0] for row in shown("EV-VITALS")] == VITALS
    assert shown("PRE-BASE") == shown("K03") == shown("REC-OBS") == shown("EV-VITALS")


def test_no_dose_is_suggested(protocol: Protocol) -> None:
    doses = [f for s in protocol.steps for f in s.fields if f.key == "dose"]
    assert len(doses) == 3
    local = [f for key in ("concentration", "volume") if (f := protocol.by_code["K07"].field(key))]
    assert all(f.typical is None and f.step is None for f in (*doses, *local))


@pytest.mark.parametrize(
    ("code", "key", "amount", "unit", "canonical"),
    [
        ("K11", "dap", "13639", "mGy.cm2", "13.639"),
        ("K11", "dap", "12.5", "dGy.cm2", "1.25"),
        ("K11", "dap", "100", "uGy.m2", "1"),
        ("K11", "dap", "250", "cGy.cm2", "2.5"),
        ("K11", "fluoro_time", "6.5", "min", "390"),
        ("K11", "air_kerma", "0.212", "Gy", "212"),
        ("K09a", "pressure", "10", "atm", "146.959"),
        ("K09a", "pressure", "10", "bar", "145.038"),
        ("EV-DRUG", "dose", "50", "ug", "0.05"),
        ("PRE-SCR", "haemoglobin", "131", "g/L", "13.1"),
    ],
)
def test_units_are_converted_rightly(
    protocol: Protocol, code: str, key: str, amount: str, unit: str, canonical: str
) -> None:
    field = protocol.by_code[code].field(key)
    assert field
    stored = values.quantity(field, Decimal(amount), unit)
    assert Decimal(stored["amount"]) == Decimal(canonical)
    assert (stored["unit"], stored["entered"], stored["entered_unit"]) == (field.unit, amount, unit)


def numeric(protocol: Protocol) -> list[tuple[str, Field]]:
    types = (FieldType.NUMBER, FieldType.QUANTITY)
    return [(s.code, f) for s in protocol.steps for f in s.fields if f.type in types]


def test_every_number_has_a_lowest_and_a_highest_value(protocol: Protocol) -> None:
    without = [
        f"{code}.{f.key}" for code, f in numeric(protocol) if f.refuse_below is None or f.refuse_above is None
    ]
    assert without == []


def test_every_unit_has_a_name_that_staff_write(protocol: Protocol) -> None:
    units = {unit for _code, f in numeric(protocol) if f.unit for unit in (f.unit, *f.units)}
    assert units <= set(KNOWN)
    assert not [unit for unit in units if set(values.unit_name(unit)) & set("[]{}*")]


def test_the_clocks_of_the_procedure(protocol: Protocol) -> None:
    found = {t.key: (t.kind, t.starts_on, t.ends_on, t.minutes) for t in protocol.timers}
    assert found == {
        "antibiotic": (TimerKind.WINDOW, "ABX", "K08b", (60,)),
        "skin_drying": (TimerKind.WAIT, "K06a", "K06b", (3,)),
        "sedation_vitals": (TimerKind.SCHEDULE, "K04", "REC-HO", (5,)),
        "cement_working": (TimerKind.COUNT_UP, "K09c", "K10", ()),
        "cement_hardening": (TimerKind.WAIT, "K09d", "K09f", (15, 20)),
        "cement_vitals": (TimerKind.WINDOW, "K09d", "EV-VITALS", (3,)),
        "lying_flat": (TimerKind.WAIT, "REC-TURN", "DIS", (60, 120)),
        "recovery_observations": (TimerKind.SCHEDULE, "REC-TURN", "DIS", (15, 15, 15, 15, 30, 30)),
        "after_reversal": (TimerKind.WAIT, "EV-REVERSAL", "DIS", (120,)),
        "operative_note": (TimerKind.COUNT_UP, "CHK-OUT", "DIS", ()),
    }


def test_once_a_case_or_for_each_vertebra_or_side(protocol: Protocol) -> None:
    by_repeats = {r: {s.code for s in protocol.phase(Phase.LEVEL) if s.repeats is r} for r in Repeats}
    assert by_repeats == {
        Repeats.ONCE: {"K09c"},
        Repeats.LEVEL: {"K07", "K08a", "K09f"},
        Repeats.ACCESS: {"K08b", "K08c", "K09a", "K09b", "K09d", "K09e"},
    }


def test_nothing_waits_for_good_for_a_step_that_is_not_owed(protocol: Protocol) -> None:
    blocked = [
        f"{step.code} needs {requirement.needs}"
        for step in protocol.steps
        for requirement in step.requirements
        if requirement.hard and protocol.by_code[requirement.needs].required is Required.OPTIONAL
    ]
    assert blocked == []


def test_every_source_that_the_file_names_is_written_down() -> None:
    named = {
        source
        for line in BUILT_IN.read_text().splitlines()
        if "source" in line.partition("#")[2]
        for source in re.findall(r"\bS\d+[a-z]?\b", line.partition("#")[2])
    }
    numbers = {
        f"S{n}"
        for first, last in re.findall(r"\bS(\d+) to S(\d+)\b", BUILT_IN.read_text())
        for n in range(int(first), int(last) + 1)
    }
    written = set(re.findall(r"^\| (S\d+[a-z]?) \|", SOURCES.read_text(), re.MULTILINE))
    assert len(named) > 15
    assert named | numbers <= written


def test_no_source_number_reaches_the_screen(protocol: Protocol) -> None:
    shown = [
        text
        for s in protocol.steps
        for text in (s.title, s.button, s.instruction, *(f.help for f in s.fields))
    ]
    assert not [text for text in shown if re.search(r"\bS\d\d|source", text)]


LEVELS = {"T12": ("left",), "L1": ("left", "right"), "L3": ()}


def walk(protocol: Protocol, anaesthesia: str, abandon_after: str) -> tuple[list[str], CaseState]:
    """Do the step that comes next until none is left; L3 is abandoned once `abandon_after` is done there."""
    state, at = CaseState(), datetime(2026, 1, 5, 8, tzinfo=UTC)
    done: list[str] = []

    def happen(kind: EventKind, step_key: str = "", **values: object) -> None:
        nonlocal state
        event = Event(
            seq=state.last_seq + 1, kind=kind, step_key=step_key, values=values, performed_by=1, recorded_by=1,
            performed_at=at, recorded_at=at, command_id=UUID(int=1), reason="reason",
        )  # fmt: skip
        state = apply(protocol, state, event)

    happen(EventKind.CASE_OPENED, plan={"anaesthesia": anaesthesia})
    for level in LEVELS:
        happen(EventKind.LEVEL_ADDED, level=level, planned=True)
    happen(EventKind.CASE_STARTED)
    for _turn in range(200):
        progress = Progress(protocol, state)
        place = progress.next_place()
        if place is None:
            return done, state
        assert not [u for u in progress.unmet(place) if u.requirement.hard], place.key
        if place.needs_side:
            for side in LEVELS[place.key.level] or ("left",):
                happen(EventKind.ACCESS_ADDED, level=place.key.level, side=side)
            continue
        happen(EventKind.STEP_DONE, str(place.key), match=True, sample_hard=True)
        done.append(str(place.key))
        if place.key.level == "L3" and place.key.code == abandon_after:
            happen(EventKind.LEVEL_ABANDONED, level="L3")
    raise AssertionError(f"no end: {done[-10:]}")


@pytest.mark.parametrize("anaesthesia", ["local", "sedation", "general"])
def test_the_whole_procedure_can_be_walked_without_an_override(protocol: Protocol, anaesthesia: str) -> None:
    done, state = walk(protocol, anaesthesia, abandon_after="K09a")
    assert len(done) == len(set(done))
    assert {key.split("-")[0] for key in done} >= {f"K{n:02}" for n in (1, 2, 3, 4, 5, 7, 10, 11)}
    # The level abandoned with a balloon inside owes what went in, and gets no cement.
    l3 = [key for key in done if "-L3" in key]
    assert l3 == ["K07-L3", "K08a-L3", "K08b-L3-left", "K09a-L3-left", "K09b-L3-left", "K09e-L3-left"]
    assert done[-1] == "DIS"
    assert Progress(protocol, state).summary().spine == "d" * 11


def test_a_level_abandoned_before_the_needle_owes_nothing(protocol: Protocol) -> None:
    done, _state = walk(protocol, "sedation", abandon_after="K08a")
    assert [key for key in done if "-L3" in key] == ["K07-L3", "K08a-L3"]
