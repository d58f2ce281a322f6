"""Today: its cards, filters and days, and who sees which; the choice of light or dark."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.timezone import localtime

from procedures import clock, commands
from procedures.models import Case, Membership
from tests.web.visitor import Answer, Visitor
from tests.world import World

pytestmark = pytest.mark.django_db


def shown(answer: Answer) -> set[str]:
    assert answer.status == 200
    return {
        link.split("/")[2] for link in answer.page.links if link.startswith("/cases/") and "new" not in link
    }


def test_the_cards_of_the_day_and_what_still_runs(world: World, nurse: Visitor) -> None:
    now = clock.now()
    today = world.open(mrn="1", scheduled_at=now)
    old = world.started("L1", mrn="2", scheduled_at=now - timedelta(days=1))
    past = world.open(mrn="3", scheduled_at=now - timedelta(days=1))
    future = world.open(mrn="4", scheduled_at=now + timedelta(days=1))
    assert shown(nurse.get("today")) == {str(today), str(old)}
    day = localtime(now)
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    assert shown(nurse.get("today", day=f"{before:%Y-%m-%d}")) == {str(old), str(past)}
    assert shown(nurse.get("today", day=f"{after:%Y-%m-%d}")) == {str(future)}
    assert "No case here" in nurse.get("today", day="2031-05-06").page.text


def test_a_card_counts_what_somebody_has_to_look_at_again(world: World, nurse: Visitor) -> None:
    case_id = world.started("L1", mrn="1", scheduled_at=clock.now())
    keys = ("K08b-L1-left", "K09d-L1-left")
    world.rush(case_id, *keys)
    assert Case.objects.get(pk=case_id).to_reconcile == 2
    assert "2 to look at again" in nurse.get("today").page.text
    for key in keys:
        commands.reconcile(world.command(case_id), key, about=world.step(case_id, key).live[0].seq)
    assert "to look at again" not in nurse.get("today").page.text


def test_the_filters_by_room_and_state(world: World, nurse: Visitor) -> None:
    now = clock.now()
    waiting = world.open(mrn="1", scheduled_at=now)
    running = world.started("L1", mrn="2", scheduled_at=now)
    assert shown(nurse.get("today", state="scheduled")) == {str(waiting)}
    assert shown(nurse.get("today", state="in_progress")) == {str(running)}
    assert shown(nurse.get("today", room="IR room 2")) == {str(waiting), str(running)}
    assert shown(nurse.get("today", room="IR room 1")) == set()
    assert shown(nurse.get("today", state="no such state")) == set()


@pytest.mark.parametrize(
    "day",
    [
        "",
        "x",
        "0001-01-01",
        "9999-12-31",
        "2199-12-31",
        "2000-12-31",
        "1999-01-01",
        "2026-02-30",
        "\0",
        "٢٠٢٦-٠١-٠١",
    ],
)
def test_a_strange_day_is_today_or_empty(world: World, nurse: Visitor, day: str) -> None:
    assert nurse.get("today", day=day).status == 200


def test_a_card_says_what_matters(world: World, nurse: Visitor) -> None:
    case_id = world.started("T12", "L1", scheduled_at=clock.now(), allergies=["penicillin", "latex"])
    world.do(case_id, "PRE-ID", by="ward")
    text = nurse.get("today").page.text
    for words in ("ROSSI, Maria", "74 F", "IR room 2", "T12, L1", "Allergy: penicillin", "Allergy: latex",
                  "Next: Consent checked", "1 of ", "elapsed", "missing", "Dr W. Chen"):  # fmt: skip
        assert words in text, words


def test_each_unit_sees_its_own_and_a_team_keeps_its_case(world: World, stranger: Visitor) -> None:
    case_id = world.open(scheduled_at=clock.now())
    assert shown(stranger.get("today")) == set()
    assert "Rossi" not in stranger.get("today").html
    Membership.objects.filter(user=world.nurse).delete()
    assert shown(Visitor(world.nurse).get("today")) == {str(case_id)}, "in the team of the case"
    assert shown(Visitor(world.admin).get("today")) == {str(case_id)}


def test_who_may_not_open_a_case_is_not_invited_to(world: World, nurse: Visitor) -> None:
    assert "/cases/new/" in nurse.get("today").page.links
    assert "/cases/new/" not in Visitor(world.admin).get("today").page.links


def test_signed_out(nobody: Visitor) -> None:
    answer = nobody.get("today")
    assert (answer.status, answer.location) == (302, "/accounts/login/?next=/")
    assert nobody.get("today", htmx=True).status == 401


def test_a_cancelled_case_stays_in_the_day(world: World, nurse: Visitor) -> None:
    case_id = world.open(scheduled_at=clock.now())
    commands.cancel(world.command(case_id), reason="fever")
    assert "Cancelled" in nurse.get("today").page.text


# Light and dark ---------------------------------------------------------------------------------------------


def test_the_theme_is_kept_and_leads_back(nurse: Visitor) -> None:
    answer = nurse.post("theme", theme="dark", next="/?day=2026-01-02")
    assert (answer.status, answer.location) == (302, "/?day=2026-01-02")
    assert 'data-theme="dark"' in nurse.get("today").html
    nurse.post("theme", theme="system", next="/")
    assert "data-theme" not in nurse.get("today").html


@pytest.mark.parametrize(
    "back",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "case", "today",
     "new-case", "no-such-name", "x" * 9000, "/\r\nSet-Cookie: a=b", "\0", "http:///evil.example", "../../x"],
)  # fmt: skip
def test_it_never_leads_elsewhere_and_never_fails(nurse: Visitor, back: str) -> None:
    answer = nurse.post("theme", theme="light", next=back)
    assert answer.status in (302, 400)
    assert "evil" not in answer.location
    assert "\n" not in answer.location
    assert not answer.location.startswith(("//", "http", "javascript"))
    assert "a=b" not in answer.headers.get("Set-Cookie", "")


def test_a_case_of_the_night_lies_in_the_day_of_the_site(world: World, nurse: Visitor) -> None:
    case_id = world.open(scheduled_at=datetime(2026, 3, 4, 0, 0, tzinfo=UTC))
    assert shown(nurse.get("today", day="2026-03-04")) == {str(case_id)}
    assert shown(nurse.get("today", day="2026-03-03")) == set()
