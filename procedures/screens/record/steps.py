"""Step by step: every entry with its values, also those taken back."""

from collections.abc import Iterator
from dataclasses import dataclass

from procedures.definitions import Phase
from procedures.progress import Place
from procedures.screens.parts import PHASE_LABELS, EntryView, entry_view
from procedures.screens.view import View

from .words import LEVEL_LABELS


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordStep:
    """One step with every entry, also those taken back."""

    key: str
    seed: int | None
    title: str
    where: str
    state: str
    entries: list[EntryView]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPart:
    """A phase, or one vertebra, with its recorded steps."""

    title: str
    note: str
    steps: list[RecordStep]


def parts(view: View) -> list[RecordPart]:
    """The phases in order; the level phase as what is once for the case, then vertebra by vertebra."""
    found = []
    for phase in Phase:
        steps = [s for p in _places(view, phase) if not p.key.level and (s := _step(view, p))]
        if steps:
            found.append(RecordPart(title=str(PHASE_LABELS[phase]), note="", steps=steps))
        if phase is Phase.LEVEL:
            for level in view.state.in_order():
                inside = [p for p in _places(view, phase) if p.key.level == level.vertebra]
                steps = [s for p in inside if (s := _step(view, p))]
                state = str(LEVEL_LABELS[view.progress.level_status(level)])
                note = f"{state}: {level.reason}" if level.reason else state
                found.append(RecordPart(title=level.vertebra, note=note, steps=steps))
    return found


def _places(view: View, phase: Phase) -> Iterator[Place]:
    return (p for p in view.progress.places.values() if p.definition.phase is phase)


def _step(view: View, place: Place) -> RecordStep | None:
    if not place.step.entries:
        return None
    return RecordStep(
        key=place.text,
        seed=place.definition.seed,
        title=place.definition.title,
        where=view.where(place.key),
        state=place.step.status.value,
        entries=[entry_view(view, place, e, whole=True) for e in place.step.entries],
    )
