"""The case log as a page: whose cases, filters with sealed words, orders, pages, saved views, what it costs."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.urls import reverse

from procedures import clock, commands, directory
from procedures.definitions import Role
from procedures.models import CaseTeam, Membership, SavedView
from tests.web.test_queries import at_most
from tests.web.visitor import Answer, Visitor
from tests.world import World

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
LOG = 6


def shown(answer: Answer) -> list[str]:
    """The cases of the page, in order."""
    assert answer.status == 200
    return [link.split("/")[2] for link in answer.page.links if link.endswith("/record/")]


def keep(visitor: Visitor, fields: dict[str, str]) -> Answer:
    """Send the form that keeps a view; one of its fields is called name."""
    return visitor.ask("POST", reverse("view-save"), fields)


@pytest.fixture
def three(world: World) -> list[UUID]:
    return [
        world.open("L1", mrn=f"77{n}", family_name=name, scheduled_at=MORNING + timedelta(days=n))
        for n, name in enumerate(("Rossi", "Åberg", "Okafor"))
    ]


@pytest.fixture
def operator(world: World) -> Visitor:
    return Visitor(world.operator)


def test_the_newest_come_first_and_each_row_leads_to_its_record(
    world: World, three: list[UUID], operator: Visitor
) -> None:
    answer = operator.get("case-log")
    assert shown(answer) == [str(pk) for pk in reversed(three)]
    assert "ROSSI, Maria" in answer.page.text
    assert "3 cases on this page" in answer.page.text


def test_the_figures_come_by_themselves_after_the_rows_or_at_once_where_they_are_asked_for(
    world: World, three: list[UUID], operator: Visitor
) -> None:
    asked = operator.get("case-log", status="scheduled")
    assert 'id="figures"' in asked.html
    assert 'hx-get="/log/?status=scheduled" hx-trigger="load"' in asked.html
    assert "vertebrae with cement" not in asked.html
    given = operator.ask("GET", "/log/?status=scheduled", htmx=True, headers={"HX-Target": "figures"}).page
    assert (given.top, "3cases" in given.text) == (["figures"], True)
    assert "vertebrae with cement" in operator.get("case-log", figures="1").html


def test_nobody_of_another_unit_sees_them(world: World, three: list[UUID]) -> None:
    assert shown(Visitor(world.stranger).get("case-log")) == []


def test_words_are_looked_for_and_no_address_holds_them(
    world: World, three: list[UUID], operator: Visitor
) -> None:
    answer = operator.post("case-log-find", words="rossi", status="scheduled", level=["L1", "L2"])
    assert answer.status == 302
    where = answer.location
    assert "rossi" not in where.lower()
    query = parse_qs(urlsplit(where).query)
    assert (query["status"], query["level"]) == (["scheduled"], ["L1", "L2"])
    page = Answer(operator.client.get(where))
    assert shown(page) == [str(three[0])]
    assert "“rossi”" in page.page.text
    assert page.page.inputs["words"]["value"] == "rossi"


def test_too_many_words_are_refused_and_stay(world: World, three: list[UUID], operator: Visitor) -> None:
    answer = operator.post("case-log-find", words="one two three four five six", status="scheduled")
    assert answer.status == 422
    assert "At most 5 words" in answer.page.text
    assert answer.page.inputs["words"]["value"] == "one two three four five six"
    assert "Scheduled" in answer.page.text


def test_an_impossible_filter_is_named_and_the_rest_holds(
    world: World, three: list[UUID], operator: Visitor
) -> None:
    answer = operator.get("case-log", level="L9", since="2026-11-21", version="two")
    assert shown(answer) == [str(three[2]), str(three[1])]
    assert "Vertebra: This choice is not known. This filter was left out" in answer.page.text
    assert "Protocol version: This choice is not known." in answer.page.text


def test_a_column_sorts_and_turns(world: World, three: list[UUID], operator: Visitor) -> None:
    answer = operator.get("case-log", sort="patient", status="scheduled")
    assert shown(answer) == [str(three[2]), str(three[0]), str(three[1])]  # Okafor, Rossi, Åberg
    assert "/log/?status=scheduled&sort=-patient" in answer.page.links


def test_an_unknown_order_or_place_is_said(world: World, three: list[UUID], operator: Visitor) -> None:
    assert "cannot be sorted by that" in operator.get("case-log", sort="shoes").page.text
    assert "no longer known" in operator.get("case-log", at="xyz").page.text


def test_a_place_in_the_list_is_no_search_and_a_search_no_place(
    world: World, three: list[UUID], operator: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("procedures.caselog.pages.page.__defaults__", (1,))
    onward = next(x for x in operator.get("case-log", sort="patient").page.links if "at=" in x)
    token = parse_qs(urlsplit(onward).query)["at"][0]
    elsewhere = Visitor(world.stranger).get("case-log", find=token).page.text
    assert "This search is no longer known" in elsewhere
    assert "Okafor" not in elsewhere
    searched = operator.post("case-log-find", words="rossi").location
    words = parse_qs(urlsplit(searched).query)["find"][0]
    assert "This page is no longer known" in operator.get("case-log", at=words).page.text


def test_a_note_that_waits_says_for_how_long(world: World, operator: Visitor) -> None:
    case_id = world.started("L1")
    world.do_until(case_id, "REC-HO")
    assert "To be signed · today" in operator.get("case-log", flag="unsigned", operator="me").page.text
    world.sign(case_id)
    assert shown(operator.get("case-log", flag="unsigned")) == []
    commands.add_addendum(world.command(case_id), reason="Forgotten", text="Told the family")
    assert "Signed · 1 added" in operator.get("case-log", flag="signed").page.text


def test_a_row_shows_where_the_time_went(world: World, operator: Visitor) -> None:
    begun = clock.now() - timedelta(hours=2)
    case_id = world.open("L1")
    commands.start(world.command(case_id), performed_at=begun)
    world.do(case_id, "PRE-ID", performed_at=begun + timedelta(minutes=5))
    world.rush(case_id, "K01", performed_at=begun + timedelta(minutes=20))
    world.rush(case_id, "K09c", performed_at=begun + timedelta(minutes=50))
    world.do_until(case_id, "REC-HO")
    labels = [value for tag, name, value in operator.get("case-log").page.attributes if name == "aria-label"]
    assert any("on the table: Room, until draped 15 min" in label for label in labels)


# Views --------------------------------------------------------------------------------------------------------------


def test_a_view_is_kept_opened_replaced_and_taken_away(
    world: World, three: list[UUID], operator: Visitor
) -> None:
    keep(operator, {"name": " My  unsigned ", "flag": "unsigned", "sort": "patient", "at": "zz"})
    view = SavedView.objects.get()
    assert (view.name, view.query, view.user) == ("My unsigned", "flag=unsigned&sort=patient", world.operator)
    assert "/log/?flag=unsigned&sort=patient" in operator.get("case-log").page.links
    keep(operator, {"name": "My unsigned", "flag": "late"})
    assert SavedView.objects.get().query == "flag=late"
    Visitor(world.nurse).post("view-forget", view.pk)
    assert SavedView.objects.exists()
    operator.post("view-forget", view.pk)
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "a\x00b"])
def test_a_view_needs_a_name(world: World, operator: Visitor, name: str) -> None:
    assert keep(operator, {"name": name}).status == 302
    assert not SavedView.objects.exists()
    assert "Give it a name" in operator.get("case-log").page.text


def test_views_of_ones_signatures_are_for_who_can_sign(
    world: World, operator: Visitor, nurse: Visitor, stranger: Visitor
) -> None:
    offered = "Mine to sign", "Mine to co-sign"
    assert all(words in operator.get("case-log").html for words in offered)
    assert not any(words in nurse.get("case-log").html for words in offered)
    case = world.open("L1")
    Membership.objects.filter(user=world.stranger).update(role=Role.CIRCULATING_NURSE)
    assert not any(words in stranger.get("case-log").html for words in offered)
    CaseTeam.objects.create(
        case_id=case, user=world.stranger, role=Role.OPERATOR, unit=world.unit, since=clock.now()
    )
    assert all(words in stranger.get("case-log").html for words in offered)


def test_views_have_a_limit(world: World, operator: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SavedView, "MOST", 1)
    keep(operator, {"name": "one"})
    keep(operator, {"name": "two"})
    assert [view.name for view in SavedView.objects.all()] == ["one"]


# Cost ---------------------------------------------------------------------------------------------------------------


def test_the_page_costs_few_statements_whatever_it_shows(
    world: World, three: list[UUID], operator: Visitor
) -> None:
    directory.forget()
    operator.get("case-log")
    with at_most(LOG):
        operator.get("case-log")
    address: dict[str, object] = {
        "level": ["L1", "T12"],
        "operator": "me",
        "sort": "-patient",
        "flag": "deficits",
        "since": "2026-01-01",
    }
    with at_most(LOG):
        operator.ask("GET", reverse("case-log"), dict(address))
