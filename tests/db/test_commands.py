"""Each command does what it says, once."""

import pytest

from procedures.models import Case
from tests.world import World

pytestmark = pytest.mark.django_db


def test_a_whole_case_can_be_done_step_by_step(world: World) -> None:
    case_id = world.started("T12", "L1")
    world.do_until(case_id, "never")
    case = Case.objects.get(pk=case_id)
    assert (case.done, case.spine) == (case.total, "d" * 11)
