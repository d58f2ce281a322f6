"""The record in a few lines: the procedure in words, the figures, the facts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from procedures import rules
from procedures.definitions import Measure, Milestone, Phase, Role
from procedures.landmarks import Landmarks, at, entries, measured
from procedures.models.case import ANAESTHESIA, INDICATIONS
from procedures.screens.view import View
from procedures.state import CaseStatus, LevelState, LevelStatus

from .doses import Radiation
from .words import clock_time, lasted, moment

BOTH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One large number with what it is. `tone`: "warn" where it should be looked at."""

    key: str
    label: str
    value: str
    note: str = ""
    tone: str = ""


# The procedure in words -------------------------------------------------------------------------------------


def title(view: View) -> str:
    """What was done, or is planned: "Balloon kyphoplasty T12, L1, both sides; L2 abandoned"."""
    levels = view.state.in_order()
    marks = Landmarks(view.protocol)
    entered = [lv for lv in levels if lv.sides and at(view.progress, marks.needle, lv.vertebra)]
    if not entered:
        planned = ", ".join(lv.vertebra for lv in levels)
        words = {"procedure": view.protocol.title, "levels": planned}
        if view.state.status(view.protocol) in (CaseStatus.STOPPED, CaseStatus.CANCELLED, CaseStatus.VOIDED):
            return _("%(procedure)s %(levels)s, not done") % words
        return _("%(procedure)s %(levels)s, planned") % words
    treated = [
        lv for lv in entered if at(view.progress, marks.cement, lv.vertebra) or lv.status is LevelStatus.OPEN
    ]
    with_balloon = [lv for lv in treated if at(view.progress, marks.balloon, lv.vertebra)]
    without = [lv for lv in treated if lv not in with_balloon]
    said = []
    if with_balloon:
        said.append(_("Balloon kyphoplasty %(levels)s") % {"levels": _with_sides(with_balloon)})
    if without:
        name = _("Vertebroplasty %(levels)s") if _cemented(view, without) else _("Needle in %(levels)s")
        said.append(name % {"levels": _with_sides(without)})
    said += [_closed(lv) for lv in levels if lv.status in (LevelStatus.ABANDONED, LevelStatus.DEFERRED)]
    return "; ".join(said)


def _cemented(view: View, levels: list[LevelState]) -> bool:
    cement = Landmarks(view.protocol).cement
    return all(at(view.progress, cement, lv.vertebra) for lv in levels)


def _closed(level: LevelState) -> str:
    words = {"level": level.vertebra}
    if level.status is LevelStatus.ABANDONED:
        return _("%(level)s abandoned") % words
    return _("%(level)s deferred") % words


def _with_sides(levels: list[LevelState]) -> str:
    """ "T12, L1, both sides", or each with its own: "T12 left, L1 both sides"."""
    sides = {lv.sides for lv in levels}
    if len(sides) == 1:
        names = ", ".join(lv.vertebra for lv in levels)
        return f"{names}, {_sides(levels[0].sides)}"
    return ", ".join(f"{lv.vertebra} {_sides(lv.sides)}" for lv in levels)


def _sides(sides: tuple[str, ...]) -> str:
    return _("both sides") if len(sides) == BOTH else rules.side_name(sides[0])


# Figures ----------------------------------------------------------------------------------------------------


def in_room(view: View) -> tuple[datetime, datetime] | None:
    """From the first act in the room until the patient was turned and transferred; None while that is not known."""
    acts = [(p.definition, e.performed_at) for p in view.progress.places.values() for e in p.step.live]
    first = [at_ for step, at_ in acts if step.phase is Phase.ROOM]
    turned = [at_ for step, at_ in acts if step.milestone is Milestone.TURNED]
    return (min(first), max(turned)) if first and turned and min(first) < max(turned) else None


def figures(view: View, radiation: list[Radiation]) -> Iterator[Figure]:
    """The numbers that a surgeon looks for first."""
    summary = view.progress.summary()
    if room := in_room(view):
        yield Figure(key="room", label=_("In the room"), value=lasted(room[1] - room[0]), note=_span(*room))
    needle, out = summary.first_needle_at, summary.last_needle_out_at
    if needle and out and out > needle:
        yield Figure(key="skin", label=_("Skin to skin"), value=lasted(out - needle), note=_span(needle, out))
    if entries(view.progress, Landmarks(view.protocol).cement):
        yield Figure(
            key="cement", label=_("Cement in all"), value=f"{summary.cement_ml} mL", note=_levels_note(view)
        )
        yield _leak(view)
    number = summary.complications
    yield Figure(
        key="complications",
        label=_("Complications"),
        value=str(number) if number else _("none recorded"),
        tone="warn" if number else "",
    )
    dose = {r.key: r for r in radiation}
    if found := dose.get("fluoro_time") or dose.get("dap"):
        area = dose.get("dap")
        yield Figure(
            key="radiation",
            label=_("X-rays"),
            value=found.also or found.words,
            note=area.words if area and area is not found else "",
        )


def _span(start: datetime, end: datetime) -> str:
    over_night = f" (+{days})" if (days := (_date(end) - _date(start)).days) else ""
    return f"{clock_time(start)}–{clock_time(end)}{over_night}"


def _date(at_: datetime) -> date:
    return localtime(at_).date()


def _levels_note(view: View) -> str:
    cement = Landmarks(view.protocol).cement
    number = sum(bool(at(view.progress, cement, lv.vertebra)) for lv in view.state.in_order())
    return ngettext("in %(number)s vertebra", "in %(number)s vertebrae", number) % {"number": number}


def _leak(view: View) -> Figure:
    """Every kind of leak that any entry names: at the vertebrae and on the final images."""
    leak = view.progress.summary().leak
    kinds = {}
    for place, _entry, value in measured(view.progress, Measure.LEAK):
        options = dict(next(f.options for f in place.definition.fields if f.measures is Measure.LEAK))
        kinds.update({k: options.get(k, k) for k in value if k != "none"})
    word = {True: ", ".join(kinds.values()), False: _("none seen"), None: _("not recorded")}[leak]
    return Figure(key="leak", label=_("Cement leak"), value=word, tone="warn" if leak or leak is None else "")


# Facts ------------------------------------------------------------------------------------------------------


def facts(view: View) -> list[tuple[str, str]]:
    """Label and value; what has no value is left out."""
    case, summary = view.case, view.progress.summary()
    found = [
        (_("Indication"), str(INDICATIONS[case.indication])),
        (_("Levels"), ", ".join(summary.levels)),
        (_("Operator"), case.operator.display_name if case.operator else ""),
        (_("Assistants"), _named(view, Role.ASSISTANT)),
        (_("Anaesthesia by"), _named(view, Role.ANAESTHETIST, Role.SEDATION_NURSE)),
        (_("Planned anaesthesia"), str(ANAESTHESIA[case.anaesthesia])),
        (_("Anaesthesia"), anaesthesia(view)),
        (_("Room"), case.room),
        (_("Scheduled"), moment(case.scheduled_at)),
        (_("Started"), moment(case.started_at)),
        (_("First needle in"), moment(summary.first_needle_at)),
        (_("Last needle out"), moment(summary.last_needle_out_at)),
        (_("Ended"), moment(case.ended_at)),
        (_("Why it ended"), case.end_reason),
        (_("Protocol"), f"{view.protocol.title} v{view.protocol.number}"),
    ]
    return [(label, value) for label, value in found if value]


def _named(view: View, *roles: Role) -> str:
    names = [view.names[m.user].name for m in view.state.team if m.role in roles]
    return ", ".join(dict.fromkeys(names))


def anaesthesia(view: View) -> str:
    """What it was, in the order of time: "Moderate sedation, then General anaesthesia 12:40"."""
    found = sorted(
        (
            (entry.performed_at, place, value)
            for place, entry, value in measured(view.progress, Measure.ANAESTHESIA)
        ),
        key=lambda row: row[0].timestamp(),
    )
    said: list[str] = []
    for at_, place, value in found:
        f = next(f for f in place.definition.fields if f.measures is Measure.ANAESTHESIA)
        word = _("No sedation") if value == "none" else view.show(f, value)
        said.append(f"{word} {clock_time(at_)}" if said else word)
    return _(", then ").join(said)
