"""What was taken away stays known: the rows of an export say what makes sense, and never less than before."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from procedures.models import Export, ExportedCase
from tests.world import World

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONG_AGO = datetime(1999, 1, 1, tzinfo=UTC)


@pytest.fixture
def given(world: World) -> dict[str, Any]:
    return {
        "user": world.operator, "asked_at": NOON, "kind": "csv", "rows": "case", "identified": True,
        "reason": "Audit", "right": "operator", "expected": 4, "query": "level=L1",
    }  # fmt: skip


REFUSED = {
    "export_kind_known": {"kind": "exe"},
    "export_rows_known": {"rows": "patient"},
    "export_identified_with_reason": {"reason": ""},
    "export_figures_of_a_plot": {"plot": "cement"},
    "export_begun_first": {"cases": 1},
    "export_times_in_range": {"asked_at": LONG_AGO},
}


@pytest.mark.parametrize(("name", "changes"), REFUSED.items(), ids=REFUSED)
def test_an_export_that_makes_no_sense_is_refused(
    name: str, changes: dict[str, Any], given: dict[str, Any]
) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Export.objects.create(**{**given, **changes})


def test_every_constraint_is_tried(world: World, given: dict[str, Any]) -> None:
    assert {c.name for c in Export._meta.constraints} == set(REFUSED)
    export, case_id = Export.objects.create(**given), world.open("L1")
    ExportedCase.objects.create(export=export, case_id=case_id)
    with pytest.raises(IntegrityError, match="exported_case_once"), transaction.atomic():
        ExportedCase.objects.create(export=export, case_id=case_id)


@pytest.mark.parametrize(
    "changes",
    [{"kind": "xlsx"}, {"rows": "side"}, {"identified": False}, {"reason": "Other"}, {"right": "member"},
     {"query": ""}, {"in_words": "L2"}, {"plot": "leaks"}, {"expected": 5},
     {"asked_at": datetime(2026, 11, 22, 13, tzinfo=UTC)}, {"cases": 1},
     {"begun_at": datetime(2026, 11, 22, 14, tzinfo=UTC)}, {"finished_at": None}],
)  # fmt: skip
def test_it_only_says_further_on_how_far_it_has_come(changes: dict[str, Any], given: dict[str, Any]) -> None:
    export = Export.objects.create(**given)
    Export.objects.filter(pk=export.pk).update(begun_at=NOON, cases=2)
    Export.objects.filter(pk=export.pk).update(cases=4, finished_at=NOON)
    with pytest.raises(IntegrityError, match="kept"), transaction.atomic():
        Export.objects.filter(pk=export.pk).update(**changes)
    with pytest.raises(IntegrityError, match="kept"), transaction.atomic():
        export.delete()
