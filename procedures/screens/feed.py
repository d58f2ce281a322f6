"""Events as sentences: the activity feed of a case and the lines of its record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from procedures import canonical, rules, values
from procedures.definitions import Key, Protocol, Step
from procedures.directory import Person, people
from procedures.models import Case
from procedures.state import Event, EventKind

FEED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One event in words. `changes` lists (label, old, new) of a correction."""

    seq: int
    kind: str
    key: str
    about: int | None
    sentence: str
    detail: str
    reason: str
    performed_by: str
    recorded_by: str
    performed_at: datetime
    recorded_at: datetime
    source: str
    flags: list[str]
    changes: list[tuple[str, str, str]]


def latest(case: Case, protocol: Protocol, names: Mapping[int, Person]) -> list[Line]:
    """The last few events of a case, newest first."""
    return lines(since(case, None), protocol, names)


def since(case: Case, seen: int | None) -> list[Event]:
    """The events after `seen`, or the last few, newest first."""
    rows = case.events.order_by("-seq").values_list("data", flat=True)
    rows = rows.filter(seq__gt=seen) if seen is not None else rows[:FEED]
    return [canonical.decode(data) for data in rows]


def lines(events: list[Event], protocol: Protocol, names: Mapping[int, Person]) -> list[Line]:
    """Events in words; looks up the people not yet known."""
    ids = {i for e in events for i in (e.performed_by, e.recorded_by, e.values.get("user"))}
    known = {**names, **people(i for i in ids if i and i not in names)}
    return [_line(event, protocol, known) for event in events]


def _line(event: Event, protocol: Protocol, names: Mapping[int, Person]) -> Line:
    from .parts import FLAG_LABELS

    definition = protocol.by_code.get(Key.parse(event.step_key).code) if event.step_key else None
    return Line(
        seq=event.seq,
        kind=event.kind,
        key=event.step_key,
        about=event.about,
        sentence=_sentence(event, definition, names),
        detail=_detail(event.values, definition),
        reason=_("slip") if event.reason == "slip" else event.reason,
        performed_by=names[event.performed_by].name,
        recorded_by=names[event.recorded_by].name,
        performed_at=event.performed_at,
        recorded_at=event.recorded_at,
        source=event.source,
        flags=[str(label) for flag, label in FLAG_LABELS.items() if flag in event.flags],
        changes=_changes(event.values, definition, names),
    )


def step_title(step_key: str, definition: Step | None) -> str:
    """The step of an event in words."""
    key = Key.parse(step_key)
    where = f"{key.level} {rules.side_name(key.side)}".strip()
    title = definition.button if definition else key.code
    return f"{title}, {where}" if where else title


def _sentence(event: Event, definition: Step | None, names: Mapping[int, Person]) -> str:
    said = event.values
    title = step_title(event.step_key, definition) if event.step_key else ""
    level = said.get("level", "")
    access = f"{level} {rules.side_name(said.get('side', ''))}".strip()
    person = names[said["user"]].name if "user" in said else ""
    template = {
        EventKind.CASE_OPENED: _("Case opened"),
        EventKind.CASE_CHANGED: _("Plan changed"),
        EventKind.CASE_STARTED: _("Case started"),
        EventKind.CASE_PAUSED: _("Paused"),
        EventKind.CASE_RESUMED: _("Resumed"),
        EventKind.EMERGENCY_ON: _("Emergency on"),
        EventKind.EMERGENCY_OFF: _("Emergency off"),
        EventKind.CASE_COMPLETED: _("Case completed"),
        EventKind.CASE_CANCELLED: _("Case cancelled"),
        EventKind.CASE_STOPPED: _("Case stopped"),
        EventKind.CASE_VOIDED: _("Opened by mistake"),
        EventKind.TEAM_JOINED: _("%(person)s joined the team"),
        EventKind.TEAM_LEFT: _("%(person)s left the team"),
        EventKind.LEVEL_ADDED: _("Vertebra %(level)s planned")
        if said.get("planned")
        else _("Vertebra %(level)s added"),
        EventKind.LEVEL_WITHDRAWN: _("Vertebra %(level)s taken off the plan"),
        EventKind.LEVEL_ABANDONED: _("Vertebra %(level)s abandoned"),
        EventKind.LEVEL_DEFERRED: _("Vertebra %(level)s deferred"),
        EventKind.ACCESS_ADDED: _("Access %(access)s opened"),
        EventKind.ACCESS_WITHDRAWN: _("Access %(access)s withdrawn"),
        EventKind.STEP_DONE: "%(title)s",
        EventKind.STEP_NOT_DONE: _("Not done: %(title)s"),
        EventKind.STEP_NOT_APPLICABLE: _("Not applicable: %(title)s"),
        EventKind.STEP_DETAILED: _("Details added: %(title)s"),
        EventKind.STEP_CORRECTED: _("Corrected: %(title)s"),
        EventKind.STEP_VERIFIED: _("Verified: %(title)s"),
        EventKind.REQUIREMENT_OVERRIDDEN: _("Order overridden: %(title)s")
        if "needs" in said
        else _("Used past its date: %(title)s"),
        EventKind.EVENT_VOIDED: _("Taken back: %(title)s") if title else _("Vertebra %(level)s reopened"),
        EventKind.PATIENT_CORRECTED: _("Patient details corrected"),
        EventKind.ALLERGY_ADDED: _("Allergy added: %(substance)s"),
        EventKind.ALLERGY_WITHDRAWN: _("Allergy withdrawn: %(substance)s"),
    }[event.kind]
    words = {"title": title, "level": level, "access": access, "person": person}
    return template % {**words, "substance": said.get("substance", "")}


def _detail(said: Mapping[str, Any], definition: Step | None) -> str:
    """The values of an entry in words."""
    if definition is None:
        return ""
    given = said.get("values", said) if "was" not in said else {}
    shown = [
        f"{f.label} {values.show(f, given[f.key])}"
        for f in definition.fields
        if f.key in given and given[f.key] is not None
    ]
    return ", ".join(shown)


def _changes(
    said: Mapping[str, Any], definition: Step | None, names: Mapping[int, Person]
) -> list[tuple[str, str, str]]:
    """What a correction changed: label, what stood there, what stands there now."""
    if "was" not in said:
        return []
    if definition is None:
        now = said.get("now") or said.get("plan") or {}
        return [(key, str(was), str(now.get(key, ""))) for key, was in said["was"].items()]
    found = []
    for f in definition.fields:
        if f.key in said["was"]:
            old, new = said["was"][f.key], said["values"][f.key]
            found.append(
                (
                    f.label,
                    values.show(f, old) if old is not None else "",
                    values.show(f, new) if new is not None else "",
                )
            )
    if "performed_at" in said:
        found.append((_("Done at"), _time(said["was_at"]), _time(said["performed_at"])))
    if "performed_by" in said:
        known = {**names, **people({said["was_by"], said["performed_by"]} - names.keys())}
        found.append((_("Done by"), known[said["was_by"]].name, known[said["performed_by"]].name))
    return found


def _time(text: str) -> str:
    from django.utils.timezone import localtime

    return localtime(datetime.fromisoformat(text)).strftime("%Y-%m-%d %H:%M")
