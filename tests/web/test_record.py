"""The Record reads back what was entered: every event in order, values by step, old values struck through."""

import pytest

from procedures import commands
from procedures.models import Event, Product
from tests.web.visitor import Visitor
from tests.world import World

pytestmark = pytest.mark.django_db


def test_every_event_stands_in_order(world: World, nurse: Visitor) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "K10")
    page = nurse.get("record", case_id).page
    seqs = [int(found.removeprefix("event-")) for found in page.ids if found.startswith("event-")]
    assert seqs == list(Event.objects.filter(case=case_id).order_by("seq").values_list("seq", flat=True))
    for event in Event.objects.filter(case=case_id):
        line = page.ids[f"event-{event.seq}"]
        assert f"{event.performed_at:%-d %b %Y %H:%M:%S}" in line
        assert f"{event.recorded_at:%-d %b %Y %H:%M:%S}" in line
        assert event.performed_by.display_name in line


def test_values_are_read_back_as_entered(world: World, operator: Visitor) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "K08b")
    needle = Product.objects.get(kind="needle")
    sent = {"side": "left", "v_approach": "transpedicular", "v_gauge": "10", "v_attempts": "2",
            "v_needle": str(needle.pk), "v_needle_lot": "N-77", "v_needle_expires": "2099-01-31"}  # fmt: skip
    assert operator.post("step-done", case_id, "K08b-L1", htmx=False, **sent).status == 302
    world.do_until(case_id, "K09a")
    sent = {"v_size": "15/3", "v_pressure": "13.5", "v_pressure_unit": "atm", "v_volume": "3,5", "v_rupture": "no",
            "v_balloon_name": "Own balloon", "v_balloon_lot": "B-1", "v_stop_reason": "height"}  # fmt: skip
    assert operator.post("step-done", case_id, "K09a-L1-left", htmx=False, **sent).status == 302
    ids = operator.get("record", case_id).page.ids
    needle_text, balloon = ids["step-K08b-L1-left"], ids["step-K09a-L1-left"]
    for words in ("Through the pedicle", "10 G", "Attempts2", "lot N-77", "expires 31 Jan 2099", str(needle)):
        assert words in needle_text, words
    for words in ("15/3", "13.5 atm (198 psi)", "3.5 mL", "Own balloon, lot B-1", "Height restored"):
        assert words in balloon, words


def test_corrected_and_taken_back_entries_stay_readable(world: World, nurse: Visitor) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "K02")
    for gauge in ("18", "20"):
        nurse.post("step-done", case_id, "K02", v_gauge=gauge)
    first, second = Event.objects.filter(case=case_id, step_key="K02").order_by("seq")
    nurse.post(
        "entry-correct", case_id, "K02", first.seq, v_gauge="16", reason="other colour", confirmed=["gauge"]
    )
    nurse.post("entry-void", case_id, "K02", second.seq, reason="never went in")
    answer = nurse.get("record", case_id)
    page = answer.page
    assert "<del>18 G</del>" in answer.html
    assert "<ins>16 G</ins>" in answer.html
    assert "corrected later" in page.ids[f"event-{first.seq}"]
    assert "taken back" in page.ids[f"event-{second.seq}"]
    assert "never went in" in page.ids["step-K02"]
    assert "20 G" in page.ids["step-K02"], "what was taken back is still readable"
    assert "16 G" in page.ids["step-K02"]


def test_a_closed_vertebra_says_why(world: World, nurse: Visitor) -> None:
    case_id = world.started("L1", "L2")
    commands.defer_level(world.command(case_id), vertebra="L2", reason="no time left")
    assert "no time left" in nurse.get("record", case_id).page.text


def test_the_record_of_a_fresh_case_is_there(world: World, nurse: Visitor) -> None:
    page = nurse.get("record", world.open("T12", "L1")).page
    for words in (
        "Case opened",
        "Osteoporosis",
        "T12, L1",
        "Dr W. Chen",
        "IR room 2",
        "Dr W. Chen joined the team",
    ):
        assert words in page.text, words
    assert not page.forms_to("/done/")


def test_signed_out(world: World, nobody: Visitor) -> None:
    case_id = world.open()
    assert nobody.get("record", case_id).status == 302
    assert nobody.get("record", case_id, htmx=True).status == 401
