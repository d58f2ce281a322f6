"""A correction whose form was opened before somebody else changed the entry: what came since, and what of the form is
only what stood there then."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from procedures import canonical
from procedures.definitions import FieldType
from procedures.progress import Place
from procedures.state import Entry, Event

from .parts import FieldView, field_view, local_input
from .view import View

SEVERAL = (FieldType.CHOICES, FieldType.PEOPLE)


def about(view: View, entry: Entry, typed: Mapping[str, Any]) -> list[Event]:
    """What was said about the entry after the form that was sent was drawn (its `read`), oldest first."""
    read = str(typed.get("read", ""))
    if not (read.isascii() and read.isdigit() and len(read) < 10) or int(read) >= view.state.last_seq:
        return []
    rows = view.case.events.filter(seq__gt=int(read), about=entry.seq).order_by("seq")
    return [canonical.decode(data) for data in rows.values_list("data", flat=True)]


def merged(
    place: Place, entry: Entry, shown: Sequence[FieldView], events: Sequence[Event]
) -> list[FieldView]:
    """The fields as typed; but one that was changed elsewhere and left alone in this form shows what stands there now,
    so that sending it again does not put the old value back."""
    was: dict[str, Any] = {}
    for event in events:
        before = event.values.get("was") or dict.fromkeys(event.values.get("values", {}))
        was = {**before, **was}
    fields = {f.key: f for f in place.definition.fields}

    def now(typed: FieldView) -> FieldView:
        f, key = fields[typed.key], typed.key
        if key not in was or not _same(
            f.type in SEVERAL, typed, field_view(f, stored=was[key], choices=typed.options)
        ):
            return typed
        return field_view(f, stored=entry.values.get(key), choices=typed.options)

    return [now(typed) for typed in shown]


def moment(entry: Entry, typed: Mapping[str, Any], events: Sequence[Event]) -> str:
    """Likewise when it was done."""
    was = next((e.values["was_at"] for e in events if "was_at" in e.values), None)
    sent = str(typed.get("performed_at") or "")
    untouched = was is not None and sent[:16] == local_input(datetime.fromisoformat(was))[:16]
    return local_input(entry.performed_at) if untouched or not sent else sent


def performer(entry: Entry, typed: Mapping[str, Any], events: Sequence[Event]) -> int:
    """Likewise by whom."""
    was = next((e.values["was_by"] for e in events if "was_by" in e.values), entry.performed_by)
    sent = str(typed.get("performed_by", ""))
    known = sent.isascii() and sent.isdigit() and len(sent) < 10
    return int(sent) if known and int(sent) != was else entry.performed_by


def _same(several: bool, one: FieldView, other: FieldView) -> bool:
    """Whether two inputs say the same; an empty one says nothing in whatever unit."""
    if several:
        return sorted(one.chosen) == sorted(other.chosen)
    units = one.unit_value == other.unit_value or not one.value
    return one.value == other.value and one.parts == other.parts and units
