"""The protocol as a sheet of paper, to go on when Kypho is away: blank, or for a case with what is recorded so far."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from procedures import clock, rules, values
from procedures.definitions import (
    SIDES,
    Field,
    FieldType,
    Key,
    Milestone,
    Phase,
    Protocol,
    Repeats,
    SecondPerson,
    Step,
)
from procedures.directory import Person
from procedures.models import Membership, ProtocolVersion, User
from procedures.models.case import ANAESTHESIA
from procedures.models.protocol import Status
from procedures.protocols import frozen
from procedures.state import Entry, StepStatus

from .parts import PHASE_LABELS, Banner, flag_words, role_words
from .view import View

BLANK_LEVELS = 2
SPARE: Mapping[Milestone | None, int] = {
    Milestone.VITALS: 5,
    Milestone.DRUG: 5,
    Milestone.NOTE: 2,
}  # further lines


@dataclass(frozen=True, slots=True)
class Box:
    """One field on paper: its label, boxes to tick, a line to write on with its unit behind."""

    label: str
    boxes: tuple[str, ...] = ()
    line: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One step: the number of the protocol, its words, its side and fields; `known`: what Kypho has recorded already,
    `again`: there is something left to write."""

    code: str
    number: str
    title: str
    side: str
    role: str
    second: bool
    critical: bool
    boxes: tuple[Box, ...]
    known: tuple[str, ...]
    again: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A phase, or one vertebra (`level`; empty text in `name`: to be filled in by hand)."""

    title: str
    level: bool
    sheets: tuple[Sheet, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperScreen:
    """All that paper.html draws. A blank sheet has no banner and no facts."""

    title: str
    version: str
    units: str
    role: str
    printed_at: datetime
    parts: tuple[Part, ...]
    banner: Banner | None = None
    facts: tuple[tuple[str, str], ...] = ()
    others: tuple[tuple[int, str], ...] = ()
    case: Any = None
    may_record: bool = False


def blank(user: User, version_id: int | None) -> PaperScreen:
    """A sheet without a patient, of that published version or of the newest. Raises ProtocolVersion.DoesNotExist."""
    published = ProtocolVersion.objects.filter(status=Status.PUBLISHED).select_related("protocol")
    versions = list(published.order_by("-pk"))
    found = next((v for v in versions if version_id in (None, v.pk)), None)
    if found is None:
        raise ProtocolVersion.DoesNotExist
    members = list(Membership.objects.filter(user=user).select_related("unit"))
    protocol = frozen.protocol(found.pk)
    return PaperScreen(
        title=protocol.title,
        version=f"{protocol.title} v{protocol.number}",
        units=", ".join(m.unit.name for m in members),
        role=role_words(dict.fromkeys(m.role for m in members)),
        printed_at=clock.now(),
        parts=tuple(_parts(protocol, [""] * BLANK_LEVELS, {}, {})),
        others=tuple((v.pk, f"{v.title} v{v.number}") for v in versions if v.pk != found.pk),
    )


def for_case(user: User, pk: Any) -> PaperScreen:
    """The sheet of one case. Raises Case.DoesNotExist."""
    view = View.load(user, pk)
    case = view.case
    facts = (
        (_("Room"), case.room),
        (_("Operator"), case.operator.display_name if case.operator else ""),
        (_("Levels"), ", ".join(level.vertebra for level in view.state.in_order())),
        (_("Planned anaesthesia"), str(ANAESTHESIA[case.anaesthesia])),
    )
    entries = {key: place.step.entries for key, place in view.progress.places.items()}
    levels = [level.vertebra for level in view.state.in_order()]
    return PaperScreen(
        title=view.protocol.title,
        version=f"{view.protocol.title} v{view.protocol.number}",
        units=case.unit.name,
        role=view.role,
        printed_at=view.now,
        parts=tuple(_parts(view.protocol, levels, entries, view.names)),
        banner=view.banner,
        facts=tuple((label, said) for label, said in facts if said),
        case=case,
        may_record=view.actor.may(rules.Act.RECORD),
    )


def _parts(
    protocol: Protocol,
    levels: list[str],
    entries: Mapping[str, tuple[Entry, ...]],
    names: Mapping[int, Person],
) -> Iterable[Part]:
    def sheet(step: Step, level: str = "", side: str = "") -> Sheet:
        found = entries.get(str(Key(step.code, level, side)), ())
        return _sheet(step, side, tuple(_known(step, e, names) for e in found if e.live))

    for phase in Phase:
        steps = list(protocol.phase(phase))
        once = [s for s in steps if s.repeats is Repeats.ONCE]
        if once:
            sheets = [sheet(s) for s in once]
            spare = [_sheet(s, "", ()) for s in once for _copy in range(SPARE.get(s.milestone, 0))]
            yield Part(str(PHASE_LABELS[phase]), False, (*sheets, *spare))
        within = [s for s in steps if s.repeats is not Repeats.ONCE]
        for level in levels if within else ():
            sided = [(s, side) for s in within for side in (SIDES if s.repeats is Repeats.ACCESS else ("",))]
            yield Part(level, True, tuple(sheet(s, level, side) for s, side in sided))


def _sheet(step: Step, side: str, known: tuple[str, ...]) -> Sheet:
    """One step; what is settled in Kypho needs no boxes any more, only what may come again."""
    again = not known or step.many
    return Sheet(
        code=step.code,
        number=str(step.seed or ""),
        title=step.title,
        side=rules.side_name(side) if side else "",
        role=role_words(step.roles[:2]) if step.roles else "",
        second=step.second_person is not SecondPerson.NONE,
        critical=step.critical,
        boxes=tuple(_box(f) for f in step.fields) if again else (),
        known=known,
        again=again,
    )


def _known(step: Step, entry: Entry, names: Mapping[int, Person]) -> str:
    """An entry that Kypho has, so that nobody writes it twice: time, initials, values."""
    from django.utils.timezone import localtime

    said = [f"{localtime(entry.performed_at):%H:%M} {names[entry.performed_by].initials}"]
    if entry.mark is StepStatus.NOT_DONE:
        said.append(_("not done: %(reason)s") % {"reason": entry.reason})
    elif entry.mark is StepStatus.NOT_APPLICABLE:
        said.append(_("not applicable"))
    said += [f"{f.label} {values.show(f, entry.values[f.key])}" for f in step.fields if f.key in entry.values]
    return "; ".join([*said, *flag_words(entry)])


def _box(f: Field) -> Box:
    match f.type:
        case FieldType.CHOICE | FieldType.CHOICES:
            return Box(f.label, boxes=tuple(label for _code, label in f.options))
        case FieldType.YESNO:
            return Box(f.label, boxes=(_("yes"), _("no")))
        case FieldType.NUMBER | FieldType.QUANTITY:
            return Box(f.label, line="short", unit=_units(f))
        case FieldType.TIME:
            return Box(f.label, line="time")
        case FieldType.DATE:
            return Box(f.label, line="date")
        case FieldType.PRODUCT:
            return Box(f.label, line="product")
        case FieldType.ENTRY:
            return Box(f.label, line="number")
    return Box(f.label, line="long")


def _units(f: Field) -> str:
    """The unit; where others may be entered too, all of them, to ring one."""
    return " / ".join(values.unit_name(unit) for unit in (f.unit, *f.units))
