"""Where the time goes: parts of the case, its steps, and the learning curve."""

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from procedures import plots, statistics
from procedures.groups import TOGETHER, By, split
from procedures.statistics import Box, Curve

from . import words
from .sections import HOW_BOXES, Drawing, Found, Section, Selection, box_rows, box_table, unit_columns
from .tables import Cell, Column, Kind, Table


def stretches(selection: Selection) -> Section:
    """Skin to skin and the parts of the case."""

    parts = selection.each(statistics.stretches)

    def measured(names: Sequence[str]) -> list[tuple[str, Found]]:
        return [
            (str(words.STRETCHES[name]), {group: found.get(name) for group, found in parts.items()})
            for name in names
        ]

    at_table = [(_("Skin to skin"), selection.each(statistics.skin)), *measured(words.AT_TABLE)]
    around = measured(words.AROUND)
    return Section(
        slug="stretches",
        title=_("Where the time goes"),
        reading=_stretches_read(
            statistics.skin(selection.cases), selection.whole(parts, statistics.stretches)
        ),
        method=_("A part of the case lasts from the entry before it to its own last one. %(boxes)s")
        % {"boxes": HOW_BOXES},
        table=box_table(selection, _("Part of the case"), [*at_table, *around], minute_columns()),
        drawings=_drawn_boxes(selection.by, [("", at_table), ("", around)]),
        wide=selection.by is not By.NOTHING,
    )


def minute_columns() -> list[Column]:
    """The columns of a distribution of times."""
    return unit_columns(_("min"), Kind.MINUTES, _("Cases"))


def _drawn_boxes(by: By, panels: Sequence[tuple[str, Sequence[tuple[str, Found]]]]) -> list[Drawing]:
    drawn = [
        (title, plots.boxes(box_rows(by, measured, words.minutes), _("minutes"), clock=True))
        for title, measured in panels
    ]
    return [Drawing(kind="boxes", title=title, plot=plot) for title, plot in drawn if plot]


def _stretches_read(skin: Box | None, parts: Mapping[str, Box]) -> str:
    known = {name: found.median for name, found in parts.items() if name in words.AT_TABLE}
    if not skin or not known:
        return _("No case of this selection went from the first needle in to the last needle out.")
    longest = max(known, key=lambda name: known[name])
    return _(
        "Half of the cases took %(low)s to %(high)s min from skin to skin. At the table the longest part is "
        "“%(part)s”: median %(median)s min."
    ) % {
        "low": words.minutes(skin.q1),
        "high": words.minutes(skin.q3),
        "part": words.STRETCHES[longest],
        "median": words.minutes(known[longest]),
    }


def steps(selection: Selection) -> Section:
    """Each step of the protocol that any of the cases has."""
    each = selection.each(statistics.steps)
    panels: list[tuple[str, list[tuple[str, Found]]]] = []
    for title, phases in words.PANELS:
        known: list[tuple[str, Found]] = [
            (step.title, {group: found.get(step.code) for group, found in each.items()})
            for step in selection.steps
            if step.phase in phases and any(step.code in found for found in each.values())
        ]
        if known:
            panels.append((str(title), known))
    return Section(
        slug="steps",
        title=_("Time of each step"),
        reading=_steps_read(selection, selection.whole(each, statistics.steps)),
        method=_(
            "A step lasts from the entry before it to its own; all vertebrae, sides and repetitions of a case "
            "together. Boxes as above."
        ),
        table=box_table(
            selection, _("Step"), [pair for _title, found in panels for pair in found], minute_columns()
        ),
        drawings=_drawn_boxes(selection.by, panels),
        wide=True,
    )


def _steps_read(selection: Selection, known: Mapping[str, Box]) -> str:
    in_room = {phase for _title, phases in words.PANELS[1:4] for phase in phases}
    titles = {step.code: step.title for step in selection.steps if step.phase in in_room}
    longest = sorted(
        ((known[code].median, title) for code, title in titles.items() if code in known), reverse=True
    )[:3]
    if not longest:
        return _("No step of this selection has a time.")
    return _("In the room these take longest: %(steps)s.") % {
        "steps": "; ".join(f"{title} ({words.minutes(median)} min)" for median, title in longest)
    }


BLOCKS = (10, 20, 50, 100, 200, 500, 1000)


def learning(selection: Selection) -> Section:
    """Minutes per vertebra against the operator's running number."""
    by_operator = split(selection.viewer, selection.cases, By.OPERATOR).groups
    known = [
        (selection.name(group, By.OPERATOR), curve)
        for group in by_operator
        if group.key.isdigit() and (curve := statistics.curve(group.cases))
    ]
    together = any(group.key == TOGETHER for group in by_operator)
    plot = plots.curves([Curve(c.operator, name, c.minutes, c.running) for name, c in known])
    method = _(
        "Minutes from skin to skin for each treated vertebra, by the operator's running number within the selection. "
        "The line is the running median of 11 cases: five before, itself and five after."
    )
    if together:
        method += " " + _("Operators with fewer than 5 cases are not drawn.")
    return Section(
        slug="learning",
        title=_("Learning curve"),
        reading=_learning_read(known),
        method=method,
        table=Table(
            [
                Column(_("Operator")), Column(_("From case"), Kind.COUNT), Column(_("To case"), Kind.COUNT),
                Column(_("25 %, min"), Kind.MINUTES), Column(_("Median, min"), Kind.MINUTES),
                Column(_("75 %, min"), Kind.MINUTES),
            ],
            [row for name, curve in known for row in _blocks(name, curve)],
        ),
        drawings=[Drawing(kind="curves", plot=plot)] if plot else [],
    )  # fmt: skip


def _blocks(name: str, curve: Curve) -> list[list[Cell]]:
    size = next((size for size in BLOCKS if len(curve.minutes) / size <= 10), BLOCKS[-1])
    rows: list[list[Cell]] = []
    for start in range(0, len(curve.minutes), size):
        part = curve.minutes[start : start + size]
        found = statistics.box(part)
        if found:
            rows.append([name, start + 1, start + len(part), found.q1, found.median, found.q3])
    return rows


def _learning_read(known: Sequence[tuple[str, Curve]]) -> str:
    if not known:
        return _("No operator of this selection has a time from skin to skin.")
    name, curve = known[0]
    return _(
        "%(name)s: the running median went from %(first)s to %(last)s min per vertebra over %(n)d cases."
    ) % {
        "name": name,
        "first": words.minutes(curve.running[0]),
        "last": words.minutes(curve.running[-1]),
        "n": len(curve.minutes),
    }
