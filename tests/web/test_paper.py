"""On paper, and back from it: the sheet, and entries that keep the author and the time of the paper."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils.timezone import localtime

from procedures import clock
from procedures.definitions import Phase
from procedures.models import Case, Event
from procedures.state import Flag, Source
from tests.sheet import SHIPPED
from tests.web.visitor import Visitor
from tests.world import World

pytestmark = pytest.mark.django_db


def as_written(world: World, minutes: int = 95, by: str = "sedation") -> dict[str, Any]:
    """What stands on the paper beside a step: who and when."""
    at = localtime(clock.now()) - timedelta(minutes=minutes)
    return {"paper": "1", "performed_by": str(world.people[by].pk), "performed_at": f"{at:%Y-%m-%dT%H:%M}"}


# The sheet ----------------------------------------------------------------------------------------------------------


def test_the_blank_sheet_holds_every_step_and_every_field(world: World, nurse: Visitor) -> None:
    page = nurse.get("paper").page
    for step in SHIPPED.steps:
        assert f"{step.code} {step.title}" in page.text, step.code
        for field in step.fields:
            assert field.label in page.text, (step.code, field.key)
    assert page.text.count("Cement injected") == 4, "two vertebrae, left and right, to be filled in by hand"
    assert "Patient label" in page.text
    assert "mmHg" in page.text
    assert "Rossi" not in page.text


def test_the_sheet_of_a_case_says_who_it_is_and_what_is_recorded(world: World, nurse: Visitor) -> None:
    case_id = world.started("T12", "L1", mrn="100200300")
    world.do(case_id, "PRE-ID", by="ward")
    page = nurse.get("case-paper", case_id).page
    for words in (
        "ROSSI, Maria",
        "100200300",
        "Allergy: penicillin",
        "IR room 2",
        "Vertebra T12",
        "Vertebra L1",
    ):
        assert words.lower() in page.text.lower(), words
    at = localtime(world.step(case_id, "PRE-ID").live[0].performed_at)
    assert f"{at:%H:%M} WW" in page.text
    assert f"/cases/{case_id}/?paper=1" in page.links
    assert "Rossi" not in page.title


def test_another_version_that_is_not_there_is_not_found(nurse: Visitor) -> None:
    assert nurse.get("paper", protocol="99999").status == 404
    assert nurse.get("paper", protocol="x").status == 200


def test_there_is_a_way_to_the_sheet(world: World, nurse: Visitor) -> None:
    assert "/paper/" in nurse.get("today").page.links
    case_id = world.started("L1")
    assert f"/cases/{case_id}/paper/" in nurse.get("case", case_id).page.links


# Entering from paper ------------------------------------------------------------------------------------------------


@pytest.fixture
def case_id(world: World) -> UUID:
    """A started case in which nothing is recorded."""
    return world.started("L1")


def test_an_entry_from_paper_keeps_its_author_and_its_time(
    world: World, case_id: UUID, nurse: Visitor
) -> None:
    sent = as_written(world)
    answer = nurse.post("step-done", case_id, "K02", v_gauge="18", **sent)
    assert (answer.status, answer.location) == (302, f"/cases/{case_id}/?paper=1")
    entry = world.step(case_id, "K02").live[0]
    assert (entry.performed_by, entry.recorded_by) == (world.sedation.pk, world.nurse.pk)
    assert f"{localtime(entry.performed_at):%Y-%m-%dT%H:%M}" == sent["performed_at"]
    assert entry.source == Source.PAPER
    assert Flag.OUT_OF_ORDER in entry.flags
    assert Flag.OVERRIDDEN not in entry.flags
    page = nurse.get("record", case_id).page
    assert "Liam Moreau, transcribed from paper by Ada Okafor" in page.ids["step-K02"]
    assert "transcribed from paper by Ada Okafor" in page.ids[f"event-{entry.seq}"]
    assert "transcribed from paper by Ada Okafor" in nurse.get("case", case_id).page.ids["feed"]


def test_author_and_time_are_both_needed(world: World, case_id: UUID, nurse: Visitor) -> None:
    for lacks in ("performed_by", "performed_at"):
        answer = nurse.post("step-done", case_id, "PRE-ID", **{**as_written(world), lacks: ""})
        assert answer.status == 422
        assert "as the paper says." in answer.page.ids["hand"]
        assert "Entering from paper." in answer.page.ids["hand"]
    assert not world.step(case_id, "PRE-ID").entries


def test_the_page_asks_for_them_and_stays_in_that_mode(world: World, case_id: UUID, nurse: Visitor) -> None:
    page = nurse.ask("GET", f"/cases/{case_id}/steps/K02/", {"paper": "1"}).page
    form = page.form("/steps/K02/done/")
    assert form.data["paper"] == ["1"]
    assert form.data["performed_by"] == [""], "nobody is taken for the author"
    assert "override_reason" not in form.data, "the order blocks nothing that has happened"
    assert f"/cases/{case_id}/steps/PRE-ID/?paper=1" in page.links
    seen = str(Case.objects.get(pk=case_id).last_seq)
    answer = nurse.press(form, htmx=True, v_gauge="18", seen=seen, was="K02", **as_written(world))
    assert answer.status == 200
    assert "Entering from paper." in answer.page.ids["hand"]
    live = nurse.get("case", case_id).page
    assert "paper" not in live.forms_to("/done/")[0].data


def test_a_step_left_out_on_paper(world: World, case_id: UUID, nurse: Visitor) -> None:
    sent = as_written(world, by="ward")
    answer = nurse.post("step-mark", case_id, "PRE-BASE", status="not_done", reason="no time", **sent)
    assert answer.status == 302
    mark = world.step(case_id, "PRE-BASE").mark
    assert mark
    assert (mark.source, mark.performed_by, mark.reason) == (Source.PAPER, world.ward.pk, "no time")


def test_a_case_that_began_on_paper(world: World, nurse: Visitor) -> None:
    case_id = world.open("L1")
    form = nurse.ask("GET", f"/cases/{case_id}/", {"paper": "1"}).page.form("/start/")
    sent = as_written(world, minutes=180, by="ward")
    assert nurse.press(form, **{**sent, "performed_at": ""}).status == 422
    assert nurse.press(form, **sent).status == 302
    event = Event.objects.get(case=case_id, kind="case.started")
    assert (event.source, event.performed_by) == (Source.PAPER, world.ward)
    assert f"{localtime(Case.objects.get(pk=case_id).started_at):%Y-%m-%dT%H:%M}" == sent["performed_at"]


def test_a_whole_level_from_paper_in_any_order(world: World, case_id: UUID, nurse: Visitor) -> None:
    order = [s for s in SHIPPED.steps if s.phase is Phase.LEVEL and s.code in ("K09a", "K08b")][::-1]
    values: dict[str, dict[str, Any]] = {
        "K09a": {"v_size": "15/3", "v_volume": "3.5", "v_pressure": "200"},
        "K08b": {"v_approach": "transpedicular"},
    }
    for step in order:
        answer = nurse.post(
            "step-done",
            case_id,
            f"{step.code}-L1-left",
            **as_written(world, by="operator"),
            **values[step.code],
        )
        assert answer.status == 302, answer
    assert world.step(case_id, "K09a-L1-left").live
