"""What the bench's generator stamps is a true record: chained, folded, and of people and patients that exist."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection

from procedures.models import Case, Event, Patient
from procedures.verification import verify
from tests.bench import shapes
from tests.bench.million import Stamper, fill, houses, patients

pytestmark = pytest.mark.django_db

NOW = datetime(2027, 3, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize("whole", [False, True])
def test_stamped_cases_pass_the_triggers_and_the_replay(whole: bool) -> None:
    suite, made = shapes.play(25, whole=whole, now=NOW)
    units = houses(suite, 3)
    connection.ensure_connection()
    raw: Any = connection.connection
    patients(raw, 40)
    written = fill(raw, Stamper(made, units, 1, 40), range(40))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # the foreign keys are judged
    assert Case.objects.count() == 65
    assert Event.objects.count() == written + sum(shape.events for shape in made)
    assert [fault for _count, fault in verify() if fault] == []
    copies = Case.objects.filter(patient__pk__gte=10_000_000, patient__pk__lt=shapes.FIRST_PATIENT)
    assert copies.count() == 40
    assert len({case.unit_id for case in copies}) == 3
    assert Patient.objects.filter(cases__in=copies).distinct().count() == 36, "some come twice"
    assert copies.filter(signed_at__isnull=False).count() > 20
    for case in copies:
        assert f"operator:{case.operator_id}" in case.facets
        assert case.unit.memberships.filter(user=case.operator_id).exists()
        assert case.opened_at < NOW
        opened = case.events.get(seq=1)
        assert opened.data["values"]["patient"] == case.patient.mrn
