"""The signed operative note in the record: who signed what, and what was added later (`screens/note.py` says both)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from procedures import completeness, rules, signing_rules
from procedures.account import to_sign
from procedures.operative_note import SECTIONS
from procedures.screens import note
from procedures.screens.note import AddendumView, SignatureView
from procedures.screens.view import View
from procedures.state import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureBlock:
    """`due`: the note is to be signed. `note`: the sections as they were signed. `asked`: who is still to sign beside.

    `explained`: what was missing at signing, and why. `may_sign`, `may_add`: whether the reader may.
    """

    due: bool
    may_sign: bool
    may_add: bool
    signatures: list[SignatureView]
    asked: str
    note: list[tuple[str, str]]
    explained: list[tuple[str, str]]
    addenda: list[AddendumView]

    @property
    def words(self) -> str:
        """The state in a word, or nothing where signing is not due yet."""
        if not self.signatures:
            return _("to be signed") if self.due else ""
        if self.asked:
            return _("signed, to be co-signed")
        return _("signed and co-signed") if len(self.signatures) > 1 else _("signed")


def block(view: View, events: Sequence[Event]) -> SignatureBlock:
    """The signatures of a case, with the note and its addenda."""
    own = [event for event in events if event.kind in note.KINDS]
    found = [note.signature_view(view, own), note.cosignature_view(view, own)]
    said: Mapping[str, Any] = own[0].values if own else {}
    words = said.get("note", {})
    asked = view.state.cosign_by if not view.state.cosigned else None
    return SignatureBlock(
        due=to_sign(view.progress),
        may_sign=not rules.why_not(signing_rules.check_sign, view.progress, view.actor),
        may_add=not rules.why_not(signing_rules.check_addendum, view.progress, view.actor, None, None),
        signatures=[signature for signature in found if signature],
        asked=view.names[asked].name if asked else "",
        note=[(str(title), words[key]) for key, title in SECTIONS.items() if key in words],
        explained=[(completeness.label(key), why) for key, why in said.get("explained", {}).items()],
        addenda=note.addenda(view, own),
    )
