"""The whole procedure on the Case screen: phases with their rows, and the level grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from procedures import rules
from procedures.definitions import Phase, Repeats
from procedures.progress import Place
from procedures.state import LevelStatus, StepStatus

from .parts import PHASE_LABELS, flag_words, short_values
from .view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the checklist. `state`: pending, done, not_done, not_applicable; `flags` are words."""

    key: str
    seed: int | None
    title: str
    where: str
    state: str
    current: bool
    summary: str
    at: datetime | None
    initials: str
    flags: list[str]
    entries: int
    missing: int
    unverified: bool
    disputed: bool
    owed: bool
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseView:
    """A stretch of the procedure. `settled`: nothing open in it, so it folds to one line."""

    code: str
    label: str
    rows: list[Row]
    done: int
    total: int
    settled: bool
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """One side of a cell of the level grid (`side` empty: the whole cell). `key`: the inner step to open."""

    side: str
    side_name: str
    key: str
    state: str
    current: bool
    text: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One column of a vertebra in the grid."""

    label: str
    halves: list[Half]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelView:
    """A vertebra: its cells, its rows, and its state in words."""

    vertebra: str
    state: str
    planned: bool
    reason: str
    sides: list[str]
    cells: list[Cell]
    rows: list[Row]
    open_side: str


class Procedure:
    """Draws rows, phases and levels of a case, with the step in hand marked."""

    def __init__(self, view: View, current: str) -> None:
        self.view = view
        self.current = current

    def phase(self, phase: Phase, *, with_rows: bool = True) -> PhaseView:
        """A phase with its counts; its rows too where wanted."""
        places = [p for p in self.view.progress.places.values() if p.definition.phase is phase]
        expected = [p for p in places if self.view.progress.expected(p)]
        settled = sum(self.view.progress.settled(p) for p in expected)
        rows = [self.row(p) for p in places if not p.key.level] if with_rows else []
        return PhaseView(
            code=phase.value,
            label=str(PHASE_LABELS[phase]),
            rows=rows,
            done=settled,
            total=len(expected),
            settled=bool(expected) and settled == len(expected),
            current=any(p.text == self.current for p in places),
        )

    def row(self, place: Place) -> Row:
        """One line of the checklist."""
        mark = place.step.mark
        deficits = self.view.progress.deficits_of(place)
        return Row(
            key=place.text,
            seed=place.definition.seed,
            title=place.definition.title,
            where=self.view.where(place.key),
            state=place.step.status.value,
            current=place.text == self.current,
            summary=short_values(place),
            at=mark.performed_at if mark else None,
            initials=self.view.names[mark.performed_by].initials if mark else "",
            flags=flag_words(mark) if mark else [],
            entries=len(place.step.live),
            missing=sum(d.what == "field" for d in deficits),
            unverified=any(d.what == "verification" for d in deficits),
            disputed=any(d.what == "dispute" for d in deficits),
            owed=self.view.progress.behind_partner(place),
            optional=not self.view.progress.expected(place),
        )

    # The grid -----------------------------------------------------------------------------------------------

    @cached_property
    def columns(self) -> list[str]:
        """The columns of the level grid."""
        return list(dict.fromkeys(step.column for step in self.view.protocol.steps if step.column))

    def level(self, vertebra: str, *, with_rows: bool = True) -> LevelView:
        """A vertebra with its cells; its rows too where wanted."""
        level = self.view.state.levels[vertebra]
        places = [p for p in self.view.progress.places.values() if p.key.level == vertebra]
        status = self.view.progress.level_status(level)
        free = [side for side in ("left", "right") if side not in level.sides]
        return LevelView(
            vertebra=vertebra,
            state=status.value,
            planned=level.planned,
            reason=level.reason,
            sides=list(level.sides),
            cells=[self._cell(label, level.sides, places) for label in self.columns],
            rows=[self.row(p) for p in places] if with_rows else [],
            open_side=free[0] if level.sides and free and status is LevelStatus.OPEN else "",
        )

    def _cell(self, label: str, sides: Sequence[str], places: list[Place]) -> Cell:
        inside = [p for p in places if p.definition.column == label]
        by_side = any(p.definition.repeats is Repeats.ACCESS for p in inside)
        halves = sides if by_side and sides else ("",)
        return Cell(label=label, halves=[self._half(side, inside) for side in halves])

    def _half(self, side: str, inside: list[Place]) -> Half:
        rows = [p for p in inside if not side or p.key.side in ("", side)]
        expected = [p for p in rows if self.view.progress.expected(p)]
        open_rows = [p for p in expected if not self.view.progress.settled(p)]
        last = max(
            (p.step.mark for p in rows if p.step.mark), key=lambda entry: entry.performed_at, default=None
        )
        if not open_rows:
            marks = {p.step.status for p in expected}
            state = "done" if StepStatus.DONE in marks else ("skipped" if marks else "none")
        else:
            state = "begun" if last else "pending"
        target = open_rows[0] if open_rows else rows[-1]
        return Half(
            side=side,
            side_name=rules.side_name(side),
            key=str(target.key),
            state=state,
            current=any(p.text == self.current for p in rows),
            text=next((text for p in rows if (text := short_values(p))), ""),
            at=last.performed_at if last else None,
        )
