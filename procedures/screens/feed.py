"""Events as sentences: the activity feed of a case and the lines of its record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from procedures import canonical, rules
from procedures.definitions import Key, Step
from procedures.directory import Person, people
from procedures.models import Case
from procedures.state import Event, EventKind
from procedures.values import moment_words

from .view import View

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


def latest(view: View) -> list[Line]:
    """The last few events of a case, newest first."""
    return lines(since(view.case, None), view)


def since(case: Case, seen: int | None) -> list[Event]:
    """The events after `seen`, or the last few, newest first."""
    rows = case.events.order_by("-seq").values_list("data", flat=True)
    rows = rows.filter(seq__gt=seen) if seen is not None else rows[:FEED]
    return [canonical.decode(data) for data in rows]


def lines(events: list[Event], view: View, *, whole: bool = False) -> list[Line]:
    """Events in words; looks up the people not yet known. What the second person has not seen yet is left out, but for
    the `whole` record."""
    ids = {i for e in events for i in (e.performed_by, e.recorded_by, *_named(e))}
    known = {**view.names, **people(i for i in ids if i not in view.names)}
    return [_line(event, view, known, whole) for event in events]


def _named(event: Event) -> list[int]:
    """Whom the values of an event name."""
    named = (event.values.get(name) for name in ("user", "to", "from", "second"))
    return [user for user in named if isinstance(user, int)]


def _line(event: Event, view: View, names: Mapping[int, Person], whole: bool) -> Line:
    from .parts import FLAG_LABELS

    definition = view.protocol.by_code.get(Key.parse(event.step_key).code) if event.step_key else None
    silent = not whole and definition is not None and view.hides(event.step_key, event.about or event.seq)
    return Line(
        seq=event.seq,
        kind=event.kind,
        key=event.step_key,
        about=event.about,
        sentence=_sentence(event, definition, names),
        detail="" if silent else _detail(event, definition, view, names),
        reason=_("slip") if event.reason == "slip" else event.reason,
        performed_by=names[event.performed_by].name,
        recorded_by=names[event.recorded_by].name,
        performed_at=event.performed_at,
        recorded_at=event.recorded_at,
        source=event.source,
        flags=[str(label) for flag, label in FLAG_LABELS.items() if flag in event.flags],
        changes=[] if silent else _changes(event.values, definition, view, names),
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
    whom = next((i for i in (said.get("user"), said.get("to")) if isinstance(i, int)), 0)
    person = names[whom].name if whom in names else ""
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
        EventKind.CASE_SIGNED: _("Operative note signed"),
        EventKind.CASE_COSIGNED: _("Operative note co-signed"),
        EventKind.COSIGN_MOVED: _("%(person)s was asked to co-sign instead")
        if person
        else _("No operator in particular is asked to co-sign any more"),
        EventKind.ADDENDUM_ADDED: _("Addendum: %(title)s") if title else _("Addendum"),
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
        EventKind.STEP_DISPUTED: _("The second person found otherwise: %(title)s"),
        EventKind.EVENT_MOVED: _("Moved here from another case: %(title)s")
        if "from" in said
        else _("Moved to another case: %(title)s"),
        EventKind.EVENT_RECONCILED: _("Looked at, stands: %(title)s"),
        EventKind.HANDOVER_OFFERED: _("Handover to %(person)s offered"),
        EventKind.HANDOVER_ACCEPTED: _("Handover accepted by %(person)s"),
        EventKind.HANDOVER_WITHDRAWN: _("Handover to %(person)s withdrawn"),
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


def _detail(event: Event, definition: Step | None, view: View, names: Mapping[int, Person]) -> str:
    """The values of an entry in words; of a handover its concerns; of a resumed case who heard the identity."""
    said = event.values
    if definition is None:
        return _of_the_case(event, names)
    if event.kind is EventKind.ADDENDUM_ADDED and "was" in said:
        return str(said["text"])
    given = said.get("values", said) if "was" not in said else {}
    shown = [
        f"{f.label} {view.show(f, given[f.key])}"
        for f in definition.fields
        if f.key in given and given[f.key] is not None
    ]
    return ", ".join(shown)


def _of_the_case(event: Event, names: Mapping[int, Person]) -> str:
    said = event.values
    if event.kind is EventKind.ADDENDUM_ADDED:
        return str(said["text"])
    if event.kind is EventKind.HANDOVER_OFFERED:
        number = len(said["open"])
        still = ngettext("%(number)s step open", "%(number)s steps open", number) % {"number": number}
        return f"{still}. {said['concerns']}" if said["concerns"] else still
    if event.kind is EventKind.CASE_RESUMED and said.get("identity"):
        if said.get("second") in names:
            name = names[said["second"]].name
            return _("identity read aloud again, heard by %(name)s") % {"name": name}
        return _("identity read aloud again")
    return ""


def _changes(
    said: Mapping[str, Any], definition: Step | None, view: View, names: Mapping[int, Person]
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
                    view.show(f, old) if old is not None else "",
                    view.show(f, new) if new is not None else "",
                )
            )
    if "performed_at" in said:
        found.append((_("Done at"), _time(said["was_at"]), _time(said["performed_at"])))
    if "performed_by" in said:
        known = {**names, **people({said["was_by"], said["performed_by"]} - names.keys())}
        found.append((_("Done by"), known[said["was_by"]].name, known[said["performed_by"]].name))
    return found


def _time(text: str) -> str:
    return moment_words(datetime.fromisoformat(text))
