"""The words of an operative note as the record gives them: short sentences, values with their units, nothing invented.

Pure but for gettext, dates and times of the site. Steps are found by what they hold (`landmarks.py`); each says its own
labels, so that a hospital's protocol speaks too. What no step can hold stays empty: it is written by hand.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from . import rules, values
from .definitions import Field, FieldType, Measure, Milestone, Phase, Step
from .landmarks import Landmarks, at, entries, measured
from .operative_note import SECTIONS
from .progress import Place, Progress
from .state import CaseStatus, Entry, LevelState, LevelStatus, StepStatus

SEEN = ("leak", "height")  # what the final images show; the rest of their fields is how they were made


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the note says beside the steps: names by user id, the team as role and names, the indication in words."""

    names: Mapping[int, str]
    team: Sequence[tuple[str, Sequence[str]]]
    indication: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptNote:
    """What its author has of a note that is not signed yet (columns of `NoteDraft` of the same names)."""

    sections: Mapping[str, str]
    seen: Mapping[str, str]
    seq: int
    explained: Mapping[str, str] = field(default_factory=dict)
    cosign_by: int | None = None


def draft(progress: Progress, facts: Facts) -> dict[str, str]:
    """Every section in its order; empty where the record says nothing about it. Empty for a case not yet started."""
    if progress.state.started_at is None:
        return dict.fromkeys(SECTIONS, "")
    writer = _Writer(progress, facts)
    return {key: "\n".join(line for line in getattr(writer, key)() if line) for key in SECTIONS}


def digest(text: str) -> str:
    """A short sign of a text, by which it is known again."""
    return sha256(" ".join(text.split()).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def said(step: Step, given: Mapping[str, Any]) -> str:
    """The values of a step in words, where no form can show them: "volume 4.5 mL, leak: none seen"."""
    return ", ".join(_phrase(f, given[f.key]) for f in step.fields if given.get(f.key) is not None)


# Words ------------------------------------------------------------------------------------------------------


def _phrase(f: Field, value: Any) -> str:
    """One value as part of a sentence."""
    label = _lower(f.label)
    match f.type:
        case FieldType.YESNO:
            return label if value else _("%(label)s: no") % {"label": label}
        case FieldType.PRODUCT:
            return values.show(f, value)
        case FieldType.CHOICES:
            words = dict(f.options)
            return f"{label}: {_and([_lower(words.get(v, v)) for v in value])}"
        case FieldType.TEXT:
            return f"{label}: {' '.join(str(value).split())}"
        case FieldType.PEOPLE:
            return f"{label}: {_and([person['name'] for person in value])}"
        case FieldType.CHOICE:
            return f"{label} {_lower(values.show(f, value))}"
    return f"{label} {values.show(f, value)}"


def _lower(text: str) -> str:
    """As within a sentence; what is written in capitals stays so."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _and(words: Sequence[str]) -> str:
    return _(" and ").join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) or not sentence else f"{sentence}."


def _where(place: Place) -> str:
    return f"{place.key.level} {rules.side_name(place.key.side)}".strip()


def _reason(reason: str) -> str:
    return f": {_ended(reason)}" if reason.strip() else "."


class _Writer:
    """One method for each section; each yields its lines."""

    def __init__(self, progress: Progress, facts: Facts) -> None:
        self.progress = progress
        self.state = progress.state
        self.marks = Landmarks(progress.protocol)
        self.facts = facts
        self.levels = self.state.in_order()
        self.day = localtime(self.state.started_at).date() if self.state.started_at else None

    # What several sections say ----------------------------------------------------------------------------

    def clock(self, moment: datetime) -> str:
        """To the minute, with the day where it is another than that of the case."""
        local = localtime(moment)
        same = local.date() == self.day
        return f"{local:%H:%M}" if same else f"{local:%H:%M} ({date_format(local, 'j F Y')})"

    def step(self, place: Place, entry: Entry, *, only: Collection[str] = (), head: str = "") -> str:
        """One act as a sentence: what, when, its values, and who verified it."""
        when = {"what": head or place.definition.button, "time": self.clock(entry.performed_at)}
        parts = [_("%(what)s at %(time)s") % when, *self.phrases(place, entry, only)]
        if name := self.facts.names.get(entry.verified_by or 0):
            parts.append(_("verified by %(name)s") % {"name": name})
        return _ended(", ".join(parts))

    def phrases(self, place: Place, entry: Entry, only: Collection[str] = ()) -> list[str]:
        """Its values; an entry of another step by its number."""
        found = []
        for f in place.definition.fields:
            if f.key not in entry.values or (only and f.key not in only):
                continue
            if f.type is FieldType.ENTRY:
                found.append(self.numbered(f, entry.values[f.key]["seq"]))
            elif f.type is FieldType.TIME:
                moment = datetime.fromisoformat(entry.values[f.key])
                found.append(f"{_lower(f.label)} {self.clock(moment)}")
            else:
                found.append(_phrase(f, entry.values[f.key]))
        return found

    def numbered(self, f: Field, seq: int) -> str:
        """ "batch 2": which of the entries of that step it is."""
        live = [e.seq for _p, e in entries(self.progress, self.progress.protocol.by_code.get(f.entry_of))]
        return f"{_lower(f.label)} {live.index(seq) + 1}" if seq in live else _lower(f.label)

    def all_of(self, steps: Iterable[Step | None], only: Collection[str] = ()) -> Iterator[str]:
        """Each act of these steps."""
        for step in steps:
            for place, entry in entries(self.progress, step):
                where = _where(place)
                yield (
                    f"{where}: {self.step(place, entry, only=only)}"
                    if where
                    else self.step(place, entry, only=only)
                )

    def undone(self, step: Step | None) -> Iterator[str]:
        """Where it was marked as not done or not applicable: that, with the reason."""
        for place in self.progress.by_code.get(step.code, ()) if step else ():
            mark = place.step.mark
            if mark and mark.mark is StepStatus.NOT_DONE:
                yield _("Not done: %(title)s") % {"title": rules.title(place)} + _reason(mark.reason)
            elif mark and mark.mark is StepStatus.NOT_APPLICABLE:
                yield _("Not applicable: %(title)s") % {"title": rules.title(place)} + _reason(mark.reason)

    def doses(self, steps: Iterable[Step]) -> Iterator[str]:
        """Drug by drug, each dose with its route and time."""
        given: dict[str, list[str]] = {}
        found = [pair for step in steps for pair in entries(self.progress, step)]
        for place, entry in sorted(found, key=lambda pair: (pair[1].performed_at, pair[1].seq)):
            drug = place.definition.field("drug")
            name = values.show(drug, entry.values["drug"]) if drug and "drug" in entry.values else ""
            name = entry.values.get("other_drug") or name or place.definition.title
            dose = [
                _lower(values.show(f, entry.values[key]))
                for key in ("dose", "route")
                if (f := place.definition.field(key)) and key in entry.values
            ]
            amount = " ".join(dose) or _("dose not recorded")
            told = {"dose": amount, "time": self.clock(entry.performed_at)}
            given.setdefault(str(name), []).append(_("%(dose)s at %(time)s") % told)
        yield from (f"{name}: {_ended('; '.join(doses))}" for name, doses in given.items())

    # The sections, in their order ---------------------------------------------------------------------------

    def procedure(self) -> Iterator[str]:
        """What was done at each vertebra, or why nothing was."""
        for level in self.levels:
            yield self._treated(level) or self._untreated(level)
            if not level.planned and level.reason:
                yield _("%(level)s was added to the plan: %(reason)s") % {
                    "level": level.vertebra,
                    "reason": _ended(level.reason),
                }
        if self.state.ended is CaseStatus.STOPPED:
            yield _("The procedure was stopped") + _reason(self.state.end_reason)

    def _treated(self, level: LevelState) -> str:
        if not at(self.progress, self.marks.cement, level.vertebra):
            return ""
        balloon = at(self.progress, self.marks.balloon, level.vertebra)
        what = (
            _("%(title)s of %(level)s with balloon")
            if balloon
            else _("%(title)s of %(level)s without balloon")
        )
        sides = [s for s in level.sides if at(self.progress, self.marks.cement, level.vertebra, s)]
        told = {"title": self.progress.protocol.title, "level": level.vertebra}
        one = _("from the %(side)s") % {"side": rules.side_name("".join(sides))} if sides else ""
        return _ended(
            ", ".join(filter(None, [what % told, _("from both sides") if len(sides) == 2 else one]))
        )

    def _untreated(self, level: LevelState) -> str:
        words = {LevelStatus.ABANDONED: _("abandoned"), LevelStatus.DEFERRED: _("deferred")}
        if level.status in words:
            return f"{level.vertebra} {words[level.status]}{_reason(level.reason)}"
        return _("%(level)s: no cement was recorded.") % {"level": level.vertebra}

    def urgency(self) -> Iterator[str]:
        """The day and the times."""
        summary = self.progress.summary()
        times = (
            (_("case started at %(time)s"), self.state.started_at),
            (_("first needle in at %(time)s"), summary.first_needle_at),
            (_("last needle out at %(time)s"), summary.last_needle_out_at),
        )
        told = [words % {"time": self.clock(moment)} for words, moment in times if moment]
        day = date_format(self.day, "j F Y") if self.day else ""
        yield _ended(", ".join([day, *told]))

    def team(self) -> Iterator[str]:
        """Role by role; and who was there at the spoken lists."""
        yield from (f"{role}: {_ended(', '.join(names))}" for role, names in self.facts.team)
        for milestone in (Milestone.TIME_OUT, Milestone.SIGN_OUT):
            yield from self.all_of([self.progress.protocol.by_milestone.get(milestone)], ["present"])

    def indication(self) -> Iterator[str]:
        """The diagnosis of the plan, and the levels."""
        planned = [level.vertebra for level in self.levels if level.planned]
        levels = _("planned at %(levels)s") % {"levels": _and(planned)} if planned else ""
        yield _ended(", ".join(filter(None, [self.facts.indication, levels])))

    def anaesthesia(self) -> Iterator[str]:
        """The kind, every dose, and the local anaesthetic vertebra by vertebra."""
        for place, entry, mode in measured(self.progress, Measure.ANAESTHESIA):
            yield _("No sedation and no general anaesthesia.") if mode == "none" else self.step(place, entry)
        prophylaxis = self.marks.antibiotic
        yield from self.doses(step for step in self.marks.doses if step is not prophylaxis)
        yield from self.all_of([self.marks.local])
        yield from self.undone(self.marks.local)

    def position(self) -> Iterator[str]:
        """How the patient lay, how the skin was cleaned, and each access."""
        yield from self.all_of(self.marks.holding("position", "supports"))
        yield from self.all_of(self.marks.holding("antiseptic"))
        for place, entry in entries(self.progress, self.marks.needle):
            found = self.phrases(place, entry, ["approach", "gauge"])
            yield _ended(f"{_where(place)}: {', '.join(found)}") if found else ""

    def description(self) -> Iterator[str]:
        """Vertebra by vertebra: what is once for it, then side by side in the order in which it was done, then that the
        cement was hard."""
        for level in self.levels:
            rows = [
                p
                for p in self.progress.places.values()
                if p.key.level == level.vertebra and p.definition is not self.marks.local
            ]
            # Products stand with their lots under the implants and devices.
            without = {
                p.text: [f.key for f in p.definition.fields if f.type is not FieldType.PRODUCT] for p in rows
            }
            whole = [(p, e) for p in rows if not p.key.side for e in p.step.live]
            first = min((e.performed_at for p in rows if p.key.side for e in p.step.live), default=None)
            begun = [
                self.step(p, e, only=without[p.text])
                for p, e in whole
                if first is None or e.performed_at < first
            ]
            ended = [
                self.step(p, e, only=without[p.text])
                for p, e in whole
                if first is not None and e.performed_at >= first
            ]
            yield level.vertebra if whole or first else ""
            yield " ".join(begun)
            for side in level.sides:
                done = [(p, e) for p in rows if p.key.side == side for e in p.step.live]
                done.sort(key=lambda pair: pair[1].performed_at)
                told = [self.step(p, e, only=without[p.text]) for p, e in done]
                if told:
                    yield f"{rules.side_name(side).capitalize()}: {' '.join(told)}"
            yield " ".join(ended)

    def findings(self) -> Iterator[str]:
        """What the final images show, and the legs afterwards."""
        for place, entry in entries(self.progress, self.marks.images):
            if any(key in entry.values for key in SEEN):
                yield self.step(place, entry, only=SEEN)
        legs = [s for s in self.marks.holding("power_left", "power_right") if s.phase is Phase.RECOVERY]
        found = [pair for step in legs for pair in entries(self.progress, step)]
        for place, entry in sorted(found, key=lambda pair: pair[1].performed_at)[-1:]:
            if phrases := self.phrases(place, entry, ["power_left", "power_right", "sensation"]):
                head = _("Legs at %(time)s") % {"time": self.clock(entry.performed_at)}
                yield _ended(", ".join([head, *phrases]))

    def implants(self) -> Iterator[str]:
        """Each batch of cement with its lots and where it went; then the devices with theirs."""
        batches = entries(self.progress, self.marks.batch)
        for number, (place, entry) in enumerate(batches, start=1):
            head = (
                _("Cement batch %(number)s, mixed") % {"number": number}
                if len(batches) > 1
                else _("Cement mixed")
            )
            went = self._where_went(entry.seq)
            used = " " + _("Used at %(places)s.") % {"places": _and(went)} if went else ""
            yield self.step(place, entry, head=head) + used
        for step in (self.marks.balloon, self.marks.needle):
            for place, entry in entries(self.progress, step):
                keys = [f.key for f in place.definition.fields if f.type is FieldType.PRODUCT]
                if found := self.phrases(place, entry, keys) if keys else []:
                    yield _ended(f"{_where(place)}: {', '.join(found)}")
        yield from self.all_of([self.progress.protocol.by_milestone.get(Milestone.DEVICE)])

    def _where_went(self, batch: int) -> list[str]:
        found = entries(self.progress, self.marks.cement)
        chosen = [
            f.key
            for f in (self.marks.cement.fields if self.marks.cement else ())
            if f.type is FieldType.ENTRY
        ]
        return list(
            dict.fromkeys(
                _where(p) for p, e in found for key in chosen if e.values.get(key, {}).get("seq") == batch
            )
        )

    def complications(self) -> Iterator[str]:
        """Each one, each leak at an injection, and each deviation with its reason."""
        protocol, told = self.progress.protocol, list[str]()
        for place, _entry, kinds in measured(self.progress, Measure.LEAK):
            f = place.definition.measuring(Measure.LEAK)
            if f and set(kinds) - {"none"}:
                where = _where(place) or place.definition.title
                told.append(_ended(f"{where}: {_phrase(f, kinds)}"))
        told += self.all_of([protocol.by_milestone.get(Milestone.COMPLICATION)])
        told += self.all_of(s for s in protocol.phase(Phase.ANY) if s.field("what") and s.field("reason"))
        yield from dict.fromkeys(told) or [_("None recorded.")]

    def blood_loss(self) -> Iterator[str]:
        """The amount."""
        for place, entry in entries(self.progress, self.marks.closure):
            f = place.definition.field("blood_loss")
            yield (
                _ended(values.show(f, entry.values["blood_loss"]))
                if f and "blood_loss" in entry.values
                else ""
            )

    def specimens(self) -> Iterator[str]:
        """Each one."""
        yield from list(self.all_of([self.marks.specimen])) or [_("None recorded.")]

    def radiation(self) -> Iterator[str]:
        """How the final images were made, and the dose."""
        for place, entry in entries(self.progress, self.marks.images):
            keys = [f.key for f in place.definition.fields if f.key not in SEEN]
            yield self.step(place, entry, only=keys)

    def closure(self) -> Iterator[str]:
        """How the skin was closed."""
        for place, entry in entries(self.progress, self.marks.closure):
            keys = [f.key for f in place.definition.fields if f.key != "blood_loss"]
            yield self.step(place, entry, only=keys)
        yield from self.undone(self.marks.closure)

    def prophylaxis(self) -> Iterator[str]:
        """The antibiotic, or why there was none."""
        if self.marks.antibiotic:
            yield from self.doses([self.marks.antibiotic])
            yield from self.undone(self.marks.antibiotic)

    def diagnosis_after(self) -> Iterator[str]:
        """No step holds it."""
        yield ""

    def instructions(self) -> Iterator[str]:
        """What recovery was told."""
        steps = [s for s in self.progress.protocol.phase(Phase.RECOVERY) if s.field("concerns")]
        for _place, entry in (pair for step in steps for pair in entries(self.progress, step)):
            if text := " ".join(str(entry.values.get("concerns", "")).split()):
                yield _("Told to recovery: %(text)s") % {"text": _ended(text)}
