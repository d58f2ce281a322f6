"""What waited on a tablet is judged item by item: recorded, known already, refused with words, or still waiting."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from procedures import commands
from procedures.models import Case, Event, Step
from procedures.state import StepStatus
from procedures.verification import verify
from tests.web.visitor import Visitor
from tests.world import World

pytestmark = pytest.mark.django_db


def minutes_ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()


def tick(
    world: World, case_id: UUID, key: str, *, ago: float = 10, by: str = "nurse", **rest: Any
) -> dict[str, Any]:
    """One item as the tablet keeps it."""
    fields = [[name, value] for name, value in rest.pop("values", {}).items()]
    return {
        "id": str(uuid4()), "case": str(case_id), "key": key, "action": "done", "person": world.people[by].pk,
        "device_at": minutes_ago(ago), "offset_ms": 0, "fields": fields, **rest,
    }  # fmt: skip


def sent(visitor: Visitor, *items: Any) -> list[dict[str, str]]:
    """Send a queue; the results."""
    answer = visitor.client.post(
        "/outbox/", json.dumps({"items": list(items)}), content_type="application/json"
    )
    assert answer.status_code == 200, answer.content
    results: list[dict[str, str]] = answer.json()["results"]
    return results


def only(results: list[dict[str, str]]) -> list[str]:
    return [r["result"] for r in results]


@pytest.fixture
def case_id(world: World) -> UUID:
    return world.started("L1")


def entry(case_id: UUID, key: str) -> dict[str, Any]:
    """The last entry of a step."""
    found: dict[str, Any] = Step.objects.get(case=case_id, key=key).entries[-1]
    return found


def test_ticks_stand_in_the_record_in_order_with_the_tablets_time(
    world: World, nurse: Visitor, case_id: UUID
) -> None:
    items = [
        tick(world, case_id, key, ago=20 - n, offset_ms=-1500)
        for n, key in enumerate(["PRE-ID", "K01", "K02"])
    ]
    assert only(sent(nurse, *items)) == ["applied"] * 3
    events = list(Event.objects.filter(case=case_id, kind="step.done").order_by("seq"))
    assert [e.step_key for e in events] == ["PRE-ID", "K01", "K02"]
    for event, item in zip(events, items, strict=True):
        assert event.source == "offline"
        assert event.performed_at == datetime.fromisoformat(item["device_at"]) - timedelta(seconds=1.5)
        assert event.data["device_at"] == datetime.fromisoformat(item["device_at"]).isoformat(
            timespec="microseconds"
        )
        assert event.data["offset_ms"] == -1500
    assert not [fault for _n, fault in verify(case_id) if fault]


def test_sent_twice_it_is_recorded_once(world: World, nurse: Visitor, case_id: UUID) -> None:
    item = tick(world, case_id, "EV-NOTE", values={"v_text": "x"})
    assert only(sent(nurse, item)) == only(sent(nurse, item, item)[:1]) == ["applied"]
    assert Event.objects.filter(case=case_id, step_key="EV-NOTE").count() == 1


def test_a_live_tick_whose_answer_was_lost_is_not_recorded_again(
    world: World, nurse: Visitor, case_id: UUID
) -> None:
    given = world.command(case_id)
    commands.record_done(given, "EV-NOTE", values={"text": "x"})
    item = tick(world, case_id, "EV-NOTE", id=str(given.command_id), ago=0, values={"v_text": "x"})
    assert only(sent(nurse, item)) == ["applied"]
    assert Event.objects.filter(case=case_id, step_key="EV-NOTE").count() == 1


def test_what_has_happened_is_never_refused_for_its_order(
    world: World, nurse: Visitor, case_id: UUID
) -> None:
    items = [tick(world, case_id, "K08b-L1", values={"side": "left"}), tick(world, case_id, "K09d-L1-left")]
    assert only(sent(nurse, *items)) == ["applied"] * 2
    assert "out_of_order" in entry(case_id, "K08b-L1-left")["flags"]
    assert "out_of_order" in entry(case_id, "K09d-L1-left")["flags"]


def test_a_case_that_was_not_started_or_is_over_takes_it(world: World, nurse: Visitor) -> None:
    waiting, over = world.open("L1", mrn="900000001"), world.started("L2", mrn="900000002")
    commands.cancel(world.command(over), reason="fever")
    results = sent(nurse, tick(world, waiting, "PRE-ID", ago=30), tick(world, over, "K02", ago=30))
    assert only(results) == ["applied"] * 2
    started = Case.objects.get(pk=waiting)
    assert started.status == "in_progress"
    assert started.started_at == Event.objects.get(case=waiting, step_key="PRE-ID").performed_at
    assert Case.objects.get(pk=over).status == "cancelled"
    assert "out_of_order" in entry(over, "K02")["flags"]
    assert not [fault for case in (waiting, over) for _n, fault in verify(case) if fault]


def test_unusual_and_missing_values_are_kept_and_said(world: World, nurse: Visitor, case_id: UUID) -> None:
    results = sent(
        nurse,
        tick(world, case_id, "K02", values={"v_gauge": "24", "v_gauge_unit": "{G}"}),
        tick(world, case_id, "CNT"),
    )
    assert only(results) == ["applied"] * 2
    assert "unusual" in entry(case_id, "K02")["flags"]
    assert entry(case_id, "CNT").get("values", {}) == {}


def test_what_is_refused_comes_back_with_words_and_the_rest_goes_on(
    world: World, nurse: Visitor, case_id: UUID
) -> None:
    world.do(case_id, "K03", by="sedation")
    results = sent(
        nurse,
        tick(world, case_id, "K03"),
        tick(world, case_id, "K02", values={"v_gauge": "99"}),
        tick(world, case_id, "NO-SUCH"),
        tick(world, uuid4(), "K02"),
        tick(world, case_id, "K01"),
    )
    assert only(results) == ["refused"] * 4 + ["applied"]
    assert [r.get("code") for r in results[:4]] == ["already_done", "invalid", "gone", "gone"]
    assert "Liam Moreau" in results[0]["sentence"]
    assert "14" in results[1]["sentence"]


def test_it_stops_at_the_first_that_somebody_else_made(world: World, nurse: Visitor, case_id: UUID) -> None:
    items = [
        tick(world, case_id, "PRE-ID"),
        tick(world, case_id, "K01", by="sedation"),
        tick(world, case_id, "K02"),
    ]
    assert only(sent(nurse, *items)) == ["applied", "waiting"]
    assert only(sent(Visitor(world.people["sedation"]), *items[1:])) == ["applied", "waiting"]
    assert only(sent(nurse, *items[2:])) == ["applied"]
    people = (
        Event.objects.filter(case=case_id, kind="step.done")
        .order_by("seq")
        .values_list("recorded_by", flat=True)
    )
    assert list(people) == [world.nurse.pk, world.people["sedation"].pk, world.nurse.pk]


def test_a_mark_waits_too(world: World, nurse: Visitor, case_id: UUID) -> None:
    item = tick(
        world,
        case_id,
        "K01",
        action="mark",
        values={"status": StepStatus.NOT_DONE.value, "reason": "own gown"},
    )
    assert only(sent(nurse, item)) == ["applied"]
    assert entry(case_id, "K01")["mark"] == "not_done"
    assert Event.objects.get(case=case_id, step_key="K01").performed_at == datetime.fromisoformat(
        item["device_at"]
    )


def test_a_wrong_clock_is_said_and_a_time_to_come_becomes_now(
    world: World, nurse: Visitor, case_id: UUID
) -> None:
    ahead = tick(world, case_id, "PRE-ID", ago=-90, offset_ms=-90 * 60_000)
    wild = tick(world, case_id, "K01", ago=-90, offset_ms=0)
    assert only(sent(nurse, ahead, wild)) == ["applied"] * 2
    assert "clock" in entry(case_id, "PRE-ID")["flags"]
    moment = Event.objects.get(case=case_id, step_key="K01")
    assert moment.performed_at == moment.recorded_at


def test_an_administrator_and_another_unit_record_nothing(world: World, case_id: UUID) -> None:
    for user in (world.admin, world.stranger):
        item = tick(world, case_id, "K01", person=user.pk)
        assert only(sent(Visitor(user), item)) == ["refused"]
    assert not Event.objects.filter(case=case_id, step_key="K01").exists()


NASTY: list[Any] = [
    None, 1, "x", [], {}, {"id": "x"}, {"id": str(uuid4()), "fields": 3},
    {"fields": [["a", "\ud800"]]},
    {"fields": [["a", "b\x00"]]}, {"device_at": "yesterday"}, {"device_at": "0001-01-01T00:00:00+14:00"},
    {"device_at": "2026-11-22T10:00"}, {"offset_ms": "1"}, {"offset_ms": True}, {"offset_ms": 10**30}, {"case": "x"},
    {"action": "delete"}, {"fields": [["a"]]}, {"fields": [[1, 2]]}, {"key": {"a": 1}}, {"id": "\ud800"},
]  # fmt: skip


@pytest.mark.parametrize("changes", NASTY, ids=repr)
def test_a_tampered_item_is_refused_and_harms_no_other(
    changes: Any, world: World, nurse: Visitor, case_id: UUID
) -> None:
    sound = tick(world, case_id, "K01")
    nasty = (
        {**tick(world, case_id, "EV-NOTE"), **changes} if isinstance(changes, dict) and changes else changes
    )
    assert only(sent(nurse, nasty, sound)) == ["refused", "applied"]


@pytest.mark.parametrize("body", ["", "{", "[]", "3", '{"items": 3}', '{"items": ' + "[" * 90_000, b"\xff"])
def test_what_is_no_queue_is_refused(body: str, nurse: Visitor, world: World) -> None:
    assert nurse.client.post("/outbox/", body, content_type="application/json").status_code == 400


def test_too_many_at_once_are_refused(world: World, nurse: Visitor, case_id: UUID) -> None:
    items = [tick(world, case_id, "EV-NOTE") for _ in range(51)]
    answer = nurse.client.post("/outbox/", json.dumps({"items": items}), content_type="application/json")
    assert answer.status_code == 400


def test_the_offline_page_says_no_name_no_mrn_no_value(world: World, nurse: Visitor, case_id: UUID) -> None:
    world.do(case_id, "EV-NOTE", values={"text": "SECRETNOTE"})
    patient = Case.objects.get(pk=case_id).patient
    page = nurse.get("case-offline", case_id)
    assert page.status == 200
    for told in (
        patient.family_name,
        patient.given_name,
        patient.mrn,
        "SECRETNOTE",
        patient.birth_date.isoformat(),
    ):
        assert told not in page.html
    assert patient.mrn[-4:] in page.html
    assert str(patient.birth_date.year) in page.html
    commands.cancel(world.command(case_id), reason="fever")
    assert nurse.get("case-offline", case_id).status == 410
