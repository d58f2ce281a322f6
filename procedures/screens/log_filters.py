"""The filters of the case log in words: as choices, as what is on, and what of an address was not understood."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures import caselog, directory
from procedures.caselog import Filters
from procedures.caselog.filters import APPROACHES, LEAKS, MODES
from procedures.definitions import Measure
from procedures.models import Membership
from procedures.models.case import ANAESTHESIA, INDICATIONS, STATUS_LABELS

MODE_WORDS = {
    "none": gettext_lazy("None given"),
    "minimal": gettext_lazy("Minimal sedation given"),
    "moderate": gettext_lazy("Moderate sedation given"),
    "deep": gettext_lazy("Deep sedation given"),
    "general": gettext_lazy("General anaesthesia given"),
    "regional": gettext_lazy("Spinal or epidural given"),
}


def _anaesthesia() -> dict[str, str]:
    """What was planned, and what was given."""
    planned = {
        f"planned-{kind}": _("%(kind)s planned") % {"kind": label} for kind, label in ANAESTHESIA.items()
    }
    return {**planned, **{mode: str(MODE_WORDS[mode]) for mode in MODES}}


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on, in words, and the address without it."""

    words: str
    query: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A select of the filters: name, label, (value, label, chosen)."""

    name: str
    label: str
    options: list[tuple[str, str, bool]]


def only(words: str, levels: Sequence[str]) -> str:
    """What is counted, and at which vertebrae where not at all: "vertebrae with cement, T4 only"."""
    if not levels:
        return words
    return _("%(words)s, %(levels)s only") % {"words": words, "levels": ", ".join(levels)}


class Names:
    """The filters as choices, chips and sentences."""

    def __init__(self, filters: Filters, memberships: Sequence[Membership]) -> None:
        self.filters = filters
        units = {m.unit_id: m.unit for m in memberships}
        self.units = [(str(pk), unit.name) for pk, unit in units.items()]
        self.rooms = [(room, room) for room in sorted({r for unit in units.values() for r in unit.rooms})]
        people = [(str(pk), name) for pk, name in directory.operators(units)]
        self.people = [("me", _("Me")), *people]
        self.versions = [(str(pk), name) for pk, name in directory.versions()]

    def choice(self, name: str, label: str, options: Iterable[tuple[str, Any]]) -> Choice:
        """A select with what is chosen."""
        chosen = self.filters.query.get(name, "")
        return Choice(name, label, [(value, str(words), value == chosen) for value, words in options])

    def main(self) -> list[Choice]:
        """Those in the first line."""
        statuses = [(s.value, label) for s, label in STATUS_LABELS.items()]
        return [
            self.choice("operator", _("Operator or assistant"), self.people),
            self.choice("status", _("Status"), statuses),
        ]

    def more(self) -> list[Choice]:
        """The others."""
        complications = [("any", _("Any")), *directory.options(Measure.COMPLICATION)]
        found = [
            self.choice("room", _("Room"), self.rooms),
            self.choice("approach", _("Approach"), APPROACHES.items()),
            self.choice("indication", _("Indication"), INDICATIONS.items()),
            self.choice("leak", _("Cement leak"), LEAKS.items()),
            self.choice("complication", _("Complication"), complications),
            self.choice("anaesthesia", _("Anaesthesia"), _anaesthesia().items()),
            self.choice("version", _("Protocol version"), self.versions),
        ]
        return [self.choice("unit", _("Unit"), self.units), *found] if len(self.units) > 1 else found

    def chips(self, but: Collection[str] = ()) -> list[Chip]:
        """Each filter that is on, but those named, with the way to take it off."""
        found = []
        for name, value in self._each():
            if name in but:
                continue
            rest = self.filters.query.copy()
            rest.setlist(name, [other for other in rest.getlist(name) if other != value])
            found.append(Chip(self._words(name, value), rest.urlencode()))
        return found

    def kept(self, me: str) -> str:
        """Each filter that is on, to be kept for others to read: `me` by name, the words of a search sealed."""
        said = []
        for name, value in self._each():
            if name == "find":
                said.append(_("words (sealed)"))
            elif (name, value) == ("operator", "me"):
                said.append(_("operator or assistant: %(words)s") % {"words": me})
            else:
                said.append(self._words(name, value))
        return " · ".join(said)

    def _each(self) -> Iterable[tuple[str, str]]:
        for name in self.filters.query:
            for value in self.filters.query.getlist(name):
                yield name, value

    def _words(self, name: str, value: str) -> str:
        known: dict[str, Mapping[str, Any]] = {
            "operator": dict(self.people),
            "unit": dict(self.units),
            "version": dict(self.versions),
            "approach": APPROACHES,
            "indication": INDICATIONS,
            "leak": LEAKS,
            "flag": caselog.FLAGS,
            "complication": {"any": _("Any complication"), **dict(directory.options(Measure.COMPLICATION))},
            "anaesthesia": _anaesthesia(),
            "status": {s.value: label for s, label in STATUS_LABELS.items()},
            "sign": {"me": _("for me to sign")},
            "cosign": {"me": _("for me to co-sign")},
        }
        words = str(known.get(name, {}).get(value, value))
        template = {
            "find": _("“%(words)s”"),
            "since": _("from %(words)s"),
            "until": _("until %(words)s"),
            "lot": _("lot %(words)s"),
            "approach": _("approach: %(words)s"),
            "operator": _("operator or assistant: %(words)s"),
        }.get(name, "%(words)s")
        if day := {"since": self.filters.since, "until": self.filters.until}.get(name):
            words = date_format(day, "j M Y")
        return template % {"words": self.filters.words if name == "find" else words}

    def problems(self) -> list[str]:
        """What of the address was not understood, by the name of the filter."""
        labels = {
            "find": _("Search"),
            "since": _("From"),
            "until": _("Until"),
            "level": _("Vertebra"),
            "flag": _("Flag"),
            "lot": _("Lot"),
            "sign": _("Signature"),
            "cosign": _("Co-signature"),
            **{choice.name: choice.label for choice in (*self.main(), *self.more())},
            "unit": _("Unit"),
        }
        return [f"{labels.get(name, name)}: {said}" for name, said in self.filters.problems.items()]
