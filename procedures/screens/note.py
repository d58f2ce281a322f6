"""The operative note: the words that the record gives for it; once it is signed, what was signed and added since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures import canonical, completeness, drafting, rules, signing_rules
from procedures.definitions import Measure, Milestone, Role
from procedures.landmarks import measured
from procedures.models import Case, Membership
from procedures.models.case import INDICATIONS
from procedures.models.people import ROLE_LABELS
from procedures.operative_note import SECTIONS
from procedures.signin import Way
from procedures.state import Event, EventKind

from . import feed
from .parts import Banner, new_command_id
from .view import View

KINDS = (EventKind.CASE_SIGNED, EventKind.CASE_COSIGNED, EventKind.COSIGN_MOVED, EventKind.ADDENDUM_ADDED)
MEANINGS = {
    "author": gettext_lazy("I am the author of this operative note and have read it: it says what was done."),
    "instead": gettext_lazy(
        "I sign this operative note in the place of the operator of the case, and have read it: it says what was done."
    ),
    "supervisor": gettext_lazy("I supervised this procedure, have read this note, and agree with it."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureView:
    """Who signed what, when, and what that means. `head`: the hash of the record up to its event `up_to`.
    `instead`: in the place of the operator of the case; then `remark` says why."""

    seq: int
    by: int
    name: str
    profession: str
    at: datetime
    meaning: str
    head: str
    up_to: int
    remark: str = ""
    instead: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AddendumView:
    """Something said after signing by `recorded_by`. `author`: who did it, where something was done. `words`: what its
    data says, as a sentence; `changes`: label, old, new."""

    seq: int
    key: str
    title: str
    author: str
    recorded_by: str
    at: datetime
    done_at: datetime
    reason: str
    text: str
    words: str
    changes: list[tuple[str, str, str]]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """An injection of cement at which a later image may show a leak: where, and the entry."""

    where: str
    key: str
    about: int
    field: str
    known: str


@dataclass(slots=True, kw_only=True)
class NoteScreen:
    """All that note.html draws. `why_not_*`: the sentence that says why there is no button, or empty. `seen`: the last
    event that the page knows; `news`: what came since the page that was sent, newest first.

    `moved`: how it came that another was asked to co-sign; `candidates`: who can be asked, where the reader may ask
    (`may_move`); `asked_left`: whoever was asked is no operator of the unit any more."""

    case: Case
    banner: Banner
    status_word: str
    role: str
    signed: SignatureView | None
    cosigned: SignatureView | None
    asked: str
    sections: list[tuple[str, str, str]]
    explained: list[tuple[str, str]]
    addenda: list[AddendumView]
    later: list[Later]
    why_not_add: str
    why_not_cosign: str
    moved: list[feed.Line]
    candidates: list[tuple[int, str]]
    may_move: bool
    asked_left: bool
    may_sign: bool
    meaning: str
    way: Way | None
    seen: int
    news: list[feed.Line]
    typed: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    notice: str = ""
    command_id: str = field(default_factory=new_command_id)


def build(view: View, way: Way, *, since: int | None = None, **said: Any) -> NoteScreen:
    """The signed note; without a signature only the way to it. `since`: the last event that its reader knew."""
    events = signing_events(view.case)
    signed, cosigned = signature_view(view, events), cosignature_view(view, events)
    values = events[0].values if signed else {}
    may_cosign = rules.why_not(signing_rules.check_cosign, view.progress, view.actor)
    asked = view.state.cosign_by if not cosigned else None
    others = operators(view) if asked else []
    may_move = not rules.why_not(signing_rules.check_move, view.progress, view.actor)
    return NoteScreen(
        case=view.case,
        banner=view.banner,
        status_word=view.status_word,
        role=view.role,
        signed=signed,
        cosigned=cosigned,
        asked=view.names[asked].name if asked else "",
        sections=[
            (k, str(title), values["note"][k]) for k, title in SECTIONS.items() if k in values.get("note", {})
        ],
        explained=_explained(view, values.get("explained", {})),
        addenda=addenda(view, events),
        later=_later(view) if signed else [],
        why_not_add=rules.why_not(signing_rules.check_addendum, view.progress, view.actor, None, None),
        why_not_cosign=may_cosign,
        moved=feed.lines([e for e in events if e.kind is EventKind.COSIGN_MOVED], view),
        candidates=[row for row in others if row[0] not in (asked, signed.by if signed else None)],
        may_move=may_move,
        asked_left=bool(asked) and asked not in dict(others),
        may_sign=not rules.why_not(signing_rules.check_sign, view.progress, view.actor),
        meaning=str(MEANINGS["supervisor"]),
        way=None if may_cosign else way,
        seen=view.state.last_seq,
        news=feed.lines(feed.since(view.case, since), view)
        if since is not None and not may_cosign and since < view.state.last_seq
        else [],
        **said,
    )


def operators(view: View) -> list[tuple[int, str]]:
    """The operators of the unit, by name."""
    rows = Membership.objects.filter(unit=view.case.unit_id, role=Role.OPERATOR, user__is_active=True)
    return list(rows.order_by("user__display_name").values_list("user", "user__display_name"))


# What is drafted --------------------------------------------------------------------------------------------


def draft(view: View) -> dict[str, str]:
    """Every section of the note in the words of the record; empty where the record says nothing."""
    return drafting.draft(view.progress, facts(view))


def facts(view: View) -> drafting.Facts:
    """What the note says beside the steps."""
    by_role: dict[str, list[str]] = {}
    for member in view.state.team:
        name = view.names[member.user].name
        if name not in by_role.setdefault(member.role, []):
            by_role[member.role].append(name)
    return drafting.Facts(
        names={pk: person.name for pk, person in view.names.items()},
        team=[(str(ROLE_LABELS[role]), by_role[role]) for role in sorted(Role, key=_rank) if role in by_role],
        indication=str(INDICATIONS.get(view.case.indication, view.case.indication)),
    )


def _rank(role: Role) -> int:
    """Who is named first."""
    first = (Role.OPERATOR, Role.ASSISTANT, Role.ANAESTHETIST, Role.SEDATION_NURSE)
    return first.index(role) if role in first else len(first)


# What was signed --------------------------------------------------------------------------------------------


def signing_events(case: Case) -> list[Event]:
    """Signature, co-signature and addenda, oldest first: one statement, none where nothing was signed."""
    if case.signed_seq is None:
        return []
    rows = case.events.filter(seq__gte=case.signed_seq, kind__in=KINDS).order_by("seq")
    return [canonical.decode(data) for data in rows.values_list("data", flat=True)]


def signature_view(view: View, events: Sequence[Event] | None = None) -> SignatureView | None:
    """The signature of the author, for other screens; None where nobody has signed. `events` where they are known."""
    return _signature(view, signing_events(view.case) if events is None else events, EventKind.CASE_SIGNED)


def cosignature_view(view: View, events: Sequence[Event] | None = None) -> SignatureView | None:
    """The signature beside it, likewise."""
    return _signature(view, signing_events(view.case) if events is None else events, EventKind.CASE_COSIGNED)


def signed_words(view: View) -> str:
    """ "Signed by Dr W. Chen on 22 November 2026 at 18:02, co-signed by …", without a statement; empty before."""
    from django.utils.formats import date_format
    from django.utils.timezone import localtime

    state, names = view.state, view.names
    if state.signed is None:
        return ""
    moment = localtime(state.signed.at)
    said = _("Signed by %(name)s on %(date)s at %(time)s") % {
        "name": names[state.signed.by].name,
        "date": date_format(moment, "j F Y"),
        "time": f"{moment:%H:%M}",
    }
    if state.cosigned:
        said += _(", co-signed by %(name)s") % {"name": names[state.cosigned.by].name}
    elif state.cosign_by:
        said += _(", %(name)s was asked to co-sign") % {"name": names[state.cosign_by].name}
    return f"{said}."


def _signature(view: View, events: Sequence[Event], kind: EventKind) -> SignatureView | None:
    event = next((e for e in events if e.kind is kind), None)
    if event is None:
        return None
    person = view.names[event.performed_by]
    return SignatureView(
        seq=event.seq,
        by=event.performed_by,
        name=person.name,
        profession=person.profession,
        at=event.recorded_at,
        meaning=str(MEANINGS.get(event.values["meaning"], event.values["meaning"])),
        head=event.values["head"],
        up_to=event.values["seq"],
        remark=event.reason,
        instead=event.values["meaning"] == "instead",
    )


def _explained(view: View, reasons: Mapping[str, str]) -> list[tuple[str, str]]:
    """What was missing when it was signed, each with its reason, in the order of the lists."""
    order = [item.key for item in completeness.items(view.progress)]
    known = sorted(reasons, key=lambda key: order.index(key) if key in order else len(order))
    return [(completeness.label(key), reasons[key]) for key in known]


# What was added ---------------------------------------------------------------------------------------------


def addenda(view: View, events: Sequence[Event]) -> list[AddendumView]:
    """In the order in which they were written."""
    found = [e for e in events if e.kind is EventKind.ADDENDUM_ADDED]
    return [_addendum(view, event, line) for event, line in zip(found, feed.lines(found, view), strict=True)]


def _addendum(view: View, event: Event, line: feed.Line) -> AddendumView:
    place = view.progress.place(event.step_key) if event.step_key else None
    return AddendumView(
        seq=event.seq,
        key=event.step_key,
        title=rules.title(place) if place else "",
        author=line.performed_by,
        recorded_by=line.recorded_by,
        at=line.recorded_at,
        done_at=line.performed_at,
        reason=line.reason,
        text=str(event.values.get("text", "")),
        words=words_of(view, event),
        changes=line.changes,
        source=line.source,
    )


def words_of(view: View, event: Event) -> str:
    """What the data of an addendum says, as a sentence: made from the data, so that both are equal."""
    place = view.progress.place(event.step_key) if event.step_key else None
    if place is None or "values" not in event.values:
        return ""
    given, was = event.values["values"], event.values.get("was")
    parts = [drafting.said(place.definition, given)] if any(v is not None for v in given.values()) else []
    gone = [f.label for f in place.definition.fields if f.key in given and given[f.key] is None]
    parts += [_("%(labels)s taken out") % {"labels": ", ".join(gone)}] if gone else []
    if was is not None:
        before = drafting.said(place.definition, {k: v for k, v in was.items() if v is not None})
        parts.append(_("before: %(words)s") % {"words": before or _("not recorded")})
    return f"{rules.title(place)}: {'; '.join(parts)}."


def _later(view: View) -> list[Later]:
    """Each injection, with what is known of its leaks by now."""
    found = []
    known = {(place.text, entry.seq): value for place, entry, value in measured(view.progress, Measure.LEAK)}
    cement = view.protocol.by_milestone.get(Milestone.CEMENT)
    for place in view.progress.by_code.get(cement.code, ()) if cement else ():
        f = place.definition.measuring(Measure.LEAK)
        for entry in place.step.live:
            value = known.get((place.text, entry.seq))
            words = view.show(f, value) if f and value else _("not recorded")
            name = f.key if f else ""
            found.append(
                Later(where=view.where(place.key), key=place.text, about=entry.seq, field=name, known=words)
            )
    return found
