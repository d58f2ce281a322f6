"""`manage.py refold`: what is kept of a case beyond its log is folded anew after an update."""

from io import StringIO

import pytest
from django.core.management import call_command

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


def test_what_is_signed_is_left_as_it_is(world: World) -> None:
    world.signed("L1")
    assert refold() == "0 cases looked at, 0 folded anew"
