"""The second person's part of the step in hand: who may verify, how, and what is still to be entered unseen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from procedures import rules, second_person
from procedures.progress import Place
from procedures.state import Entry

from .parts import FieldView, field_view, new_command_id
from .view import View


@dataclass(slots=True, kw_only=True)
class Second:
    """An entry that waits for its second person. `people` can give their PIN here; `may_own`: the one who looks may
    verify without. `fields` are entered before the first values are shown; `waits_for`: what the first left out."""

    key: str
    seq: int
    title: str
    performed_by: str
    fields: list[FieldView]
    people: list[tuple[int, str]]
    user: int = 0
    may_own: bool
    waits_for: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    command_id: str = field(default_factory=new_command_id)


def second_for(
    view: View,
    place: Place,
    entry: Entry,
    *,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Second | None:
    """The part for an entry; None where nobody has to verify it any more."""
    nobody = rules.Actor(0, view.actor.role)
    if not entry.live or rules.why_not(rules.check_verify, place, entry, nobody):
        return None
    fields, errors = second_person.unseen(place.definition), dict(errors or {})
    lacking = [f.label for f in fields if f.key not in entry.values]
    involved = {entry.performed_by, entry.recorded_by, entry.via}
    chosen = str((typed or {}).get("user", ""))
    return Second(
        key=place.text,
        seq=entry.seq,
        title=rules.title(place),
        performed_by=view.names[entry.performed_by].name,
        fields=[field_view(f, typed=typed or None, error=errors.pop(f.key, "")) for f in fields],
        people=[(pk, name) for pk, name in view.members if pk not in involved],
        user=int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 10 else 0,
        may_own=not rules.why_not(rules.check_verify, place, entry, view.actor),
        waits_for=", ".join(lacking),
        errors=errors,
    )


def second_after(view: View, key: str) -> Second | None:
    """The part for what was recorded last at a step: offered beside what comes next, and in nobody's way."""
    place = view.progress.place(key)
    last = place.step.live[-1] if place and place.step.live else None
    return second_for(view, place, last) if place and last else None
