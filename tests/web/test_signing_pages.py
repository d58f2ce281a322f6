"""Writing the operative note, signing it, signing beside, adding to it: as pages."""

from typing import Any
from uuid import UUID

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache

from procedures import commands
from procedures.models import Case, Event, NoteDraft, User
from procedures.operative_note import SECTIONS
from tests.web.conftest import password
from tests.web.test_queries import at_most, forget_all
from tests.web.visitor import Answer, Form, Visitor
from tests.world import PASSWORD, PIN, World, give_pin, tablet_of

pytestmark = pytest.mark.django_db

SIGN, NOTE, DRAFT, ADDENDUM = 11, 10, 14, 10


@pytest.fixture(autouse=True)
def no_tries_yet() -> None:
    cache.clear()


def form_of(visitor: Visitor, case_id: UUID) -> Form:
    answer = visitor.get("sign", case_id)
    assert answer.status == 200, answer
    return answer.page.form(f"/{case_id}/sign/")


def fields(form: Form) -> dict[str, Any]:
    """What the form sends as it stands."""
    return dict(form.data)


def explained(form: Form, **typed: Any) -> dict[str, Any]:
    """Every gap explained, and the password."""
    why = {name: "Not written down at the time" for name in form.data if name.startswith("why_")}
    return {**why, "password": PASSWORD, **typed}


def last(case_id: UUID) -> Event:
    return Event.objects.filter(case=case_id).latest("seq")


def is_signed(case_id: UUID) -> bool:
    return Case.objects.get(pk=case_id).signed_seq is not None


# The page -------------------------------------------------------------------------------------------------------------


def test_the_page_holds_every_section_in_the_words_of_the_record(world: World, unsigned: UUID) -> None:
    page = Visitor(world.operator).get("sign", unsigned).page
    form = page.form("/sign/")
    assert [n.removeprefix("s_") for n in form.data if n.startswith("s_")] == list(SECTIONS)
    assert "Kyphoplasty of L1 with balloon, from the left." in form.data["s_procedure"][0]
    assert "to be written by hand: elective or emergency" in page.ids["s-urgency"]
    assert "to be written by hand" not in page.ids["s-blood_loss"]
    assert (
        f"/cases/{unsigned}/steps/K09d-L1-left/" in page.links
    )  # the cement's details can still be given there
    assert "“I am the author of this operative note" in page.text


def test_before_the_sign_out_a_note_can_be_written_and_not_signed(world: World) -> None:
    case_id = world.started("L1")
    password(world.operator)
    operator = Visitor(world.operator)
    page = operator.get("sign", case_id).page
    assert "The operative note can be signed after the sign-out." in page.text
    assert "proof-password" not in page.inputs
    form = page.form("/sign/")
    assert operator.post("note-draft", case_id, **{**fields(form), "s_findings": "A wedge"}).status == 302
    refused = operator.press(form, **explained(form))
    assert refused.status == 409
    assert not is_signed(case_id)


@pytest.mark.parametrize(("who", "status"), [("nurse", 409), ("admin", 409), ("stranger", 404), ("", 302)])
def test_nobody_else_signs(world: World, unsigned: UUID, who: str, status: int) -> None:
    visitor = Visitor({**world.people, "stranger": world.stranger}.get(who))
    assert visitor.get("sign", unsigned).status == status
    form = form_of(Visitor(world.operator), unsigned)
    posted = visitor.post("sign", unsigned, **{**fields(form), **explained(form)})
    assert posted.status == (401 if status == 302 else status)
    assert not is_signed(unsigned)


# The draft ------------------------------------------------------------------------------------------------------------


def test_what_is_typed_is_kept_by_itself_and_comes_back_and_is_gone_when_signed(
    world: World, unsigned: UUID
) -> None:
    operator = Visitor(world.operator)
    form = form_of(operator, unsigned)
    typed = {"s_findings": "Wedge of L1,\r\nsclerotic.", "why_cement": "No scale on the gun", "cosign_by": ""}
    answer = operator.post("note-draft", unsigned, htmx=True, **{**fields(form), **typed})
    assert (answer.status, "Draft kept" in answer.page.ids["kept"]) == (200, True)
    assert "written under “Findings”" in answer.page.ids["said-findings"]
    assert PASSWORD not in str(NoteDraft.objects.values())
    again = form_of(operator, unsigned)
    assert again.data["s_findings"] == ["Wedge of L1,\nsclerotic."]
    assert again.data["why_cement"] == ["No scale on the gun"]
    assert operator.press(again, **explained(again)).status == 302
    assert not NoteDraft.objects.exists()
    assert last(unsigned).data["values"]["note"]["findings"] == "Wedge of L1,\nsclerotic."
    late = operator.post("note-draft", unsigned, htmx=True, **fields(form))
    assert late.status == 409
    assert not NoteDraft.objects.exists()


def test_a_draft_is_its_authors_own(world: World, unsigned: UUID, trainer: User) -> None:
    form = form_of(Visitor(world.operator), unsigned)
    Visitor(world.operator).post("note-draft", unsigned, **{**fields(form), "s_findings": "Mine alone"})
    assert "Mine alone" not in Visitor(trainer).get("sign", unsigned).html
    assert Visitor(world.nurse).post("note-draft", unsigned, **fields(form)).status == 409


def test_a_draft_that_is_too_long_or_names_somebody_else_is_no_harm(world: World, unsigned: UUID) -> None:
    operator = Visitor(world.operator)
    form = form_of(operator, unsigned)
    long = operator.post("note-draft", unsigned, **{**fields(form), "s_findings": "x" * 20_001})
    assert long.status == 422
    assert operator.post("note-draft", unsigned, **{**fields(form), "cosign_by": "987654321"}).status == 302
    assert NoteDraft.objects.get().cosign_by is None


def test_what_came_in_after_the_draft_is_offered_section_by_section(world: World, unsigned: UUID) -> None:
    operator = Visitor(world.operator)
    form = form_of(operator, unsigned)
    mine = {**fields(form), "s_blood_loss": "Hardly any.", "s_closure": "Glue."}
    operator.post("note-draft", unsigned, **mine)
    entry = world.step(unsigned, "CLO").live[-1].seq
    values = {"blood_loss": {"amount": "20", "unit": "mL"}, "closure": "glue"}
    commands.add_details(world.command(unsigned), "CLO", about=entry, values=values)
    page = operator.get("sign", unsigned).page
    assert "The record has changed" in page.ids["news"]
    assert "20 mL." in page.ids["s-blood_loss"]
    again = page.form("/sign/")
    assert again.data["s_blood_loss"] == ["Hardly any."]  # nothing is overwritten
    assert operator.press(again, **explained(again)).status == 409  # nor signed unread
    took = operator.post("note-draft", unsigned, **{**fields(again), "take": "blood_loss"})
    assert took.location.endswith("/sign/#s-blood_loss")
    operator.post("note-draft", unsigned, **{**fields(form_of(operator, unsigned)), "leave": "closure"})
    page = operator.get("sign", unsigned).page
    final = page.form("/sign/")
    assert (final.data["s_blood_loss"], final.data["s_closure"]) == (["20 mL."], ["Glue."])
    assert "has changed" not in page.text
    assert operator.press(final, **explained(final)).status == 302


def test_an_entry_that_changes_no_section_does_not_hold_a_signature_up(world: World, unsigned: UUID) -> None:
    operator = Visitor(world.operator)
    form = form_of(operator, unsigned)
    world.do(unsigned, "EV-VITALS")
    assert operator.press(form, **explained(form)).status == 302
    assert last(unsigned).data["values"]["seq"] == last(unsigned).seq - 1


# Sign -----------------------------------------------------------------------------------------------------------------


def test_signed_and_shown(world: World, unsigned: UUID, trainer: User) -> None:
    operator = Visitor(world.operator)
    form = form_of(operator, unsigned)
    answer = operator.press(form, **explained(form, cosign_by=str(trainer.pk), s_urgency="Elective."))
    assert answer.location == f"/cases/{unsigned}/note/"
    values = last(unsigned).data["values"]
    assert (values["cosign_by"], "urgency" in values["explained"]) == (trainer.pk, False)
    page = operator.get("note", unsigned).page
    assert values["head"] in page.text
    for said in (
        "Dr W. Chen",
        "Elective.",
        "Not written down at the time",
        "Dr T. Rainer was asked to co-sign",
    ):
        assert said in page.text
    assert operator.get("sign", unsigned).location == f"/cases/{unsigned}/note/"
    assert operator.press(form, **explained(form)).location == f"/cases/{unsigned}/note/"  # tapped twice
    assert Event.objects.filter(case=unsigned, kind="case.signed").count() == 1


def test_each_gap_has_its_own_sentence_and_nothing_typed_is_lost(world: World, unsigned: UUID) -> None:
    operator = Visitor(world.operator)
    form = form_of(operator, unsigned)
    answer = operator.press(form, password=PASSWORD, s_findings="A wedge", why_cement="No scale")
    assert answer.status == 422
    assert "Say why this is missing." in answer.page.ids["lack-urgency"]
    assert "Say why" not in answer.page.ids["lack-cement"]
    assert "Say why" not in answer.page.ids["lack-findings"]
    assert answer.page.form("/sign/").data["s_findings"] == ["A wedge"]
    assert PASSWORD not in answer.html
    assert not is_signed(unsigned)


def test_a_wrong_password_loses_nothing_and_is_counted(world: World, unsigned: UUID) -> None:
    operator = Visitor(world.operator)
    form = form_of(operator, unsigned)
    for _ in range(5):
        answer = operator.press(form, **explained(form, password="not this one", s_findings="A wedge"))
        assert answer.status == 422
        assert "This is not your password." in answer.page.text
        assert answer.page.form("/sign/").data["s_findings"] == ["A wedge"]
        assert "not this one" not in answer.html
    answer = operator.press(form, **explained(form))
    assert (answer.status, "Too many tries" in answer.page.text) == (409, True)
    assert not is_signed(unsigned)
    assert operator.press(form, **explained(form, password="")).status == 422


def test_the_pin_of_a_tablet_is_not_enough(world: World, unsigned: UUID) -> None:
    give_pin(world.operator)
    at_tablet = Visitor.on(tablet_of(world.unit), world.operator)
    form = form_of(at_tablet, unsigned)
    answer = at_tablet.press(form, **explained(form, password=PIN))
    assert (answer.status, "A PIN is not enough" in answer.page.text) == (422, True)
    assert not is_signed(unsigned)
    assert at_tablet.press(form, **explained(form)).status == 302


def test_a_code_of_the_second_factor_is_enough_and_good_once(world: World, unsigned: UUID) -> None:
    code = second_factor(world.operator)
    operator = Visitor(world.operator)
    form = form_of(operator, unsigned)
    wrong = operator.press(form, **explained(form, password="", code="000000"))
    assert (wrong.status, "This code is not right." in wrong.page.text) == (422, True)
    assert operator.press(form, **explained(form, password="", code=code())).status == 302
    assert is_signed(unsigned)


def test_where_the_site_wants_two_factors_both_are_asked(world: World, unsigned: UUID, settings: Any) -> None:
    settings.REQUIRE_MFA = True
    operator = Visitor(world.operator)
    page = operator.get("sign", unsigned).page
    assert "A signature needs your second factor." in page.text
    form = page.form("/sign/")
    assert operator.press(form, **explained(form)).status == 409
    code = second_factor(world.operator)
    assert operator.press(form, **explained(form)).status == 422
    assert operator.press(form, **explained(form, password="", code=code())).status == 422
    assert operator.press(form, **explained(form, code=code())).status == 302


def test_without_a_password_here_one_identifies_oneself_and_comes_back(world: World, unsigned: UUID) -> None:
    world.operator.set_unusable_password()
    world.operator.save()
    operator = Visitor(world.operator)
    assert "no password and no second factor here" in operator.get("sign", unsigned).page.text
    code = second_factor(world.operator)
    form = form_of(operator, unsigned)
    assert operator.press(form, **explained(form)).status == 409
    sent = {**fields(form), "s_findings": "Kept on the way", "identify": "1"}
    away = operator.post("note-draft", unsigned, **sent)
    assert away.location.startswith("/accounts/reauthenticate/?next=")
    on = operator.ask("GET", away.location)
    back = operator.ask("POST", on.location or away.location, {"code": code()})
    assert back.location == f"/cases/{unsigned}/sign/"
    form = form_of(operator, unsigned)
    assert form.data["s_findings"] == ["Kept on the way"]
    assert operator.press(form, **explained(form, password="")).status == 302
    other = world.started("L1", mrn="2")
    world.do_until(other, "REC-HO")
    form = form_of(operator, other)
    assert operator.press(form, **explained(form, password="")).status == 409, "once is for one signature"


def second_factor(user: User) -> Any:
    """Let somebody have a second factor; returns what gives the code of now."""
    import time

    from allauth.mfa.totp.internal import auth

    secret = auth.generate_totp_secret()
    auth.TOTP.activate(user, secret)
    return lambda: auth.format_hotp_value(auth.hotp_value(secret, int(time.time()) // 30))


def test_no_session_and_no_row_keeps_what_was_typed_as_a_password(world: World, unsigned: UUID) -> None:
    operator = Visitor(world.operator)
    form = form_of(operator, unsigned)
    operator.press(form, **explained(form, password="a-wrong-phrase"))
    operator.press(form, **explained(form))
    kept = [str(s.get_decoded()) for s in Session.objects.all()] + [e.canonical for e in Event.objects.all()]
    assert not [text for text in kept if "a-wrong-phrase" in text or PASSWORD in text]


# The case afterwards --------------------------------------------------------------------------------------------------


def test_the_case_says_who_signed_and_why_there_is_no_button(
    world: World, signed: UUID, nurse: Visitor
) -> None:
    page = nurse.get("case", signed).page
    assert "Signed by Dr W. Chen on" in page.ids["notices"]
    about = world.step(signed, "K09d-L1-left").live[-1].seq
    for answer in (nurse.get("entry", signed, "K09d-L1-left", about), nurse.get("step", signed, "K11")):
        hand = answer.page.ids["hand"]
        assert "What is to be said now is an addendum." in hand
        assert not [f for f in answer.page.forms if "/steps/K" in f.action]
        assert [x for x in answer.page.links if "/addendum/?key=" in x]
    assert nurse.get("step", signed, "REC-HO").page.forms_to("/done/"), "the recovery goes on"
    assert not nurse.get("manage", signed).page.forms_to("/levels/add/")


def test_the_operator_is_led_to_the_note_when_it_is_due(world: World, unsigned: UUID, nurse: Visitor) -> None:
    operator = Visitor(world.operator)
    assert f"/cases/{unsigned}/sign/" in operator.get("case", unsigned).page.links
    assert f"/cases/{unsigned}/sign/" not in nurse.get("case", unsigned).page.links
    assert f"/cases/{unsigned}/sign/" in operator.get("note", unsigned).page.links
    assert "Nobody has signed" in nurse.get("note", unsigned).page.text


def test_whoever_was_not_the_operator_signs_with_the_reason_why_the_operator_does_not(
    world: World, unsigned: UUID, trainer: User
) -> None:
    said = "The operator of this case is Dr W. Chen."
    assert said not in Visitor(world.operator).get("sign", unsigned).page.text
    beside = Visitor(trainer)
    page = beside.get("sign", unsigned).page
    assert said in page.text
    assert "“I sign this operative note in the place of the operator of the case" in page.text
    form = page.form(f"/{unsigned}/sign/")
    silent = beside.press(form, **explained(form, why_instead=" "))
    assert (silent.status, is_signed(unsigned)) == (422, False)
    assert "Say why the operator of this case cannot sign." in silent.page.text
    assert beside.post("note-draft", unsigned, **{**fields(form), "why_instead": "Left us"}).status == 302
    form = form_of(beside, unsigned)
    assert form.data["why_instead"] == ["Left us"]
    assert beside.press(form, **explained(form, why_instead="Left the hospital")).status == 302
    assert (last(unsigned).data["reason"], last(unsigned).data["values"]["meaning"]) == (
        "Left the hospital",
        "instead",
    )
    for name in ("note", "record"):
        assert "Left the hospital" in beside.get(name, unsigned).page.text
    assert "did not sign" in beside.get("note", unsigned).page.text


def test_today_counts_what_waits_for_an_operator(
    world: World, unsigned: UUID, trainer: User, nurse: Visitor
) -> None:
    operator = Visitor(world.operator)
    page = operator.get("today").page
    assert "1 note to sign" in page.ids["to-sign"]
    assert "/log/?sign=me&sort=date" in page.links
    assert "to-sign" not in nurse.get("today").page.ids
    form = form_of(operator, unsigned)
    operator.press(form, **explained(form, cosign_by=str(trainer.pk)))
    assert "to-sign" not in operator.get("today").page.ids
    page = Visitor(trainer).get("today").page
    assert "1 asks for your co-signature" in page.ids["to-sign"]
    assert "/log/?flag=cosign&cosign=me&sort=date" in page.links


# Statements -----------------------------------------------------------------------------------------------------------


def test_what_the_pages_cost(world: World, unsigned: UUID) -> None:
    operator = Visitor(world.operator)
    form = form_of(operator, unsigned)
    signed_2 = world.signed("L1", mrn="2")
    for _ in range(3):
        commands.add_addendum(world.command(signed_2), reason="Forgotten", text="More")
    forget_all()
    pages: list[tuple[str, int, Any]] = [
        ("sign", SIGN, lambda: operator.get("sign", unsigned)),
        ("note", NOTE, lambda: operator.get("note", signed_2)),
        ("addendum", ADDENDUM, lambda: operator.get("addendum", signed_2)),
        ("draft", DRAFT, lambda: operator.post("note-draft", unsigned, htmx=True, **fields(form))),
    ]
    for name, limit, ask in pages:
        with at_most(limit) as statements:
            answer: Answer = ask()
        print(name, len(statements))
        assert answer.status == 200
