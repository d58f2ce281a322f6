"""Level by level and side by side: what went into each vertebra, and what came of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from django.utils.translation import gettext as _

from procedures import rules
from procedures.definitions import Measure, Phase, Step
from procedures.landmarks import Landmarks, at
from procedures.progress import Place
from procedures.screens.view import View
from procedures.state import Entry, LevelState, LevelStatus
from procedures.values import unit_name

from .words import LEVEL_LABELS, Said, amount, clock_time, exact, flags, value


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One side of a vertebra; a vertebra that nobody entered has one column without a side."""

    level: str
    side: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One vertebra over its columns."""

    level: str
    width: int
    status: str
    reason: str
    planned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What stands in one column, or in all columns of a vertebra: `width` of them."""

    width: int
    said: list[Said]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    key: str
    label: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Lines that belong together: needle, balloon, cement, the vertebra as a whole."""

    title: str
    rows: list[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelTable:
    """The whole table. Lines in which nothing stands are left out."""

    heads: list[Head]
    columns: list[Column]
    groups: list[Group]


def table(view: View) -> LevelTable | None:
    """The table of a case; None where it has no vertebra."""
    levels = view.state.in_order()
    if not levels:
        return None
    columns = [
        Column(level=level.vertebra, side=side, title=f"{level.vertebra} {rules.side_name(side)}".strip())
        for level in levels
        for side in level.sides or ("",)
    ]
    groups = [Group(title=title, rows=rows) for title, rows in _Table(view, columns).groups() if rows]
    return LevelTable(heads=[_head(view, level) for level in levels], columns=columns, groups=groups)


def _head(view: View, level: LevelState) -> Head:
    status = view.progress.level_status(level)
    return Head(
        level=level.vertebra,
        width=len(level.sides or ("",)),
        status=str(LEVEL_LABELS[status]) if status is not LevelStatus.COMPLETED else "",
        reason=level.reason,
        planned=level.planned,
    )


@dataclass(frozen=True)
class _Table:
    """Fills the lines from the entries of each access and each vertebra."""

    view: View
    columns: list[Column]

    @property
    def marks(self) -> Landmarks:
        return Landmarks(self.view.protocol)

    def groups(self) -> Iterator[tuple[str, list[Row]]]:
        marks = self.marks
        yield (
            _("Needle"),
            self._present(
                self._times(marks.needle, marks.needle_out, _("In and out")),
                *self._fields(marks.needle, "approach", "gauge", "attempts", "needle"),
                *self._fields(marks.specimen, "specimen"),
            ),
        )
        yield (
            _("Balloon"),
            self._present(
                self._times(marks.balloon, marks.balloon_out, _("In and out")),
                *self._fields(
                    marks.balloon, "balloon", "size", "pressure", "volume", "stop_reason", "rupture"
                ),
            ),
        )
        yield (
            _("Cement"),
            self._present(
                *self._fields(
                    marks.cement, "batch", "volume", "stop_reason", "leak", "leak_site", "consistency"
                ),
            ),
        )
        yield (
            _("Whole vertebra"),
            self._present(
                *self._level_check(),
                self._by_level("cement_total", _("Cement in all"), self._cement_total),
                self._by_level("leak_total", _("Leak at this vertebra"), self._leak_total),
                self._by_level("hardened", _("Hardened"), self._hardened),
            ),
        )

    @staticmethod
    def _present(*rows: Row) -> list[Row]:
        return [row for row in rows if any(cell.said for cell in row.cells)]

    def _place(self, step: Step, column: Column) -> Place | None:
        rows = self.view.progress.by_code.get(step.code, ())
        return next((p for p in rows if (p.key.level, p.key.side) == (column.level, column.side)), None)

    def _by_access(self, step: Step, key: str, label: str, say: Callable[[Place], list[Said]]) -> Row:
        cells = []
        for column in self.columns:
            place = self._place(step, column)
            cells.append(Cell(width=1, said=say(place) if place else []))
        return Row(key=key, label=label, cells=cells)

    def _by_level(self, key: str, label: str, say: Callable[[str], list[Said]]) -> Row:
        levels = dict.fromkeys(column.level for column in self.columns)
        width = {level: sum(c.level == level for c in self.columns) for level in levels}
        return Row(key=key, label=label, cells=[Cell(width=width[lv], said=say(lv)) for lv in levels])

    def _fields(self, step: Step | None, *keys: str) -> Iterator[Row]:
        """One line for each of the fields, with the values of every entry of the access."""
        for f in (step.field(key) for key in keys) if step else ():
            if step and f:
                yield self._by_access(step, f"{step.code}-{f.key}", f.label, partial(self._values, f.key))

    def _values(self, key: str, place: Place) -> list[Said]:
        """A value of each live entry; numbered where there are several."""
        live = place.step.live
        said = [(n, e, value(self.view, place, e, key)) for n, e in enumerate(live, start=1)]
        return [
            Said(
                text=f"{n}: {text}" if len(live) > 1 else text,
                seq=e.seq,
                flags=flags(e) if key in _FLAGGED else (),
            )
            for n, e, text in said
            if text
        ]

    def _times(self, first: Step | None, last: Step | None, label: str) -> Row:
        if first is None:
            return Row(key="", label=label, cells=[])

        def say(place: Place) -> list[Said]:
            out = at(self.view.progress, last, place.key.level, place.key.side) if last else []
            found = []
            for number, entry in enumerate(place.step.live):
                end = clock_time(out[number].performed_at) if number < len(out) else "…"
                text = f"{clock_time(entry.performed_at)}–{end}"
                told = flags(entry) + (flags(out[number]) if number < len(out) else ())
                found.append(Said(text=text, seq=entry.seq, flags=tuple(dict.fromkeys(told))))
            return found

        return self._by_access(first, f"{first.code}-times", label, say)

    def _level_check(self) -> Iterator[Row]:
        """The X-ray check and the local anaesthetic, once for each vertebra."""
        step = next(
            (
                s
                for s in self.view.protocol.phase(Phase.LEVEL)
                for f in s.fields
                if f.measures is Measure.LEVEL
            ),
            None,
        )
        if step:
            yield self._by_level(step.code, step.title, lambda level: self._checked(step, level))

    def _checked(self, step: Step, level: str) -> list[Said]:
        found = []
        for entry in at(self.view.progress, step, level):
            place = self.view.progress.places[f"{step.code}-{level}"]
            said = [value(self.view, place, entry, key) for key in ("level_read", "count_method")]
            seen = self.view.names[entry.verified_by].name if entry.verified_by else ""
            second = _("verified by %(name)s") % {"name": seen} if seen else _("not yet verified")
            text = ", ".join([clock_time(entry.performed_at), *(s for s in said if s), second])
            found.append(Said(text=text, seq=entry.seq, flags=flags(entry)))
        return found

    def _cement_total(self, level: str) -> list[Said]:
        given = at(self.view.progress, self.marks.cement, level)
        known = [ml for e in given if (ml := amount(e, "volume")) is not None]
        if not given:
            return []
        unit = self.marks.cement.field("volume") if self.marks.cement else None
        text = f"{exact(sum(known, Decimal()))} {unit_name(unit.unit) if unit else ''}".strip()
        lacking = len(given) - len(known)
        return [Said(text=text, flags=(_("a volume is missing"),) if lacking else ())]

    def _leak_total(self, level: str) -> list[Said]:
        """Every kind that was seen at the vertebra; none only where each injection was answered with none."""
        step, given = self.marks.cement, at(self.view.progress, self.marks.cement, level)
        f = step.measuring(Measure.LEAK) if step else None
        if f is None or not given:
            return []
        answers = [e.values.get(f.key) for e in given]
        kinds = [k for k, _l in f.options if k != "none" and any(k in (a or ()) for a in answers)]
        if kinds:
            return [Said(text=self.view.show(f, kinds), flags=(_("leak"),))]
        return [Said(text=_("none seen"))] if all(answers) else [Said(text=_("not recorded"))]

    def _hardened(self, level: str) -> list[Said]:
        return [
            Said(text=clock_time(e.performed_at), seq=e.seq, flags=_hard_flags(e))
            for e in at(self.view.progress, self.marks.hardened, level)
        ]


_FLAGGED = frozenset({"approach", "pressure", "volume"})  # one line of each entry carries its flags


def _hard_flags(entry: Entry) -> tuple[str, ...]:
    soft = entry.values.get("sample_hard") is False
    return (*flags(entry), *([_("sample not hard")] if soft else []))
