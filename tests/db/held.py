"""What holds of a case after every event, for the random people of the replay."""

from dataclasses import asdict
from decimal import Decimal

from procedures import projection
from procedures.definitions import Key, Phase
from procedures.models import Case, Event, Level, Step
from procedures.progress import Progress
from procedures.state import MARKS, CaseStatus, EventKind

ENDED = {CaseStatus.COMPLETED, CaseStatus.CANCELLED, CaseStatus.STOPPED, CaseStatus.VOIDED}


def is_an_act(event: Event) -> bool:
    """A mark of a step, or an addendum that says something further was done."""
    further = event.kind == EventKind.ADDENDUM_ADDED and event.step_key and event.about is None
    return event.kind in MARKS or bool(further)


def takes_back(event: Event) -> bool:
    """Voided, or moved away to another case."""
    moved = event.kind == EventKind.EVENT_MOVED and "to" in event.data["values"]
    return moved or event.kind == EventKind.EVENT_VOIDED


def stored_as(case: Case, progress: Progress) -> None:
    """The columns of every row are what the state says."""
    row = projection.case_row(progress)
    assert {name: getattr(case, name) for name in row} == row
    assert asdict(progress.summary()).keys() <= row.keys()
    levels = {
        level.vertebra: projection.level_row(level, progress) for level in progress.state.levels.values()
    }
    columns = ["vertebra", "planned", "state", "reason", "sides", "closed"]
    assert {row["vertebra"]: row for row in Level.objects.filter(case=case).values(*columns)} == levels
    steps = {key: projection.step_row(step) for key, step in progress.state.steps.items()}
    stored = Step.objects.filter(case=case).values(*next(iter(steps.values())))
    assert {step["key"]: step for step in stored} == steps


def sensible(progress: Progress) -> None:
    """What must hold in every case, whatever was recorded."""
    summary = progress.summary()
    assert 0 <= summary.done <= summary.total
    assert (summary.next_step == "") or summary.status not in ENDED
    assert summary.cement_ml >= Decimal(0)
    for place in progress.places.values():
        live = [entry for entry in place.step.entries if entry.live]
        assert place.definition.many or len(live) <= 1, place.key
        if progress.behind_partner(place):
            assert progress.expected(place), place.key
            assert not progress.settled(place), place.key
        if place.definition.phase is Phase.ANY:
            assert not progress.expected(place)
    for level in progress.state.levels.values():
        rows = {
            key.side
            for key in map(Key.parse, progress.state.steps)
            if key.level == level.vertebra and key.side
        }
        assert set(level.sides) <= rows
