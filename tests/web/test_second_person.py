"""The second person, the handover, the emergency log and what is put right afterwards, as pages and forms."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from procedures import commands
from procedures.models import Case, Event
from procedures.protocols import frozen
from procedures.values import quantity
from tests.web.visitor import Visitor
from tests.world import PIN, World, give_pin, tablet_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def case_id(world: World) -> UUID:
    """A started case at L1."""
    return world.started("L1")


@pytest.fixture
def tablet(world: World) -> Visitor:
    """The circulating nurse at an enrolled tablet; the scrub nurse has a PIN too."""
    for name in ("nurse", "scrub"):
        give_pin(world.people[name])
    return Visitor.on(tablet_of(world.unit), world.nurse)


def entries(case_id: UUID, key: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = Case.objects.get(pk=case_id).step_rows.get(key=key).entries
    return found


def test_after_the_tick_the_second_person_is_asked_beside_what_comes_next(
    world: World, case_id: UUID, tablet: Visitor
) -> None:
    seen = str(Case.objects.get(pk=case_id).last_seq)
    answer = tablet.post("step-done", case_id, "PRE-ID", htmx=True, seen=seen)
    hand = answer.page.ids["hand"]
    assert "Second person: Identity checked" in hand
    assert "Consent and planned levels" in hand, "what comes next is not held up"
    form = answer.page.form("/verify/")
    wrong = tablet.press(form, htmx=True, user=str(world.scrub.pk), pin="999999", seen=seen)
    assert (wrong.status, "Wrong PIN" in wrong.page.ids["hand"]) == (422, True)
    assert "999999" not in wrong.html
    assert entries(case_id, "PRE-ID")[0].get("ver") is None
    right = tablet.press(form, htmx=True, user=str(world.scrub.pk), pin=PIN, seen=seen)
    assert right.status == 200
    assert entries(case_id, "PRE-ID")[0]["ver"] == world.scrub.pk
    event = Event.objects.get(case=case_id, kind="step.verified")
    assert (event.recorded_by, event.via) == (world.scrub, world.nurse)


def test_off_an_enrolled_tablet_a_pin_verifies_nothing(world: World, case_id: UUID, nurse: Visitor) -> None:
    give_pin(world.scrub)
    seq = world.do(case_id, "PRE-ID").last
    assert "/verify/" not in nurse.get("entry", case_id, "PRE-ID", seq).html
    answer = nurse.post("entry-verify", case_id, "PRE-ID", seq, user=str(world.scrub.pk), pin=PIN)
    assert (answer.status, "only on an enrolled tablet" in answer.page.text) == (409, True)


def counted(world: World, case_id: UUID) -> int:
    values = {
        "match": True,
        "counted_in": {"amount": "173", "unit": ""},
        "counted_out": {"amount": "173", "unit": ""},
    }
    world.rush(case_id, "CNT", values=values)
    return world.step(case_id, "CNT").live[0].seq


def test_what_is_to_be_found_unseen_is_shown_to_nobody_before(world: World, case_id: UUID) -> None:
    seq = counted(world, case_id)
    scrub = Visitor(world.scrub)
    page = scrub.get("entry", case_id, "CNT", seq).page
    assert "hidden until the second person has entered it" in page.ids["hand"]
    assert "Find out for yourself" in page.ids["hand"]
    assert "173" not in page.ids["row-CNT"]
    assert "173" not in page.ids["hand"]
    assert "173" not in scrub.get("case", case_id).page.text, "nor in what happened"
    own = Visitor(world.nurse).get("entry", case_id, "CNT", seq)
    assert 'name="reason"' in own.html, "whoever counted first may still correct it"
    assert "Counted in" in scrub.get("record", case_id).page.text, "the whole record hides nothing"


def test_two_different_findings_are_shown_beside_each_other(world: World, case_id: UUID) -> None:
    seq = counted(world, case_id)
    scrub = Visitor(world.scrub)
    found: dict[str, Any] = {"v_match": "yes", "v_counted_in": "173", "v_counted_out": "172"}
    empty = scrub.post("entry-verify", case_id, "CNT", seq, v_match="yes")
    assert (empty.status, "Needed." in empty.page.text) == (422, True)
    for _twice in range(2):
        answer = scrub.post("entry-verify", case_id, "CNT", seq, **found)
        assert answer.status == 409
        assert "Sven Scrub found otherwise. Nothing is verified" in answer.page.ids["hand"]
        assert "Counted out: first 173, second 172" in answer.page.text
    assert "second person found otherwise" in scrub.get("case", case_id).page.ids["row-CNT"]
    corrected = Visitor(world.nurse).post(
        "entry-correct",
        case_id,
        "CNT",
        seq,
        v_match="yes",
        v_counted_in="173",
        v_counted_out="172",
        reason="one fell",
    )
    assert corrected.status == 302
    again = scrub.post("entry-verify", case_id, "CNT", seq, **found)
    assert again.status == 302, again.page.ids["hand"]


def test_a_handover_is_read_offered_and_taken_over_by_pin(
    world: World, case_id: UUID, tablet: Visitor
) -> None:
    dose = {"drug": "fentanyl", "dose": {"amount": "0.05", "unit": "mg"}}
    world.do(case_id, "EV-DRUG", "EV-DRUG", values=dose)
    page = tablet.get("handover", case_id).page
    for words in ("Fentanyl: 100 µg, 2 doses", "Identity checked", "penicillin", "L1: open"):
        assert words in page.text, words
    assert tablet.press(page.form("/handover/")).status == 422
    assert tablet.press(page.form("/handover/"), to=str(world.scrub.pk), concerns="sleepy").status == 302
    assert "Handover to Sven Scrub offered" in tablet.get("case", case_id).page.ids["notices"]
    assert "it is for you" in Visitor(world.scrub).get("case", case_id).page.ids["notices"]
    form = tablet.get("handover", case_id).page.form("/accept/")
    assert tablet.press(form, pin="999999").status == 422
    assert tablet.press(form, pin=PIN).status == 302
    assert Case.objects.get(pk=case_id).handover is None
    said = tablet.get("record", case_id).page.text
    assert "Handover accepted by Sven Scrub" in said
    assert "sleepy" in said


def test_the_emergency_log_records_with_one_tap_and_leaves_the_step_in_hand(
    world: World, case_id: UUID, nurse: Visitor
) -> None:
    assert "emergency log" not in nurse.get("case", case_id).page.text.lower()
    commands.set_emergency(world.command(case_id), on=True)
    page = nurse.get("step", case_id, "K04").page
    forms = [form for form in page.forms if "quick" in form.data]
    assert len({form.data["command_id"][0] for form in forms}) == len(forms) > 10
    arrest = next(form for form in forms if form.data.get("v_type") == ["arrest"])
    seen = str(Case.objects.get(pk=case_id).last_seq)
    for _twice in range(2):
        answer = nurse.press(arrest, htmx=True, seen=seen, was="K04")
        assert answer.status == 200
        assert "hand" not in answer.page.ids, "what is half typed there stays"
        assert "Cardiac arrest" in answer.page.ids["quick-log"]
    assert len(entries(case_id, "EV-COMPLICATION")) == 1
    world.do(case_id, "K04")
    over = nurse.post("emergency", case_id, on="0")
    assert over.location == f"/cases/{case_id}/reconcile/"
    listed = nurse.get("reconcile", case_id).page
    assert "Sedation started" in listed.text
    assert "Complication recorded: With symptoms" in listed.text, "and what the log still lacks"
    assert nurse.press(listed.form("/reconcile/"), reason="arrest").status == 302
    assert "Nothing to look at again" in nurse.get("reconcile", case_id).page.text


def test_the_same_again_is_asked_about_and_then_recorded(case_id: UUID, nurse: Visitor) -> None:
    assert nurse.post("step-done", case_id, "EV-NOTE", v_text="calm").status == 302
    asked = nurse.post("step-done", case_id, "EV-NOTE", v_text="calm")
    assert asked.status == 422
    assert "by Ada Okafor. Record it again?" in asked.page.ids["hand"]
    assert nurse.press(asked.page.form("EV-NOTE/done/"), confirmed="again").status == 302
    assert [e.get("flags") for e in entries(case_id, "EV-NOTE")] == [None, ["repeated"]]


def test_a_dose_above_the_limit_is_asked_about_and_the_sum_stands_at_the_step(
    world: World, nurse: Visitor
) -> None:
    case_id = world.started("L1", "L2")
    weight = frozen.protocol(Case.objects.get(pk=case_id).protocol_id).by_code["PRE-BASE"].field("weight")
    assert weight
    world.do_until(case_id, "PRE-BASE")
    world.do(case_id, "PRE-BASE", values={"weight": quantity(weight, Decimal(60))})
    world.do_until(case_id, "K07")
    dose: Any = {"v_drug": "lidocaine", "v_concentration": "1", "v_volume": "15"}
    assert nurse.post("step-done", case_id, "K07-L1", **dose).status == 302
    page = nurse.get("step", case_id, "K07-L2").page
    assert "So far in this case: Lidocaine 150 mg (2.5 mg/kg at 60 kg)" in page.ids["hand"]
    asked = nurse.post("step-done", case_id, "K07-L2", **dose)
    assert asked.status == 422
    assert "Lidocaine 300 mg (5 mg/kg at 60 kg) in this case together." in asked.page.ids["hand"]
    done = nurse.press(asked.page.form("K07-L2/done/"), confirmed="total_drug")
    assert done.status == 302
    assert "confirmed" in str(entries(case_id, "K07-L2")[0]["flags"])
    for answer in (nurse.get("step", case_id, "K07-L2"), nurse.get("handover", case_id)):
        assert "Lidocaine 300 mg (5 mg/kg at 60 kg)" in answer.page.text


def test_an_entry_is_moved_to_a_case_chosen_without_a_name(
    world: World, case_id: UUID, nurse: Visitor
) -> None:
    other = world.started("L1", mrn="900000001", family_name="Bianchi", given_name="Ugo")
    world.open("L1", mrn="900000002", family_name="Later")
    seq = world.do(case_id, "EV-NOTE").last
    answer = nurse.get("entry-move", case_id, "EV-NOTE", seq)
    page = answer.page
    assert "U. B." in page.text
    assert "Bianchi" not in page.text
    assert answer.html.count('name="to"') == 1, "only cases that run"
    form = page.form("/move/")
    assert nurse.press(form, to=str(other)).status == 422
    assert nurse.press(form, to=str(other), reason="wrong tablet").status == 302
    assert "Moved to another case" in nurse.get("entry", case_id, "EV-NOTE", seq).page.text
    assert "moved here" in nurse.get("record", other).page.text
    assert "moved to another case" in nurse.get("record", case_id).page.text


def test_a_stop_asks_for_every_open_level(world: World, nurse: Visitor) -> None:
    case_id = world.started("L1", "L2")
    world.rush(case_id, "K04")
    form = nurse.get("manage", case_id).page.form("/stop/")
    half = nurse.press(form, reason="arrest", state_L1="abandoned")
    assert (half.status, "Say what became of L2." in half.page.text) == (422, True)
    assert nurse.press(form, reason="arrest", state_L1="abandoned", state_L2="nonsense").status == 422
    done = nurse.press(form, reason="arrest", state_L1="abandoned", state_L2="deferred", reason_L2="tomorrow")
    assert done.status == 302
    rows = Case.objects.get(pk=case_id).level_rows.values_list("vertebra", "state", "reason")
    assert sorted(rows) == [("L1", "abandoned", "arrest"), ("L2", "deferred", "tomorrow")]
