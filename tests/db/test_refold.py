"""`manage.py refold`: what is kept of a case beyond its log is folded anew after an update."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from procedures.models import Case
from procedures.verification import verify
from tests.world import World

pytestmark = pytest.mark.django_db


def refold() -> str:
    said = StringIO()
    call_command("refold", stdout=said)
    return said.getvalue().strip()


def test_a_case_from_before_an_update_gets_what_the_update_keeps(world: World) -> None:
    old, untouched = world.started("L1"), world.open("L2", mrn="2")
    world.do(old, "PRE-ID")
    Case.objects.filter(pk=old).update(facets=[], words=[], timers=[])
    assert [fault for _n, fault in verify(old) if fault]
    assert refold() == "2 cases looked at, 1 folded anew"
    assert "level:L1" in Case.objects.get(pk=old).facets
    assert not [fault for _n, fault in verify() if fault]
    assert refold() == "2 cases looked at, 0 folded anew"
    assert Case.objects.get(pk=untouched).last_seq


def test_a_signed_case_gets_it_too_and_keeps_what_was_signed(world: World) -> None:
    case_id = world.signed("L1")
    Case.objects.filter(pk=case_id).update(
        words=[], facets=["flag:lost"]
    )  # as before an update: the owner may
    assert refold() == "1 cases looked at, 1 folded anew"
    assert not [fault for _n, fault in verify() if fault]
    with pytest.raises(IntegrityError, match="signed"), transaction.atomic():
        Case.objects.filter(pk=case_id).update(cement_ml=99)
