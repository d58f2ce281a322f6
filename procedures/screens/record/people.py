"""Who was there and did what: the team, the spoken checklists, the complications."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from procedures.definitions import FieldType, Milestone, Role, Step
from procedures.landmarks import Landmarks, entries
from procedures.models.people import ROLE_LABELS
from procedures.progress import Place
from procedures.screens.view import View
from procedures.state import Entry

from .words import Act, act, value

ANSWERS = {"yes", "no", "na"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody in the case. `role` is the one in this case; without one: somebody who did something all the same.

    `performed`, `recorded`, `verified`: how many entries that count, of any time.
    """

    name: str
    profession: str
    role: str
    since: datetime | None
    until: datetime | None
    performed: int
    recorded: int
    verified: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A spoken checklist. `answers`: item, answer, and whether the answer is not plainly yes."""

    act: Act
    title: str
    answers: list[tuple[str, str, bool]]
    facts: list[tuple[str, str]]
    present: str
    verified: str
    yes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Complication:
    """One complication, with what is said about it."""

    act: Act
    what: str
    where: str
    details: list[tuple[str, str]]


def people(view: View) -> list[Member]:
    """The team in the order of joining, then whoever else did, recorded or verified something."""
    live = [e for step in view.state.steps.values() for e in step.entries if e.live]
    performed = Counter(e.performed_by for e in live)
    recorded = Counter(e.recorded_by for e in live)
    verified = Counter(e.verified_by for e in live if e.verified_by)
    counts = {
        i: {"performed": performed[i], "recorded": recorded[i], "verified": verified[i]}
        for i in {*performed, *recorded, *verified, *(m.user for m in view.state.team)}
    }
    team = [
        Member(
            name=view.names[m.user].name,
            profession=view.names[m.user].profession,
            role=str(ROLE_LABELS[Role(m.role)]),
            since=m.since,
            until=m.until,
            **counts[m.user],
        )
        for m in view.state.team
    ]
    known = {m.user for m in view.state.team}
    others = sorted((i for i in counts if i not in known), key=lambda i: view.names[i].name)
    return team + [
        Member(
            name=view.names[i].name,
            profession=view.names[i].profession,
            role="",
            since=None,
            until=None,
            **counts[i],
        )
        for i in others
    ]


# Checklists -------------------------------------------------------------------------------------------------


def checks(view: View) -> list[Check]:
    """Every spoken checklist, in the order of time."""
    found = [
        _check(view, place, entry)
        for step in Landmarks(view.protocol).checklists
        for place, entry in entries(view.progress, step)
    ]
    return sorted(found, key=lambda c: (c.act.at.timestamp(), c.act.seq))


def _check(view: View, place: Place, entry: Entry) -> Check:
    step = place.definition
    items = {f.key for f in step.fields if dict(f.options).keys() == ANSWERS}
    answers = [
        (f.label, view.show(f, entry.values[f.key]), entry.values[f.key] != "yes")
        if f.key in entry.values
        else (f.label, _("not answered"), True)
        for f in step.fields
        if f.key in items
    ]
    others = [f for f in step.fields if f.key not in items and f.type is not FieldType.PEOPLE]
    return Check(
        act=act(view, place, entry),
        title=step.title,
        answers=answers,
        facts=[(f.label, view.show(f, entry.values[f.key])) for f in others if f.key in entry.values],
        present=_present(view, step, entry),
        verified=view.names[entry.verified_by].name if entry.verified_by else "",
        yes=sum(not doubtful for _label, _answer, doubtful in answers),
    )


def _present(view: View, step: Step, entry: Entry) -> str:
    f = next(f for f in step.fields if f.type is FieldType.PEOPLE)
    return view.show(f, entry.values[f.key]) if f.key in entry.values else ""


# Complications ----------------------------------------------------------------------------------------------


def complications(view: View) -> list[Complication]:
    """Every complication, in the order of time."""
    step = view.protocol.by_milestone.get(Milestone.COMPLICATION)
    return [_complication(view, place, entry) for place, entry in entries(view.progress, step)]


def _complication(view: View, place: Place, entry: Entry) -> Complication:
    heading = {"type", "level", "side"}
    where = [value(view, place, entry, key) for key in ("level", "side")]
    return Complication(
        act=act(view, place, entry),
        what=value(view, place, entry, "type"),
        where=" ".join(w if n == 0 else w.lower() for n, w in enumerate(where) if w),
        details=[
            (f.label, view.show(f, entry.values[f.key]))
            for f in place.definition.fields
            if f.key in entry.values and f.key not in heading
        ],
    )
