"""The course of a case for the timeline: its phases, vertebrae, events, clocks and vitals, put into words."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures import intervals, rules, timeline, timers
from procedures.account import stretch, timed_acts
from procedures.definitions import Measure, Milestone, Phase, Step
from procedures.landmarks import Landmarks, at, entries
from procedures.progress import Place
from procedures.screens import vitals
from procedures.screens.view import View
from procedures.state import Entry, Event, EventKind, LevelState, LevelStatus
from procedures.timeline import Course, Lane, Moment, Stretch, Timeline
from procedures.values import unit_name

from .words import clock_time, day, drug, exact, is_number, lasted, value

STRETCHES = {
    "before": gettext_lazy("Before"),
    "room": gettext_lazy("Room"),
    "needle": gettext_lazy("Needle"),
    "balloon": gettext_lazy("Balloon"),
    "cement": gettext_lazy("Cement"),
    "hardened": gettext_lazy("Hardening"),
    "after": gettext_lazy("After"),
    "recovery": gettext_lazy("Recovery"),
    "discharge": gettext_lazy("Discharge"),
}
_BAD = (
    intervals.Verdict.TOO_EARLY,
    intervals.Verdict.TOO_LATE,
    intervals.Verdict.AFTER,
    intervals.Verdict.MISSED,
)


def plot(view: View, events: Sequence[Event]) -> Timeline | None:
    """The timeline of the case; None before anything was done."""
    if view.state.started_at is None:
        return None
    return timeline.draw(course(view, events), lambda moment: (clock_time(moment), day(moment)), lasted)


def course(view: View, events: Sequence[Event]) -> Course:
    """What the timeline shows."""
    acts = timed_acts(view.progress)
    in_room = [entry.performed_at for place, entry in acts if place.definition.phase is Phase.ROOM]
    turned = entries(view.progress, view.protocol.by_milestone.get(Milestone.TURNED))
    end = _end(view, acts)
    return Course(
        phases=_phases(view, acts),
        lanes=[lane for level in view.state.in_order() for lane in _lanes(view, level, end)],
        rows=[
            Lane(_("Events"), moments=sorted(_happenings(view, events), key=lambda m: m.at.timestamp())),
            Lane(_("Drugs"), moments=list(_drugs(view))),
        ],
        clocks=list(_clocks(view, end)),
        shades=list(_shades(events, end)),
        panels=vitals.panels(view.progress),
        room=min(in_room, default=None),
        after=turned[0][1].performed_at if turned else None,
    )


def until(view: View) -> datetime:
    """Up to when the record speaks: now, or the end of the case and of what was still done after it."""
    if view.state.ended_at is None:
        return view.now
    after = [e.performed_at for p in view.progress.places.values() for e in p.step.live if not e.added]
    return max([view.state.ended_at, *after], key=lambda moment: moment.timestamp())


def _end(view: View, acts: Sequence[tuple[Place, Entry]]) -> datetime:
    """Where what is still inside ends on the plot: with the case, else with the last act."""
    moments = [
        view.state.ended_at or view.state.started_at,
        *(entry.performed_at for _place, entry in acts[-1:]),
    ]
    return max((m for m in moments if m), key=lambda m: m.timestamp())


# Phases -----------------------------------------------------------------------------------------------------


def _phases(view: View, acts: Sequence[tuple[Place, Entry]]) -> list[Stretch]:
    """The time between two acts belongs to the one that ends it, so that the parts add up to the whole."""
    found: list[Stretch] = []
    since = view.state.started_at
    if since is None:
        return []
    for place, entry in acts:
        moment = entry.performed_at
        if moment <= since:
            continue
        kind = stretch(place.definition)
        if found and found[-1].kind == kind:
            found[-1] = Stretch(found[-1].start, moment, kind, found[-1].text)
        else:
            found.append(Stretch(since, moment, kind, str(STRETCHES[kind])))
        since = moment
    return found


# Vertebrae --------------------------------------------------------------------------------------------------


def _lanes(view: View, level: LevelState, end: datetime) -> Iterator[Lane]:
    """A lane for each side of a vertebra: needle, balloon, cement, hardening."""
    if not level.sides:
        yield Lane(level.vertebra, note=_lane_note(view, level, ""), kind="empty")
    for side in level.sides:
        yield Lane(
            f"{level.vertebra} {rules.side_name(side)}",
            list(_inside(view, level.vertebra, side, end)),
            list(_signs(view, level.vertebra, side)),
            note=_lane_note(view, level, side),
        )


def _inside(view: View, level: str, side: str, end: datetime) -> Iterator[Stretch]:
    marks, progress = Landmarks(view.protocol), view.progress
    cement = at(progress, marks.cement, level, side)
    hard = at(progress, marks.hardened, level)
    pairs = (("needle", marks.needle, marks.needle_out), ("balloon", marks.balloon, marks.balloon_out))
    for kind, first, last in pairs:
        out = at(progress, last, level, side) if last else []
        for number, entry in enumerate(at(progress, first, level, side) if first else []):
            ended = out[number].performed_at if number < len(out) else end
            yield Stretch(entry.performed_at, ended, kind)
    for entry in cement:
        began = entry.values.get("started_at")
        start = datetime.fromisoformat(began) if began else entry.performed_at
        yield Stretch(min(start, entry.performed_at), entry.performed_at, "cement")
    if cement:
        yield Stretch(cement[-1].performed_at, hard[-1].performed_at if hard else end, "hardening")


def _signs(view: View, level: str, side: str) -> Iterator[Moment]:
    """What went otherwise in a lane: a balloon that burst, a leak."""
    marks = Landmarks(view.protocol)
    for entry in at(view.progress, marks.balloon, level, side) if marks.balloon else []:
        if entry.values.get("rupture") is True:
            yield Moment(entry.performed_at, "rupture")
    leak = marks.cement.measuring(Measure.LEAK) if marks.cement else None
    for entry in at(view.progress, marks.cement, level, side) if leak else []:
        if leak and set(entry.values.get(leak.key, ())) - {"none"}:
            yield Moment(entry.performed_at, "leak")


def _lane_note(view: View, level: LevelState, side: str) -> str:
    """The cement of the lane, else what became of the vertebra."""
    cement = Landmarks(view.protocol).cement
    given = at(view.progress, cement, level.vertebra, side) if side else []
    known = [e.values["volume"] for e in given if "volume" in e.values]
    if known:
        total = sum((Decimal(v["amount"]) for v in known), Decimal())
        return f"{exact(total)} {known[0]['unit']}"
    if level.status is LevelStatus.ABANDONED:
        return _("abandoned")
    if level.status is LevelStatus.DEFERRED:
        return _("deferred")
    return ""


# Events -----------------------------------------------------------------------------------------------------

# Kind on the plot, words, and how soon it gets a line for them.
_OF_THE_CASE = {
    EventKind.CASE_STOPPED: ("stop", gettext_lazy("Case stopped"), 0),
    EventKind.EMERGENCY_ON: ("emergency", gettext_lazy("Emergency"), 0),
    EventKind.CASE_PAUSED: ("pause", gettext_lazy("Paused"), 1),
    EventKind.HANDOVER_ACCEPTED: ("handover", gettext_lazy("Handover"), 1),
    EventKind.LEVEL_ABANDONED: ("level", gettext_lazy("%(level)s abandoned"), 0),
    EventKind.LEVEL_DEFERRED: ("level", gettext_lazy("%(level)s deferred"), 1),
    EventKind.ADDENDUM_ADDED: ("addendum", gettext_lazy("Addendum"), 0),
}
_CHECKPOINTS = (Milestone.TIME_OUT, Milestone.SIGN_OUT, Milestone.TURNED)


def _happenings(view: View, events: Sequence[Event]) -> Iterator[Moment]:
    for event in events:
        if event.kind is EventKind.LEVEL_ADDED and not event.values["planned"]:
            yield Moment(event.performed_at, "level", _("%(level)s added") % {"level": event.values["level"]})
        elif event.kind is EventKind.REQUIREMENT_OVERRIDDEN:
            yield Moment(event.performed_at, "override", _("Override"), 0)
        elif found := _OF_THE_CASE.get(event.kind):
            kind, words, rank = found
            yield Moment(
                event.performed_at, kind, str(words) % {"level": event.values.get("level", "")}, rank
            )
    yield from _recorded_events(view)


def _recorded_events(view: View) -> Iterator[Moment]:
    """What was recorded as an entry: complications, checks, and what else can happen at any time."""
    for place in view.progress.places.values():
        step = place.definition
        for entry in place.step.live:
            if step.milestone is Milestone.COMPLICATION:
                yield Moment(entry.performed_at, "complication", value(view, place, entry, "type"), 0)
            elif step.milestone in _CHECKPOINTS:
                yield Moment(entry.performed_at, "check", step.title, 3)
            elif step.phase is Phase.ANY and not _is_elsewhere(step):
                yield Moment(entry.performed_at, "note", _first_words(view, place, entry) or step.title, 2)


def _is_elsewhere(step: Step) -> bool:
    """Vitals and drugs have rows of their own."""
    measures = [f for f in step.fields if is_number(f)]
    return step.milestone in (Milestone.VITALS, Milestone.DRUG) or bool(measures)


def _first_words(view: View, place: Place, entry: Entry) -> str:
    f = next((f for f in place.definition.fields if f.key in entry.values), None)
    return view.show(f, entry.values[f.key]) if f else ""


def _drugs(view: View) -> Iterator[Moment]:
    for step in Landmarks(view.protocol).doses:
        for place, entry in entries(view.progress, step):
            said = entry.values.get("dose")
            dose = _as_entered(said) if said else ""
            reversal = step.phase is Phase.ANY and step.milestone is not Milestone.DRUG
            yield Moment(
                entry.performed_at,
                "reversal" if reversal else "drug",
                f"{drug(place, entry)} {dose}".strip(),
                0 if reversal else 1,
            )


def _as_entered(said: dict[str, str]) -> str:
    return f"{said.get('entered', said['amount'])} {unit_name(said.get('entered_unit', said['unit']))}"


def _shades(events: Sequence[Event], end: datetime) -> Iterator[Stretch]:
    """What lay over the whole case: pauses and emergencies, until they were over or the case was."""
    for on, off, kind in (
        (EventKind.CASE_PAUSED, EventKind.CASE_RESUMED, "pause"),
        (EventKind.EMERGENCY_ON, EventKind.EMERGENCY_OFF, "emergency"),
    ):
        since: datetime | None = None
        for event in events:
            if event.kind is on:
                since = since or event.performed_at
            elif event.kind is off and since:
                yield Stretch(since, event.performed_at, kind)
                since = None
        if since:
            yield Stretch(since, max(end, since), kind)


# Clocks -----------------------------------------------------------------------------------------------------


def _clocks(view: View, end: datetime) -> Iterator[Lane]:
    """One line for each timer of the protocol that ran, with whether it was kept."""
    found: dict[str, list[intervals.Outcome]] = {}
    for outcome in intervals.outcomes(view.progress, until(view)):
        found.setdefault(outcome.run.timer.key, []).append(outcome)
    for outcomes in found.values():
        note = _clock_note(outcomes)
        yield Lane(
            outcomes[0].run.timer.label,
            _bars(outcomes, timers.utc(end)),
            [Moment(missed, "missed") for o in outcomes for missed in o.missed if missed <= timers.utc(end)],
            note=note,
            kind=timeline.BAD if note else "",
        )


def _clock_note(outcomes: Sequence[intervals.Outcome]) -> str:
    """How often a timer was not kept, or how many of its due times were missed."""
    if missed := sum(len(o.missed) for o in outcomes):
        return _("%(number)s missed") % {"number": missed}
    bad = sum(o.verdict in _BAD for o in outcomes)
    return _("%(number)s not kept") % {"number": bad} if bad else ""


def _bars(outcomes: Sequence[intervals.Outcome], end: datetime) -> list[Stretch]:
    """From start to end; the uses of one batch are one bar."""
    ends: dict[tuple[datetime, str, str], datetime] = {}
    bad: set[tuple[datetime, str, str]] = set()
    for outcome in outcomes:
        shared = outcome.run.timer.product_bands
        key = (outcome.run.since, "" if shared else outcome.level, "" if shared else outcome.side)
        ends[key] = max(min(outcome.until, max(end, outcome.run.since)), ends.get(key, outcome.run.since))
        if outcome.verdict in _BAD and outcome.verdict is not intervals.Verdict.MISSED:
            bad.add(key)
    return [Stretch(key[0], until, timeline.BAD if key in bad else "kept") for key, until in ends.items()]
