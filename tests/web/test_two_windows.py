"""What is open twice, at two desks or in two windows: nothing is written over unseen, and nothing signed unread."""

from uuid import UUID

import pytest
from django.core.cache import cache

from procedures.models import NoteDraft
from procedures.rules import Refused
from procedures.signing_rules import Opened, kept_sign
from tests.web.conftest import password
from tests.web.test_signing_pages import explained, fields, form_of, is_signed
from tests.web.visitor import Answer, Form, Visitor
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def unsigned(world: World) -> UUID:
    """A case whose note is due; the operator has a password."""
    cache.clear()  # no tries yet
    case_id = world.started("L1")
    world.do_until(case_id, "REC-HO")
    password(world.operator)
    return case_id


def keep(visitor: Visitor, case_id: UUID, form: Form, **typed: str) -> Answer:
    """What a page sends by itself while somebody types."""
    return visitor.post("note-draft", case_id, htmx=True, **{**fields(form), **typed})


def kept_elsewhere() -> str:
    return kept_sign(NoteDraft.objects.get().updated_at)


def test_a_draft_kept_elsewhere_since_is_not_written_over_and_both_texts_are_shown(
    world: World, unsigned: UUID
) -> None:
    operator = Visitor(world.operator)
    here, there = form_of(operator, unsigned), form_of(operator, unsigned)
    assert keep(operator, unsigned, there, s_findings="Wedge, from the ward").status == 200
    late = keep(operator, unsigned, here, s_findings="Biconcave, from the room")
    assert late.status == 409
    assert "Dr W. Chen kept this draft in another window" in late.page.ids["kept"]
    assert "Wedge, from the ward" in late.page.ids["elsewhere"]
    assert "Biconcave, from the room" in late.page.ids["elsewhere"]
    assert NoteDraft.objects.get().sections["findings"] == "Wedge, from the ward"
    plain = operator.post(
        "note-draft", unsigned, **{**fields(here), "s_findings": "Biconcave, from the room"}
    )
    assert plain.status == 409
    assert plain.page.form("/sign/").data["s_findings"] == ["Biconcave, from the room"]
    assert "Wedge, from the ward" in plain.page.ids["elsewhere"]


def test_the_page_that_kept_a_draft_keeps_it_on_even_where_the_answer_was_lost(
    world: World, unsigned: UUID
) -> None:
    operator = Visitor(world.operator)
    form = form_of(operator, unsigned)
    for text in ("A", "A wedge", "A wedge of L1"):
        assert keep(operator, unsigned, form, s_findings=text).status == 200
    assert operator.get("sign", unsigned).page.ids["elsewhere"] == ""


def test_one_goes_on_with_what_is_typed_here_and_the_other_page_is_then_the_older(
    world: World, unsigned: UUID
) -> None:
    operator = Visitor(world.operator)
    here, there = form_of(operator, unsigned), form_of(operator, unsigned)
    keep(operator, unsigned, there, s_findings="There")
    late = operator.post("note-draft", unsigned, **{**fields(here), "s_findings": "Here"})
    over = kept_elsewhere()
    assert f'name="over" value="{over}"' in late.html
    keep(operator, unsigned, there, s_findings="There, and more")  # meanwhile: that is not what was seen
    again = {**fields(late.page.form("/sign/")), "over": over}
    assert operator.post("note-draft", unsigned, **again).status == 409
    assert operator.post("note-draft", unsigned, **{**again, "over": kept_elsewhere()}).status == 302
    assert NoteDraft.objects.get().sections["findings"] == "Here"
    assert keep(operator, unsigned, there, s_findings="There again").status == 409
    assert form_of(operator, unsigned).data["s_findings"] == [
        "Here"
    ]  # or with what is kept: open the page again


def test_a_note_is_not_signed_over_a_newer_draft(world: World, unsigned: UUID) -> None:
    operator = Visitor(world.operator)
    here, there = form_of(operator, unsigned), form_of(operator, unsigned)
    keep(operator, unsigned, there, s_findings="A leak that I saw later")
    late = operator.press(here, **explained(here, s_findings="No leak"))
    assert (late.status, is_signed(unsigned)) == (409, False)
    assert "A leak that I saw later" in late.page.ids["elsewhere"]
    assert late.page.form("/sign/").data["s_findings"] == ["No leak"]
    with pytest.raises(Refused) as refused:  # and where it was kept while the password was checked
        world.sign(unsigned, opened=Opened(None, ""))
    assert refused.value.code == "elsewhere"
    assert operator.press(there, **explained(there, s_findings="A leak that I saw later")).status == 302


# A correction ---------------------------------------------------------------------------------------------------------


def test_two_who_correct_the_same_entry_do_not_undo_each_other(world: World) -> None:
    case_id, (nurse, operator) = world.started("L1"), (Visitor(world.nurse), Visitor(world.operator))
    world.do_until(case_id, "K02")
    nurse.post("step-done", case_id, "K02", v_gauge="18", v_patent="yes")
    seq = world.step(case_id, "K02").live[-1].seq
    first, second = (v.get("entry", case_id, "K02", seq).page.form("/correct/") for v in (nurse, operator))
    assert nurse.press(first, v_gauge="20", reason="misread").status == 302
    late = operator.press(second, v_patent="no", reason="it was blocked", htmx=True, seen="0")
    assert late.status == 409
    hand = late.page.ids["hand"]
    assert "Somebody has changed this entry since you opened it." in hand
    assert "Ada Okafor (misread)" in hand
    again = late.page.form("/correct/")
    assert (again.data["v_patent"], again.data["reason"]) == (["no"], ["it was blocked"])
    assert again.data["v_gauge"] == ["20"], "what was left alone shows what stands there now"
    assert operator.press(again).status == 302
    values = world.step(case_id, "K02").live[-1].values
    assert (values["gauge"]["amount"], values["patent"]) == ("20", False)


def test_what_was_typed_stays_though_it_was_changed_elsewhere_too(world: World) -> None:
    case_id, (nurse, operator) = world.started("L1"), (Visitor(world.nurse), Visitor(world.operator))
    world.do_until(case_id, "K02")
    nurse.post("step-done", case_id, "K02", v_gauge="18", v_patent="yes")
    seq = world.step(case_id, "K02").live[-1].seq
    first, second = (v.get("entry", case_id, "K02", seq).page.form("/correct/") for v in (nurse, operator))
    nurse.press(first, v_gauge="20", reason="misread", performed_by=str(world.operator.pk))
    late = operator.press(second, v_gauge="22", reason="looked myself")
    again = late.page.form("/correct/")
    assert (late.status, again.data["v_gauge"]) == (409, ["22"])
    assert again.data["performed_by"] == [str(world.operator.pk)], "who did it was left alone in this form"
    assert operator.press(again).status == 302
    entry = world.step(case_id, "K02").live[-1]
    assert (entry.values["gauge"]["amount"], entry.performed_by) == ("22", world.operator.pk)


def test_another_entry_holds_no_correction_up(world: World) -> None:
    case_id, nurse = world.started("L1"), Visitor(world.nurse)
    seq = world.do(case_id, "EV-VITALS").last
    form = nurse.get("entry", case_id, "EV-VITALS", seq).page.form("/correct/")
    world.do(case_id, "EV-VITALS")
    assert nurse.press(form, v_hr="71", reason="misread").status == 302
