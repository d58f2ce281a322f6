"""The page of an addendum: in words, or other values of an entry, or a further entry of a step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from procedures import rules, signing_rules
from procedures.definitions import Phase
from procedures.models import Case
from procedures.operative_note import REASONS
from procedures.progress import Place

from .hand import fields_of
from .note import signed_words
from .parts import PHASE_LABELS, Banner, EntryView, FieldView, entry_view, local_input, new_command_id
from .view import View


@dataclass(frozen=True, slots=True)
class Choice:
    """A step to which something can be added: its entries (words, seq), and whether a further one is possible."""

    title: str
    key: str
    entries: list[tuple[str, int]]
    further: bool


@dataclass(slots=True, kw_only=True)
class AddendumScreen:
    """All that addendum.html draws. `key` is empty for an addendum in words; `choices` by part of the case.
    `seen`: the last event of the step that the page shows.

    `others`: the fields that fold away, where the page was asked for one of them first (`first`)."""

    case: Case
    banner: Banner
    status_word: str
    role: str
    signed: str
    why_not: str
    key: str
    title: str
    about: int | None
    seen: int
    entry: EntryView | None
    fields: list[FieldView]
    others: list[FieldView]
    choices: list[tuple[str, list[Choice]]]
    reasons: list[tuple[str, str, bool]]
    performers: list[tuple[int, str]]
    performer: int
    now: str
    typed: Mapping[str, Any]
    asks: list[tuple[str, str]]
    errors: Mapping[str, str] = field(default_factory=dict)
    notice: str = ""
    command_id: str = field(default_factory=new_command_id)


def build(
    view: View,
    key: str,
    about: int | None,
    *,
    typed: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
    unusual: Mapping[str, str] | None = None,
    notice: str = "",
) -> AddendumScreen:
    """The form for that entry, that step, or for words. `typed`: what was sent, or the query of the page."""
    wrong, asked = errors or {}, unusual or {}
    place = view.progress.places.get(key)
    why_not = rules.why_not(signing_rules.check_addendum, view.progress, view.actor, place, about)
    if key and place is None:
        why_not = why_not or rules.why_not(signing_rules.refuse_no_step)
    entry = place.step.entry(about) if place and about is not None else None
    shown = (
        fields_of(view, place, typed, wrong, asked, entry.values if entry else None)
        if place and not why_not
        else []
    )
    first = [
        f for f in shown if f.key.startswith(str(typed.get("first") or "")) or f.error or f.unusual
    ] or shown
    return AddendumScreen(
        case=view.case,
        banner=view.banner,
        status_word=view.status_word,
        role=view.role,
        signed=signed_words(view),
        why_not=why_not,
        key=key if place else "",
        title=rules.title(place) if place else "",
        about=entry.seq if entry else None,
        seen=place.step.last_seq if place else 0,
        entry=entry_view(view, place, entry, whole=True) if place and entry else None,
        fields=first,
        others=[f for f in shown if f not in first],
        choices=[] if place else _choices(view),
        reasons=[(code, str(word), typed.get("why") == code) for code, word in REASONS.items()],
        performers=view.members,
        performer=_chosen(typed, view.actor.id),
        now=local_input(view.now),
        typed=typed,
        asks=[(k, said) for k, said in asked.items() if not (place and place.definition.field(k))],
        errors=wrong,
        notice=notice,
    )


def _chosen(typed: Mapping[str, Any], otherwise: int) -> int:
    text = str(typed.get("performed_by", ""))
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise


def _choices(view: View) -> list[tuple[str, list[Choice]]]:
    """Vertebra by vertebra, then the other parts of the case in their order."""
    found: dict[str, list[Choice]] = {}
    for level in view.state.in_order():
        found[level.vertebra] = []
    for place in view.progress.places.values():
        if choice := _choice(view, place):
            part = place.key.level or str(PHASE_LABELS[place.definition.phase])
            found.setdefault(part, []).append(choice)
    return [(part, choices) for part, choices in found.items() if choices]


def _choice(view: View, place: Place) -> Choice | None:
    entries = [
        (f"{local_input(e.performed_at)[11:]} {view.names[e.performed_by].name}", e.seq)
        for e in place.step.live
    ]
    further = not place.needs_side and (place.step.mark is None or bool(place.definition.many and entries))
    if place.definition.phase is Phase.ANY or entries or further:
        return Choice(rules.title(place), place.text, entries, further)
    return None
