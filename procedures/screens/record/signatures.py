"""The signed operative note: who signed it, what they signed, and what was added later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures import completeness
from procedures.account import to_sign
from procedures.operative_note import SECTIONS
from procedures.screens import feed
from procedures.screens.view import View
from procedures.state import Event, EventKind

MEANINGS = {
    "author": gettext_lazy("Author: this note is mine and true"),
    "supervisor": gettext_lazy("Supervisor: I have read the note and agree"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """One signature: who, when, with which meaning. It stands on the events up to `seq`, whose hash is `head`."""

    name: str
    profession: str
    at: datetime
    meaning: str
    seq: int
    head: str
    remark: str

    @property
    def short_head(self) -> str:
        """The beginning of the hash, in fours, for comparing by eye."""
        return " ".join(self.head[n : n + 4] for n in range(0, 16, 4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Addendum:
    """What was added after signing, by whom, when and why: in words, or as data (`line.changes`, `line.detail`)."""

    line: feed.Line
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureBlock:
    """`due`: the note is to be signed. `note`: the sections as they were signed. `asked`: who is still to sign beside.

    `explained`: what was missing at signing, and why.
    """

    due: bool
    signatures: list[Signed]
    asked: str
    note: list[tuple[str, str]]
    explained: list[tuple[str, str]]
    addenda: list[Addendum]

    @property
    def words(self) -> str:
        """The state in a word, or nothing where signing is not due yet."""
        if not self.signatures:
            return _("to be signed") if self.due else ""
        if self.asked:
            return _("signed, to be co-signed")
        return _("signed and co-signed") if len(self.signatures) > 1 else _("signed")


def block(view: View, events: Sequence[Event], lines: Sequence[feed.Line]) -> SignatureBlock:
    """The signatures of a case, with the note and its addenda."""
    by_seq = {line.seq: line for line in lines}
    signed = [e for e in events if e.kind in (EventKind.CASE_SIGNED, EventKind.CASE_COSIGNED)]
    first: Mapping[str, Any] = signed[0].values if signed else {}
    asked = view.state.cosign_by if not view.state.cosigned else None
    note = first.get("note", {})
    return SignatureBlock(
        due=to_sign(view.progress),
        signatures=[_signed(view, event) for event in signed],
        asked=view.names[asked].name if asked else "",
        note=[(str(title), note[key]) for key, title in SECTIONS.items() if key in note],
        explained=[(completeness.label(key), reason) for key, reason in first.get("explained", {}).items()],
        addenda=[
            Addendum(line=by_seq[e.seq], text=str(e.values.get("text", "")))
            for e in events
            if e.kind is EventKind.ADDENDUM_ADDED
        ],
    )


def _signed(view: View, event: Event) -> Signed:
    person = view.names[event.performed_by]
    meaning = event.values["meaning"]
    return Signed(
        name=person.name,
        profession=person.profession,
        at=event.recorded_at,
        meaning=str(MEANINGS.get(meaning, meaning)),
        seq=event.values["seq"],
        head=event.values["head"],
        remark=event.reason,
    )
