"""The clocks on the screens: the strip of a case, the answer to a tick, Today, the record; vitals entered and drawn."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest

from procedures import clock, commands, directory
from procedures.models import Case, Product, WarmBand
from procedures.protocols import frozen
from procedures.state import Flag
from procedures.values import quantity
from procedures.verification import verify
from tests.web.visitor import Visitor
from tests.world import World

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def case_id(world: World) -> UUID:
    """A case that came to the cement by eleven o'clock, in a hurry."""
    with clock.at(NOON - timedelta(hours=1)):
        case_id = world.started("L1")
        world.rush(case_id, "ABX", "K04", "CHK-TO", "K08a-L1")
        world.rush(case_id, *(f"{code}-L1-left" for code in ("K08b", "K09a", "K09b")))
    return case_id


def at(minutes: float) -> Any:
    """So many minutes after noon."""
    return clock.at(NOON + timedelta(minutes=minutes))


def stages(html: str, name: str) -> list[list[Any]]:
    """What the browser is told of a clock."""
    found = re.search(rf'data-timer="([^"]*)" data-name="{name}"', html)
    assert found, name
    return json.loads(unescape(found[1]))  # type: ignore[no-any-return]


def test_the_strip_says_digits_word_and_severity(world: World, nurse: Visitor, case_id: UUID) -> None:
    with at(0):
        world.do(case_id, "K09c", values={"cement": cement()})
    for minutes, words, severity in (
        (3, "3:00 too early, inject from 5:00", "soon"),
        (6, "6:00 inject, until 12:00", "ok"),
        (11.5, "11:30 inject now, only until 12:00", "soon"),
        (12, "12:00 too late, was until 12:00", "over"),
    ):
        with at(minutes):
            answer = nurse.get("case", case_id)
        assert words in answer.page.ids["timers"]
        assert f'data-name="Cement since mixing" data-severity="{severity}"' in answer.html


def test_the_browser_is_told_every_threshold_to_come(world: World, nurse: Visitor, case_id: UUID) -> None:
    with at(0):
        world.do(case_id, "K09c", "K09d-L1-left")
    with at(1):
        told = stages(nurse.get("case", case_id).html, "Cement hardening L1")
    start = NOON.timestamp() * 1000
    assert [(row[0] - start) / 60000 for row in told] == [0, 15, 20]
    assert [row[1] for row in told] == ["ok", "soon", "over"]
    assert [row[2] for row in told] == ["to wait", "minimum reached", "longer than 20 min"]


def test_a_tick_brings_the_strip_where_it_moves_a_clock_and_only_there(nurse: Visitor, case_id: UUID) -> None:
    with at(0):
        mixed = nurse.post("step-done", case_id, "K09c", htmx=True, seen=seen(case_id))
        noted = nurse.post("step-done", case_id, "EV-NOTE", v_text="x", htmx=True, seen=seen(case_id))
    assert "Cement since mixing" in mixed.page.ids["timers"]
    assert "timers" in mixed.page.swapped
    assert "timers" not in noted.page.ids


def seen(case_id: UUID) -> str:
    """The number of the last event."""
    return str(Case.objects.get(pk=case_id).last_seq)


def test_missed_vitals_stay_said_and_a_way_leads_to_the_next(nurse: Visitor, case_id: UUID) -> None:
    with at(-60 + 7.6):
        page = nurse.get("case", case_id).page
    assert "missed 11:05" in page.ids["timers"]
    assert f"/cases/{case_id}/steps/EV-VITALS/" in page.links
    with at(0):
        assert "11 missed, last 11:55" in nurse.get("case", case_id).page.ids["timers"]


def test_a_void_takes_the_clock_from_the_page(world: World, nurse: Visitor, case_id: UUID) -> None:
    with at(0):
        seq = world.do(case_id, "K09c").last
        gone = nurse.post("entry-void", case_id, "K09c", seq, htmx=True, seen=seen(case_id))
    assert "Cement since mixing" not in gone.page.ids["timers"]


# What is stored, and Today ------------------------------------------------------------------------------------------


def cement() -> dict[str, Any]:
    """The cement of the catalogue, as a form sends it."""
    product = Product.objects.get(kind="cement")
    return {"id": product.pk, "name": str(product), "lot": "KX-1", "expires": "2027-03-31"}


def test_the_bands_are_those_that_held_when_it_was_mixed(world: World, nurse: Visitor, case_id: UUID) -> None:
    product = Product.objects.get(kind="cement")
    WarmBand.objects.create(product=product, above=24, working_from=3, working_until=8)
    room = frozen.protocol(Case.objects.get(pk=case_id).protocol_id).by_code["K09c"].field("room_temp")
    assert room
    with at(0):
        seq = world.do(case_id, "K09c", values={"cement": cement()}).last
    Product.objects.update(working_from=1, working_until=2)
    WarmBand.objects.update(working_until=4)
    directory.forget()
    with at(6):
        assert "inject, until 12:00" in nurse.get("case", case_id).page.ids["timers"]
        confirmed = frozenset({"room_temp"})
        warm = {"room_temp": quantity(room, 25)}  # type: ignore[arg-type]
        commands.add_details(world.command(case_id), "K09c", about=seq, values=warm, confirmed=confirmed)
        assert "inject, until 8:00" in nurse.get("case", case_id).page.ids["timers"]
        other = {"cement": {**cement(), "lot": "KX-2"}}
        commands.correct(world.command(case_id), "K09c", about=seq, values=other, reason="misread")
        assert "inject, until 8:00" in nurse.get("case", case_id).page.ids["timers"]
    bands = world.step(case_id, "K09c").live[0].values["cement"]["bands"]
    assert [(b["above"], b["from"], b["until"]) for b in bands] == [
        (None, "5.0", "12.0"),
        ("24.0", "3.0", "8.0"),
    ]
    assert [fault for _count, fault in verify(case_id)] == [None]


def test_the_row_of_a_case_keeps_moments_and_never_what_is_left(world: World, case_id: UUID) -> None:
    with at(0):
        world.do(case_id, "K09c", values={"cement": cement()})
    stored = {row["key"]: row for row in Case.objects.get(pk=case_id).timers}
    assert stored["cement_working"] == {
        "key": "cement_working",
        "since": "2026-11-22T12:00:00.000000+00:00",
        "opens": "2026-11-22T12:05:00.000000+00:00",
        "closes": "2026-11-22T12:12:00.000000+00:00",
    }
    assert stored["sedation_vitals"]["since"] == "2026-11-22T11:00:00.000000+00:00"


def test_today_shows_the_most_urgent_clock_of_each_case(world: World, nurse: Visitor, case_id: UUID) -> None:
    waiting = world.open("L1", mrn="000000002", scheduled_at=NOON)
    with at(0):
        world.do(case_id, "K09c", values={"cement": cement()})
        world.do(case_id, "EV-VITALS")
    for minutes, words in (
        (1, "Cement since mixing 1:00 too early, inject from 5:00"),
        (6, "Vitals under sedation"),
        (13, "Cement since mixing 13:00 too late"),
    ):
        with at(minutes):
            answer = nurse.get("today")
        assert words in answer.page.text, minutes
        assert answer.html.count("data-timer") == 1
        assert str(waiting) in answer.html


def test_a_case_that_has_ended_has_no_clock(world: World, case_id: UUID) -> None:
    with at(0):
        world.do_until(case_id, "never")
        commands.complete(world.command(case_id))
    assert Case.objects.get(pk=case_id).timers == []


# Not at its time ----------------------------------------------------------------------------------------------------


def test_what_is_done_before_its_time_is_warned_of_recorded_and_flagged(
    world: World, nurse: Visitor, case_id: UUID
) -> None:
    with at(0):
        world.do(case_id, "K09c", "K09d-L1-left", "K09e-L1-left")
    with at(12):
        page = nurse.get("step", case_id, "K09f-L1")
        assert "Cement hardening, L1: 12 of 15 min have passed." in page.page.ids["hand"]
        assert 'data-gone-at="2026-11-22T12:15:00+00:00"' in page.html
        done = nurse.post("step-done", case_id, "K09f-L1", v_sample_hard="yes", htmx=True, seen=seen(case_id))
    assert done.status == 200
    assert Flag.OFF_TIME in world.step(case_id, "K09f-L1").live[0].flags
    assert "not at its time" in nurse.get("record", case_id).page.ids["step-K09f-L1"]


def test_what_is_done_at_its_time_is_not_flagged(world: World, nurse: Visitor, case_id: UUID) -> None:
    with at(0):
        world.do(case_id, "K09c", "K09d-L1-left")
    with at(16):
        assert "have passed" not in nurse.get("step", case_id, "K09f-L1").page.ids["hand"]
        world.do(case_id, "K09f-L1")
    assert Flag.OFF_TIME not in world.step(case_id, "K09f-L1").live[0].flags


def test_the_record_says_which_times_were_kept(world: World, nurse: Visitor, case_id: UUID) -> None:
    with at(0):
        world.do(case_id, "K09c", "K09d-L1-left")
    with at(16):
        world.do(case_id, "K09f-L1")
        text = tight(nurse.get("record", case_id).page.text)
    for words in (
        "Antibiotic to needle 22 Nov 2026 11:00 22 Nov 2026 11:00 0:00 kept within 60 min",
        "Cement hardening L1 22 Nov 2026 12:00 22 Nov 2026 12:16 16:00 kept at least 15 min",
        "missed 0 of 14 taken; missed 11:05–12:10 (14)",
    ):
        assert tight(words) in text


def tight(text: str) -> str:
    """Cells of a table stand side by side."""
    return text.replace(" ", "")


# Vitals -------------------------------------------------------------------------------------------------------------


def vitals(**given: str) -> dict[str, str]:
    """The fields of the form."""
    usual = {"hr": "70", "sbp": "130", "dbp": "75", "rr": "14", "spo2": "97", "temp": "36.5"}
    return {f"v_{key}": value for key, value in {**usual, **given}.items()}


def test_the_pad_shows_what_was_measured_before_and_fills_in_nothing(nurse: Visitor, case_id: UUID) -> None:
    with at(0):
        nurse.post("step-done", case_id, "EV-VITALS", htmx=False, **vitals(hr="64"))
    with at(5):
        nurse.post("step-done", case_id, "EV-VITALS", htmx=False, v_sbp="141")
        answer = nurse.get("step", case_id, "EV-VITALS")
    hand = answer.page.ids["hand"]
    assert "before: 64 /min 12:00" in hand
    assert "before: 141 mmHg 12:05" in hand
    assert not [value for name, value in form(answer.html) if name.startswith("v_") and value]
    observed = nurse.get("step", case_id, "REC-OBS").page.ids["hand"]
    assert "before: 141 mmHg 12:05" in observed


def form(html: str) -> list[tuple[str, str]]:
    """The inputs of the page with what stands in them."""
    return re.findall(r'<input id="[^"]*" name="([^"]*)" value="([^"]*)"', html)


def test_a_value_that_is_impossible_stays_on_the_pad_with_its_limits(nurse: Visitor, case_id: UUID) -> None:
    wrong = nurse.post("step-done", case_id, "EV-VITALS", htmx=True, seen=seen(case_id), **vitals(hr="700"))
    assert wrong.status == 422
    assert "Allowed: 20 to 250 /min." in wrong.page.ids["hand"]
    assert ("v_hr", "700") in form(wrong.html)
    assert ("v_sbp", "130") in form(wrong.html)


def test_vitals_are_drawn_and_listed_on_the_case_and_whole_in_the_record(
    world: World, nurse: Visitor, case_id: UUID
) -> None:
    assert "Vitals so far" not in nurse.get("case", case_id).page.text
    for minutes in range(0, 30, 5):
        with at(minutes):
            sent = vitals(hr=str(60 + minutes))
            answer = nurse.post("step-done", case_id, "EV-VITALS", htmx=True, seen=seen(case_id), **sent)
    assert "vitals" in answer.page.swapped
    page = nurse.get("case", case_id)
    assert page.html.count("<polyline") == 6
    table = tight(page.page.ids["vitals"]).split("Step")[1]
    assert tight("12:25 85 130 75 14 97 36.5 Vitals") in table
    assert "12:05" not in table
    assert "All vitals, in the record" in page.page.ids["vitals"]
    whole = tight(nurse.get("record", case_id).page.ids["vitals"])
    assert tight("12:00 60 130 75 14 97 36.5 Vitals") in whole
    assert "style=" not in page.html
