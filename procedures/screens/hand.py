"""The step in hand: ready to be recorded, or one of its entries in view."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from django.utils.translation import gettext as _

from procedures import cautions, directory, dosing, rules
from procedures.definitions import FieldType, Key, Milestone, Repeats, SecondPerson, Step
from procedures.progress import Place, Unmet
from procedures.state import StepState
from procedures.timing import Untimely, untimely

from . import feed, since, vitals
from .parts import EntryView, FieldView, entry_view, field_view, local_input, new_command_id, role_words
from .second import Second, second_for
from .view import Missing, View


@dataclass(slots=True, kw_only=True)
class Hand:
    """The step in hand. `mode`: record (a new entry), entry (one entry in view), missing (what the record still lacks),
    start, none (nothing to do). `fields_key`: the name under which drawn, empty fields may be kept.
    `vitals`: those of the fields that are entered on the big pad.

    `doses`: what the drugs of the step have come to in the whole case so far.

    `blocked` is the hard requirement in words, `warning` the soft one, `untimely` what says that now is not the time;
    `refusal` why nobody here may record it; `addendum`: what was signed is added to instead (the query of that page).
    `read`: the last event that the forms of an entry were drawn from; `news`: what came after the form that was sent.
    `paper`: the entry is transcribed; `query` keeps that in plain links.
    """

    mode: str
    key: str = ""
    title: str = ""
    chip: str = ""
    instruction: str = ""
    button: str = ""
    fields: list[FieldView] = field(default_factory=list)
    fields_key: str = ""
    vitals: list[FieldView] = field(default_factory=list)
    sides: list[tuple[str, str]] = field(default_factory=list)
    side: str = ""
    performers: list[tuple[int, str]] = field(default_factory=list)
    performer: int = 0
    performers_key: str = ""
    performed_at: str = ""
    blocked: str = ""
    may_override: bool = False
    override_reason: str = ""
    warning: str = ""
    untimely: list[Untimely] = field(default_factory=list)
    doses: list[str] = field(default_factory=list)
    refusal: str = ""
    addendum: str = ""
    critical: bool = False
    second_person: bool = False
    may_mark: bool = False
    further: bool = False
    entries: list[EntryView] = field(default_factory=list)
    entry: EntryView | None = None
    details: list[FieldView] = field(default_factory=list)
    corrections: list[FieldView] = field(default_factory=list)
    read: int = 0
    news: list[feed.Line] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    asks: list[tuple[str, str]] = field(default_factory=list)
    typed: Mapping[str, Any] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)
    second: Second | None = None
    notice: str = ""
    now: str = ""
    stamp: str = ""
    paper: bool = False
    query: str = ""
    command_id: str = field(default_factory=new_command_id)

    def from_paper(self, yes: bool) -> None:
        """Let what is entered be transcribed from paper: author and time are asked, and the order blocks nothing."""
        if not yes:
            return
        self.paper, self.query = True, "?paper=1"
        self.warning, self.blocked, self.untimely = self.warning or self.blocked, "", []
        if not self.typed:
            self.performer = 0
        self.performers_key = f"paper-{self.performer}-{self.performers_key}"


def stamp(view: View, key: str) -> str:
    """What a step in hand stands on, in eight characters: while it is the same, the drawn step is still true."""
    place = view.progress.places.get(key)
    state = view.state
    facts: list[Any] = [state.started_at, state.ended, bool(state.emergency_at), bool(state.paused_at)]
    facts += [state.signed.seq] if state.signed else []
    if place:
        waiting = [(u.requirement.needs, u.waiting) for u in view.progress.unmet(place)]
        facts += [place.step.last_seq, waiting, _sides(view, place), _doses(view, place)]
    elif not key:
        facts.append(len(view.progress.deficits))
    return f"{crc32(repr(facts).encode()):08x}"


def next_hand(view: View, after: str = "", **typed: Any) -> Hand:
    """The step that comes up by itself."""
    if view.state.started_at is None and not view.state.ended:
        return Hand(
            mode="start", title=_("Not started"), refusal=rules.why_not(rules.check_start, view.state)
        )
    place = None if view.state.ended else view.progress.next_place(Key.parse(after) if after else None)
    return hand_for(view, place.text, **typed) if place else Hand(mode="none", title=_("Nothing is open"))


def missing_hand(view: View) -> Hand:
    """What the record still lacks, each with the way to give it."""
    return Hand(mode="missing", title=_("Still missing"), missing=view.missing())


def hand_for(
    view: View,
    key: str,
    *,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    unusual: Mapping[str, str] | None = None,
    expired: Mapping[str, str] | None = None,
    notice: str = "",
) -> Hand:
    """A step ready to be recorded, with what was typed and what was wrong with it."""
    place = view.progress.place(key)
    if place is None:
        return Hand(mode="none", title=_("This case has no such step."), notice=notice)
    definition, errors, unusual = place.definition, errors or {}, unusual or {}
    typed = typed or {}
    unmet = view.progress.unmet(place)
    hard = next((u for u in unmet if u.requirement.hard), None)
    soft = next((u for u in unmet if not u.requirement.hard), None)
    emergency = bool(view.state.emergency_at)
    done = place.step.mark is not None
    shown = _fields(view, place, typed, errors, unusual, expired=expired or {})
    pad = _pad(view, place, shown)
    kept = not (typed or errors or unusual or pad)
    return Hand(
        mode="record",
        key=key,
        title=definition.title,
        chip=_chip(view, place),
        instruction=definition.instruction,
        button=rules.title(place),
        fields=[f for f in shown if f not in pad],
        fields_key=_fields_key(view, place) if kept else "",
        vitals=pad,
        sides=_sides(view, place),
        side=str(typed.get("side", place.key.side)),
        performers=view.members,
        performer=_performer(view, typed),
        performers_key=_performers_key(view, _performer(view, typed)),
        performed_at=str(typed.get("performed_at", "")),
        blocked=rules.order_sentence(hard) if hard and not emergency else "",
        may_override=bool(hard or expired) and view.actor.may(rules.Act.OVERRIDE),
        override_reason=str(typed.get("override_reason", "")),
        warning=_warning(view, place, soft or (hard if emergency else None)),
        untimely=untimely(view.progress, place, {}, view.now),
        doses=_doses(view, place),
        refusal=_refusal(view) or locked(view, place),
        addendum=f"?key={place.text}" if locked(view, place) else "",
        critical=definition.critical,
        second_person=definition.second_person is not SecondPerson.NONE,
        may_mark=not done
        and not locked(view, place)
        and not rules.why_not(rules.check_mark, view.progress, place, view.actor, "x"),
        further=done and definition.many,
        entries=[entry_view(view, place, e) for e in place.step.entries],
        errors={k: v for k, v in errors.items() if definition.field(k) is None},
        asks=[(k, said) for k, said in unusual.items() if definition.field(k) is None],
        typed=typed,
        notice=notice,
        now=local_input(view.now),
    )


def entry_hand(
    view: View,
    key: str,
    seq: int,
    *,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    unusual: Mapping[str, str] | None = None,
    notice: str = "",
) -> Hand:
    """One entry in view, with the forms to add details, correct, take back or verify it."""
    place = view.progress.place(key)
    entry = place.step.entry(seq) if place else None
    if place is None or entry is None:
        return Hand(mode="none", title=_("There is no such entry."), notice=notice)
    known = {e.seq: e for e in place.step.entries}
    shown = _fields(view, place, typed or {}, errors or {}, unusual or {}, known[seq].values)
    hand = hand_for(view, key, notice=notice)
    hand.mode = "entry"
    closed = locked(view, place, seq)
    hand.refusal = _refusal(view) or closed
    hand.addendum = f"?key={place.text}&about={seq}" if closed else ""
    hand.entry = entry_view(view, place, entry)
    hand.second = second_for(view, place, entry)
    hand.details = [f for f in shown if f.key not in entry.values]
    since_read = since.about(view, entry, typed or {})
    hand.corrections = since.merged(place, entry, shown, since_read) if since_read else shown
    hand.read, hand.news = view.state.last_seq, feed.lines(since_read, view)
    hand.errors = {k: v for k, v in (errors or {}).items() if place.definition.field(k) is None}
    hand.asks = [(k, said) for k, said in (unusual or {}).items() if place.definition.field(k) is None]
    hand.typed = typed or {}
    hand.performer = since.performer(entry, typed or {}, since_read)
    hand.performers_key = _performers_key(view, hand.performer)
    hand.performed_at = since.moment(entry, typed or {}, since_read)
    return hand


def _warning(view: View, place: Place, unmet: Unmet | None) -> str:
    """What does not block but is said before the tick."""
    said = [rules.order_sentence(unmet)] if unmet else []
    return " ".join([*said, *(sentence for _flag, sentence in cautions.warnings(view.progress, place))])


def _doses(view: View, place: Place) -> list[str]:
    limited = view.protocol.dosing
    if limited is None or limited.step != place.definition.code:
        return []
    return [total.words for total in dosing.totals(view.progress)]


def _chip(view: View, place: Place) -> str:
    parts = []
    if place.definition.seed:
        parts.append(_("Step %(number)s") % {"number": place.definition.seed})
    if where := view.where(place.key):
        parts.append(where)
    if place.definition.roles:
        parts.append(_("done by %(role)s") % {"role": role_words(place.definition.roles[:2])})
    return " · ".join(parts)


def _sides(view: View, place: Place) -> list[tuple[str, str]]:
    """The sides to choose from: at the first needle, and where the other side could have the same entry."""
    if place.definition.repeats is not Repeats.ACCESS:
        return []
    level = view.state.levels[place.key.level]
    if not level.sides and place.definition.milestone is Milestone.NEEDLE_IN:
        return [("left", _("Left")), ("both", _("Both sides")), ("right", _("Right"))]
    if len(level.sides) == 2 and not place.step.mark:
        other = view.state.steps[str(Key(place.key.code, place.key.level, _other(place.key.side)))]
        if not other.mark:
            return [("left", _("Left")), ("both", _("Both sides")), ("right", _("Right"))]
    return []


def _performers_key(view: View, chosen: int) -> str:
    """The same key, the same list with the same choice: it may be drawn once for a minute."""
    return f"{chosen}-{','.join(str(user_id) for user_id, _name in view.members)}"


def _performer(view: View, typed: Mapping[str, Any]) -> int:
    chosen = str(typed.get("performed_by", ""))
    return int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 10 else view.actor.id


def _refusal(view: View) -> str:
    return rules.why_not(rules.check_may, view.actor, rules.Act.RECORD) or rules.why_not(
        rules.check_recordable, view.state
    )


def locked(view: View, place: Place, seq: int | None = None) -> str:
    """Why nothing more is recorded here, or about this entry, because the record is signed; empty where it is."""
    return rules.why_not(rules.check_not_signed, view.state, place, seq)


def _fields(
    view: View,
    place: Place,
    typed: Mapping[str, Any],
    errors: Mapping[str, str],
    unusual: Mapping[str, str],
    stored: Mapping[str, Any] | None = None,
    expired: Mapping[str, str] | None = None,
) -> list[FieldView]:
    stored, expired = stored or {}, expired or {}
    found = []
    for f in place.definition.fields:
        choices: list[tuple[str, str]] = []
        if f.type is FieldType.PRODUCT:
            choices = directory.products(f.product_kind)
        elif f.type in (FieldType.PERSON, FieldType.PEOPLE):
            choices = [(str(pk), name) for pk, name in view.members]
        elif f.type is FieldType.ENTRY:
            choices = view.entries_of(f.entry_of)
        found.append(
            field_view(
                f,
                stored=stored.get(f.key),
                typed=typed or None,
                choices=choices,
                error=errors.get(f.key, ""),
                unusual=unusual.get(f.key, ""),
                expired=expired.get(f.key, ""),
            )
        )
    return found


def _pad(view: View, place: Place, shown: list[FieldView]) -> list[FieldView]:
    """The vitals among the fields, each with what was measured before."""
    if not vitals.measured(view.protocol, place.text):
        return []
    wanted, last = {f.key for f in vitals.fields(view.protocol)}, vitals.last(view.progress)
    found = [f for f in shown if f.key in wanted]
    for f in found:
        f.before, f.before_at = last.get(f.key, ("", None))
    return found


def fields_of(
    view: View,
    place: Place,
    typed: Mapping[str, Any],
    errors: Mapping[str, str],
    unusual: Mapping[str, str],
    stored: Mapping[str, Any] | None,
) -> list[FieldView]:
    """The fields of a step for another form: with what is stored, and with what was typed and is wrong."""
    return _fields(view, place, typed, errors, unusual, stored)


def offered(view: View, step: Step) -> list[FieldView]:
    """The empty fields of a step, wherever in the case it is done."""
    key = Key(step.code)
    return _fields(view, Place(step, key, StepState(key), step.code), {}, {}, {})


def _fields_key(view: View, place: Place) -> str:
    """What the empty fields of a step are the same for, always: its place in a published version. "" where they offer
    what changes: products, people, entries."""
    lively = (FieldType.PRODUCT, FieldType.PERSON, FieldType.PEOPLE, FieldType.ENTRY)
    if any(f.type in lively for f in place.definition.fields):
        return ""
    return f"{view.case.protocol_id}-{place.definition.code}"


def _other(side: str) -> str:
    return "right" if side == "left" else "left"
