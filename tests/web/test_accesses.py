"""Each look at a patient's record, and each export, leaves who, when, what and by which right."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from procedures import access, clock
from procedures.models import Access, Membership
from tests.web.stage import Stage
from tests.web.visitor import Visitor
from tests.world import World, give_pin, tablet_of

pytestmark = pytest.mark.django_db

# What each page that shows one patient leaves. A page of a case that is not named here shows nothing of a patient.
LOOKS = {
    "case": "case", "step": "case", "entry": "case", "missing": "case", "changes": "case", "case-offline": "offline",
    "record": "record", "export-print": "print", "case-paper": "paper", "manage": "manage", "reconcile": "case",
    "handover": "case", "entry-move": "case", "plan": "manage", "export-pdf": "pdf", "export-fhir": "fhir",
    "accesses": "accesses", "note": "note", "sign": "note", "addendum": "note",
}  # fmt: skip
NOTHING = {"case-stream"}  # wakes the page, and says nothing


def test_every_page_of_a_case_leaves_one_row(world: World, operator: Visitor) -> None:
    stage = Stage(world)
    pages = [name for name in stage.requests if stage.requests[name].args and "/cases/" in path(stage, name)]
    unknown = []
    for name in pages:
        access.forget()
        before = set(Access.objects.values_list("pk", flat=True))
        for _twice in range(2):
            answer = operator.ask("GET", path(stage, name))
        left = [row.what for row in Access.objects.exclude(pk__in=before)]
        if answer.status == 200 and name not in NOTHING:
            if name not in LOOKS:
                unknown.append((name, left))
                continue
            assert left in ([LOOKS[name]], []), name
            if not left:  # in this hour the same has been looked at already, by another page of the same kind
                assert Access.objects.filter(
                    user=world.operator, case=stage.requests[name].args[0], what=LOOKS[name]
                )
    assert unknown == []


def path(stage: Stage, name: str) -> str:
    return reverse(name, args=stage.requests[name].args)


def test_one_row_a_person_page_tablet_and_hour(world: World) -> None:
    case_id = world.started("L1")
    give_pin(world.nurse)
    here, there = (Visitor.on(tablet_of(world.unit, name), world.nurse) for name in ("Room 1", "Room 2"))
    for visitor in (here, here, there, Visitor(world.nurse)):
        access.forget()
        visitor.get("record", case_id)
        visitor.get("case", case_id)
    rows = set(Access.objects.values_list("user", "what", "tablet__name", "right"))
    assert rows == {
        (world.nurse.pk, what, tablet, "member")
        for what in ("record", "case")
        for tablet in ("Room 1", "Room 2", None)
    }
    assert Access.objects.count() == 6
    with clock.at(clock.now() + timedelta(hours=1)):
        Visitor(world.nurse).get("record", case_id)
    assert Access.objects.count() == 7


def test_the_patients_page_shows_looks_and_exports_of_all_cases(
    world: World, operator: Visitor, nurse: Visitor
) -> None:
    first = world.started("L1", scheduled_at=datetime(2026, 11, 20, 9, tzinfo=UTC))
    second = world.open("T12")
    nurse.get("record", first)
    operator.get("export-pdf", second)
    asked = operator.post("export-ask", kind="csv", rows="case", names="1", reason="Audit of November")
    assert operator.ask("GET", f"{asked.location}file/").body
    page = operator.get("accesses", first).page
    for said in ("Ada Okafor", "Record", "PDF", "Export, CSV, with names: Audit of November", "Operator"):
        assert said in page.text, said
    assert "20 Nov 2026 L1" in page.text
    assert "22 Nov 2026 T12" in page.text
    assert page.text.count("taken away with names") == 3


@pytest.mark.parametrize(
    "sort", ["at", "-at", "who", "-who", "what", "case", "right", "tablet", "nonsense", "-"]
)
def test_it_is_sorted_by_each_column(world: World, operator: Visitor, nurse: Visitor, sort: str) -> None:
    case_id = world.started("L1", scheduled_at=datetime(2026, 11, 30, 9, tzinfo=UTC))
    later = world.started("L2", scheduled_at=datetime(2026, 12, 1, 9, tzinfo=UTC))
    nurse.get("record", case_id)
    operator.get("case", case_id)
    operator.get("case", later)
    answer = operator.get("accesses", case_id, sort=sort)
    assert answer.status == 200
    body = answer.html.split("<tbody>")[1]
    if sort == "case":  # by the day, not by the letters of its words
        assert body.index("30 Nov 2026") < body.index("1 Dec 2026")
    if sort.endswith("who"):
        assert (body.index("Ada Okafor") < body.index("Dr W. Chen")) is (sort == "who")


def test_a_span_of_days(world: World, operator: Visitor, nurse: Visitor) -> None:
    case_id = world.started("L1")
    with clock.at(datetime(2026, 3, 1, 12, tzinfo=UTC)):
        nurse.get("record", case_id)
    spans: list[tuple[dict[str, Any], bool]] = [
        ({"since": "2026-03-01", "until": "2026-03-01"}, True),
        ({"since": "2026-03-02"}, False),
        ({"until": "2026-02-28"}, False),
        ({"since": "nonsense"}, True),
        ({"since": "0001-01-01", "until": "9999-12-31"}, True),
    ]
    for span, is_there in spans:
        answer = operator.get("accesses", case_id, **span)
        assert answer.status == 200
        assert ("1 Mar 2026 12:00:00" in answer.html) is is_there, span


def test_who_may_know(world: World, operator: Visitor, nurse: Visitor, stranger: Visitor) -> None:
    case_id = world.started("L1")
    assert operator.get("accesses", case_id).status == 200
    assert Visitor(world.admin).get("accesses", case_id).status == 200
    assert stranger.get("accesses", case_id).status == 404
    assert nurse.get("accesses", case_id).status == 409
    Membership.objects.filter(user=world.nurse).update(charge=True)
    assert nurse.get("accesses", case_id).status == 200


def test_the_admin_sees_exports_of_the_own_people(world: World, operator: Visitor) -> None:
    world.open("L1")
    operator.post("export-ask", kind="csv", rows="case", names="1", reason="Audit of November")
    world.admin.is_staff = True
    world.admin.save()
    admin = Visitor(world.admin)
    answer = admin.get("admin:procedures_export_changelist")
    assert (answer.status, "Dr W. Chen" in answer.html) == (200, True)
    pk = world.operator.exports.get().pk
    assert "Audit of November" in admin.get("admin:procedures_export_change", pk).html
