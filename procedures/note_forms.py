"""The forms of an operative note: what is written, what proves who signs, and what is added afterwards."""

import re
from typing import Any, cast
from uuid import UUID

from django import forms
from django.http import QueryDict

from .definitions import Step
from .drafting import KeptNote
from .forms import CommandForm, EntryForm, ReasonForm
from .operative_note import REASONS, SECTIONS
from .signin_forms import Checked
from .signing_rules import NOTE_LIMIT, WORDS_LIMIT, Opened

LARGEST = 2**31 - 1
_WHY = re.compile(r"why_[a-z_]{1,30}")


class NoteForm(Checked):
    """The sections with the signs of what their author has seen, the reasons for what is missing, the co-signer.

    `page`: the sign of the open page; `kept`: when the draft that it was drawn from was kept; `over`: that its author
    has seen a newer one, kept then, and goes on without it.
    """

    seq = forms.IntegerField(min_value=0, max_value=LARGEST)
    cosign_by = forms.IntegerField(required=False, min_value=1, max_value=LARGEST)
    take = forms.CharField(required=False, max_length=30)
    leave = forms.CharField(required=False, max_length=30)
    page = forms.UUIDField(required=False)
    kept = forms.CharField(required=False, max_length=40)
    over = forms.CharField(required=False, max_length=40)

    def __init__(self, data: QueryDict) -> None:
        """A field for each section, and for each reason that was sent."""
        super().__init__(data)
        for key in SECTIONS:
            self.fields[f"s_{key}"] = forms.CharField(required=False, strip=False, max_length=NOTE_LIMIT)
            self.fields[f"seen_{key}"] = forms.CharField(required=False, max_length=16)
        for name in data:
            if _WHY.fullmatch(name):
                self.fields[name] = forms.CharField(required=False, max_length=2000)

    def note(self) -> KeptNote:
        """What was sent, as it is kept."""
        given = self.cleaned_data
        return KeptNote(
            sections={key: _lines(given[f"s_{key}"]) for key in SECTIONS},
            seen={key: given[f"seen_{key}"] for key in SECTIONS},
            seq=given["seq"],
            explained={n.removeprefix("why_"): v for n, v in given.items() if n.startswith("why_")},
            cosign_by=given["cosign_by"],
        )

    def opened(self) -> Opened:
        """The page that sent it."""
        given = self.cleaned_data
        return Opened(given["page"], given["over"] or given["kept"])

    @staticmethod
    def as_opened(data: QueryDict) -> Opened:
        """Likewise, however wrong the rest of it is."""
        return Opened(_uuid(data.get("page", "")), data.get("kept", "")[:40])

    @staticmethod
    def as_typed(data: QueryDict) -> KeptNote | None:
        """What stood in the page that was sent, however wrong it is. None where it was no such page."""
        if "seq" not in data:
            return None
        return KeptNote(
            sections={key: _lines(data.get(f"s_{key}", "")) for key in SECTIONS},
            seen={key: data.get(f"seen_{key}", "") for key in SECTIONS},
            seq=_number(data.get("seq", "")),
            explained={n.removeprefix("why_"): data.get(n, "") for n in data if _WHY.fullmatch(n)},
            cosign_by=_number(data.get("cosign_by", "")) or None,
        )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


class ProofForm(CommandForm):
    """What proves who signs. It is read here, judged, and kept nowhere."""

    password = forms.CharField(required=False, max_length=4096, strip=False)
    code = forms.CharField(required=False, max_length=40)


class CosignForm(ProofForm, ReasonForm):
    """A signature beside, with a remark (`reason`). `seen`: the last event of the record that the page knew."""

    seen = forms.IntegerField(required=False, min_value=0, max_value=LARGEST)


class MoveForm(ReasonForm):
    """Who is asked to co-sign instead; nobody in particular where it is left empty."""

    to = forms.IntegerField(required=False, min_value=1, max_value=LARGEST)


class AddendumForm(EntryForm):
    """What is added: to a step with its fields, or in words alone (`definition` is None); and why."""

    about = forms.IntegerField(required=False, min_value=1, max_value=LARGEST)
    seen = forms.IntegerField(required=False, min_value=0, max_value=LARGEST)
    why = forms.ChoiceField(required=False, choices=[(code, code) for code in REASONS])
    text = forms.CharField(required=False, max_length=WORDS_LIMIT)

    def __init__(self, data: QueryDict, definition: Step | None) -> None:
        """A form for words, or for one step of the protocol."""
        if definition is None:
            CommandForm.__init__(self, data)
        else:
            super().__init__(data, definition)
        self.in_words = definition is None

    @property
    def said_why(self) -> str:
        """The reason: one of the usual ones, the author's own words, or both."""
        usual = str(REASONS[self.cleaned_data["why"]]) if self.cleaned_data["why"] else ""
        return ": ".join(filter(None, [usual, self.cleaned_data["reason"].strip()]))

    def data_of_step(self) -> dict[str, Any]:
        """The arguments of `add_addendum` that speak of a step; none for words."""
        if self.in_words:
            return {}
        about = self.cleaned_data["about"]
        return {
            "about": about,
            "values": self.values() if about is None else self.all_values(),
            "performed_at": self.cleaned_data["performed_at"],
            "confirmed": self.confirmed,
            "read_up_to": self.cleaned_data["seen"],
        }

    def clean_text(self) -> str:
        """Line ends as the record keeps them."""
        return _lines(cast("str", self.cleaned_data["text"]))
