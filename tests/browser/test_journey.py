"""A whole case at tablet size through the real server, with scripts and without; then its Record is read."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.server import Server

from . import course
from .ledger import Entered, Happened, Ledger
from .ward import Tablet, Ward

pytestmark = pytest.mark.browser

# Everything that the Record shows of each entry, in the order of the page.
READ_ENTRIES = """() => [...document.querySelectorAll('.part__step')].flatMap(step =>
  [...step.querySelectorAll('article.entry')].map(entry => ({
    key: step.id.replace('step-', ''), seq: Number(entry.dataset.seq), taken_back: entry.matches('.entry--void'),
    who: entry.querySelector('.entry__who').textContent.replace(/\\s+/g, ' ').trim(),
    at: entry.querySelector('.entry__who time').dateTime,
    values: [...entry.querySelectorAll('dl > div')].map(d => [...d.children].map(c => c.textContent.trim())),
    flags: [...entry.querySelectorAll('.flags .flag')].map(f => f.textContent.replace(/\\s+/g, ' ').trim()),
    why: [...entry.querySelectorAll('.why')].map(w => w.textContent.replace(/\\s+/g, ' ').trim()),
  })))"""
READ_EVENTS = """() => [...document.querySelectorAll('tr[id^=event-]')].map(row => ({
    seq: Number(row.cells[0].textContent), at: row.cells[1].querySelector('time').dateTime,
    sentence: row.querySelector('.what b').textContent, by: row.cells[3].textContent.trim(),
    recorded: row.cells[4].querySelector('time').dateTime, recorded_text: row.cells[4].textContent,
    reason: (row.querySelector('.why')?.textContent ?? '').replace('Reason:', '').trim(),
    state: row.className,
    changes: [...row.querySelectorAll('.change')].map(c => c.textContent.replace(/\\s+/g, ' ').trim()),
  }))"""
READ_PAIRS = """([rows, value]) => [...document.querySelectorAll(rows)].map(row =>
    [row.querySelector('dt').textContent, row.querySelector(value).textContent])"""


@pytest.mark.parametrize("javascript", [True, False], ids=["with-scripts", "without-scripts"])
def test_a_whole_case_is_recorded_and_reads_back_as_entered(
    server: Server, ward_of: Callable[..., Ward], javascript: bool
) -> None:
    ward = ward_of(server, javascript=javascript)
    nurse = course.opens_the_case(ward)
    second = ward.signs_in("sedation")
    course.on_the_ward(nurse, second)
    course.in_the_room(nurse, second)
    course.levels_begun(nurse, second)
    course.balloons(nurse)
    course.cement(nurse, second)
    course.third_level(nurse, second)
    course.leaves_the_room(nurse, second)
    course.recovers_and_goes_home(nurse, ward)
    the_record_says_what_was_entered(nurse, ward.ledger)


def the_record_says_what_was_entered(reader: Tablet, ledger: Ledger) -> None:
    """Every entry, every event, and the facts at the top."""
    reader.goes_to("record")
    reader.sees("Record Completed", "to be signed")
    shown = reader.page.evaluate(READ_ENTRIES)
    by_key: dict[str, list[dict[str, Any]]] = {}
    for entry in shown:
        by_key.setdefault(entry["key"], []).append(entry)
    assert {k: len(v) for k, v in by_key.items()} == {
        k: len(v) for k, v in ledger.entries.items() if not k.startswith("EV-")
    } | {k: len(v) for k, v in ledger.entries.items() if k.startswith("EV-")}
    batch = f"Cement batch 1, {datetime.fromisoformat(by_key['K09c'][0]['at']):%H:%M}"
    for key, entered in ledger.entries.items():
        for one, other in zip(by_key[key], entered, strict=True):
            same_entry(one, other, batch)
    same_events(reader.page.evaluate(READ_EVENTS), ledger.events)
    facts = dict(reader.page.evaluate(READ_PAIRS, [".glance .facts > div", "dd"]))
    assert facts | {
        "Indication": "Osteoporosis", "Operator": course.OPERATOR, "Room": "IR room 2",
    } == facts  # fmt: skip
    figures = dict(reader.page.evaluate(READ_PAIRS, [".figures > div", "b"]))
    assert figures | {"Cement in all": "8.0 mL", "Complications": "1"} == figures
    assert figures["Cement leak"] not in ("none seen", "not recorded")


def same_entry(shown: dict[str, Any], entered: Entered, batch: str) -> None:
    """One entry of the Record is what the test entered."""
    values = {label: batch if value == "entry" else value for label, value in entered.values.items()}
    flags = set(entered.flags)
    if flags & {"out of order", "overridden"} and not entered.taken_back:
        flags.add("to look at again")
    if entered.verified_by:
        flags.add(f"verified by {entered.verified_by} TIME")
    if entered.lacks:
        flags.add(f"missing: {', '.join(entered.lacks)}")
    seen = {re.sub(r"(verified by .*) \d\d:\d\d$", r"\1 TIME", flag) for flag in shown["flags"]}
    who = (
        entered.by
        if entered.by == entered.recorded_by
        else f"{entered.by}, recorded by {entered.recorded_by}"
    )
    at = datetime.fromisoformat(shown["at"])
    assert dict(shown["values"]) == values, entered.title
    assert seen == flags, entered.title
    assert re.sub(r" at \d\d:\d\d$", "", shown["who"]) == f"{at:%H:%M} {who}", entered.title
    assert entered.happened(at), (entered.title, shown["at"], entered.seconds)
    assert shown["taken_back"] is entered.taken_back, entered.title
    assert shown["why"] == entered.why, entered.title


def same_events(shown: list[dict[str, Any]], caused: list[Happened]) -> None:
    """Every event in order, numbered without a gap, each with who, when and why."""
    assert [e["seq"] for e in shown] == list(range(1, len(shown) + 1))
    assert [(e["sentence"], e["by"], e["reason"]) for e in shown] == [
        (c.sentence, c.by, c.reason) for c in caused
    ]
    recorded = [datetime.fromisoformat(e["recorded"]) for e in shown]
    assert recorded == sorted(recorded)
    for event, meant in zip(shown, caused, strict=True):
        assert (meant.recorded_by in event["recorded_text"]) is (meant.recorded_by != meant.by), (
            meant.sentence
        )
    corrected = next(e for e in shown if e["sentence"] == "Corrected: IV line in")
    assert corrected["changes"] == ["Gauge: 20 G → 18 G"]
    assert [e["sentence"] for e in shown if e["state"] == "corrected"] == ["IV line in"]
    assert [e["sentence"] for e in shown if e["state"] == "void"] == [
        "Identity checked",
        "Antibiotic started",
    ]
