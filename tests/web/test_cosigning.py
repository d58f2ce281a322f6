"""Signing beside the author: with a password, on a record read to its end; and another who is asked instead."""

from uuid import UUID

import pytest
from django.core.cache import cache

from procedures import commands
from procedures.models import Case, User
from tests.web.conftest import password
from tests.web.test_signing_pages import fields, last
from tests.web.visitor import Visitor
from tests.world import PASSWORD, World

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_tries_yet() -> None:
    cache.clear()


def test_the_supervisor_co_signs_with_a_password(world: World, signed: UUID, trainer: User) -> None:
    beside = Visitor(trainer)
    form = beside.get("note", signed).page.form("/cosign/")
    wrong = beside.press(form, password="no", reason="Was there throughout")
    assert (wrong.status, "not your password" in wrong.page.text) == (422, True)
    assert wrong.page.form("/cosign/").data["reason"] == ["Was there throughout"]
    assert beside.press(form, password=PASSWORD, reason="Was there throughout").status == 302
    page = beside.get("note", signed).page
    assert "Was there throughout" in page.ids["cosign"]
    assert not page.forms_to("/cosign/")
    password(world.operator)
    assert beside.press(form, password=PASSWORD).location == f"/cases/{signed}/note/"  # sent twice
    assert Visitor(world.operator).post("cosign", signed, password=PASSWORD).status == 409


def test_nobody_co_signs_what_was_added_meanwhile_without_having_seen_it(
    world: World, signed: UUID, trainer: User
) -> None:
    beside = Visitor(trainer)
    form = beside.get("note", signed).page.form("/cosign/")
    commands.add_addendum(world.command(signed), reason="Forgotten", text="The left leg was weak")
    late = beside.press(form, password=PASSWORD, reason="Was there throughout")
    assert (late.status, Case.objects.get(pk=signed).cosigned_by) == (409, None)
    assert "The record has gone on since you opened this note." in late.page.text
    assert "The left leg was weak (Forgotten)" in late.page.ids["news"]
    again = late.page.form("/cosign/")
    assert again.data["reason"] == ["Was there throughout"]
    assert beside.post("cosign", signed, **{**fields(again), "seen": "", "password": PASSWORD}).status == 409
    assert beside.press(again, password=PASSWORD).status == 302
    assert last(signed).data["values"]["seq"] == last(signed).seq - 1


def test_a_co_signer_who_left_is_named_and_another_is_asked(
    world: World, unsigned: UUID, trainer: User
) -> None:
    third = world.operator_too("third")
    world.sign(unsigned, cosign_by=trainer.pk)
    operator = Visitor(world.operator)
    assert "is no operator of this unit any more" not in operator.get("note", unsigned).page.text
    assert not Visitor(world.nurse).get("note", unsigned).page.forms_to("/cosign/move/")
    trainer.is_active = False
    trainer.save()
    page = operator.get("note", unsigned).page
    assert "Dr T. Rainer is no operator of this unit any more, and cannot co-sign." in page.ids["cosign"]
    form = page.form("/cosign/move/")
    silent = operator.press(form, to=str(third.pk), reason="")
    assert (silent.status, "Say why." in silent.page.ids["cosign"]) == (422, True)
    assert operator.press(form, to=str(third.pk), reason="Left the hospital").status == 302
    said = operator.get("note", unsigned).page.ids["cosign"]
    assert "Third was asked to co-sign instead. Reason: Left the hospital" in said
    assert "Third was asked to co-sign and has not done so yet." in said
    assert "Left the hospital" in operator.get("record", unsigned).page.text
    assert "1 asks for your co-signature" in Visitor(third).get("today").page.ids["to-sign"]
