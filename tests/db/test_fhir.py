"""The FHIR bundle of a case: four validators let it pass, whatever state the case is in, and none of its mutations."""

import json

import pytest
from pytest_django import DjangoDbBlocker

from procedures.exports import as_fhir
from procedures.screens.view import View
from tests.fhir import stage, validators
from tests.fhir.mutations import MUTATIONS
from tests.fhir.reader import Reader
from tests.fhir.validators import problems
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def view(suite: World, django_db_blocker: DjangoDbBlocker) -> View:
    """The whole case."""
    return stage.whole(suite).view()


@pytest.fixture(scope="module")
def good(view: View) -> bytes:
    """Its bundle, identified."""
    return as_fhir.bundle(view, identified=True)


@pytest.fixture(scope="module")
def plays(suite: World, django_db_blocker: DjangoDbBlocker) -> dict[str, stage.Play]:
    """A case in every other state."""
    return stage.states(suite)


# Validity -----------------------------------------------------------------------------------------------------------


def test_a_good_bundle_passes_all_validators(view: View, good: bytes) -> None:
    assert problems(good) == {}
    assert problems(as_fhir.bundle(view, identified=False)) == {}


@pytest.fixture(scope="module")
def caught(good: bytes) -> dict[str, set[str]]:
    """By which validators each mutation is caught."""
    found = {}
    for name, change in MUTATIONS.items():
        broken = json.loads(good)
        change(broken)
        found[name] = {validator for validator, check in validators.ALL.items() if check(broken)}
    return found


@pytest.mark.parametrize("name", MUTATIONS)
def test_each_mutation_is_caught(caught: dict[str, set[str]], name: str) -> None:
    assert caught[name]


def test_each_validator_catches_what_no_other_does(caught: dict[str, set[str]]) -> None:
    """Otherwise one of them would be for show. The models and the schema are two readings of the same shapes."""
    alone = [who for who in caught.values() if len(who) == 1 or who == {"models", "schema"}]
    assert set().union(*alone) == set(validators.ALL)


@pytest.mark.parametrize("identified", [True, False])
@pytest.mark.parametrize(
    ("name", "status", "levels"),
    [
        ("scheduled", "preparation", "preparation"),
        ("running", "in-progress", "in-progress"),
        ("moved", "in-progress", "preparation"),
        ("paused", "on-hold", "preparation"),
        ("recovery", "in-progress", "completed"),
        ("stopped", "stopped", "stopped"),
        ("cancelled", "not-done", "not-done"),
        ("voided", "entered-in-error", "entered-in-error"),
    ],
)
def test_every_state_of_a_case(
    plays: dict[str, stage.Play], name: str, status: str, levels: str, identified: bool
) -> None:
    view = plays[name].view()
    content = as_fhir.bundle(view, identified=identified)
    assert problems(content) == {}
    reader = Reader(content)
    assert reader.case()["status"] == status
    assert reader.level("L1")["status"] == levels
    owed = {task["code"]["coding"][0]["code"] for task in reader.all("Task") if task["status"] == "requested"}
    assert owed == {place.definition.code for place in view.progress.open_places}
