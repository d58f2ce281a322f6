"""The parts that several screens share: who is signed in, the patient banner, fields, entries, flags in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures import directory, products, rules, second_person, values
from procedures.definitions import Field, FieldType, Needed, Phase, Role, age_on
from procedures.models import Case
from procedures.models.case import STATUS_LABELS
from procedures.models.patient import Patient
from procedures.models.people import ROLE_LABELS
from procedures.progress import Place, missing
from procedures.state import Entry, Flag, StepStatus

if TYPE_CHECKING:
    from .view import View

PHASE_LABELS = {
    Phase.BEFORE: gettext_lazy("Before"),
    Phase.ROOM: gettext_lazy("In the room"),
    Phase.LEVEL: gettext_lazy("Each vertebra"),
    Phase.AFTER: gettext_lazy("After"),
    Phase.RECOVERY: gettext_lazy("Recovery"),
    Phase.DISCHARGE: gettext_lazy("Discharge"),
    Phase.ANY: gettext_lazy("Any time"),
}
FLAG_LABELS = {
    Flag.LATE: gettext_lazy("late"),
    Flag.OVERRIDDEN: gettext_lazy("overridden"),
    Flag.OUT_OF_ORDER: gettext_lazy("out of order"),
    Flag.OFF_TIME: gettext_lazy("not at its time"),
    Flag.CONFIRMED: gettext_lazy("unusual, confirmed"),
    Flag.OTHER_ROLE: gettext_lazy("by another role"),
    Flag.CORRECTED: gettext_lazy("corrected"),
    Flag.EXPIRED: gettext_lazy("past its date"),
    Flag.UNUSUAL: gettext_lazy("unusual, not asked about"),
    Flag.CLOCK: gettext_lazy("the tablet’s clock was wrong"),
    Flag.PAUSED: gettext_lazy("while paused"),
    Flag.NOT_READ: gettext_lazy("level not read aloud"),
    Flag.REPEATED: gettext_lazy("the same again, confirmed"),
    Flag.MOVED: gettext_lazy("moved here"),
    Flag.ADDENDUM: gettext_lazy("added later"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """Who the patient is; always in view."""

    case_id: UUID
    name: str
    birth_date: date
    age: int
    sex: str
    mrn: str
    allergies: list[tuple[int, str]]

    @classmethod
    def of(cls, case: Case, today: date) -> "Banner":
        """From a case with its patient and `allergy_list` (pairs of id and substance)."""
        patient: Patient = case.patient
        return cls(
            case_id=case.pk,
            name=str(patient),
            birth_date=patient.birth_date,
            age=age_on(patient.birth_date, today),
            sex=patient.get_sex_display(),
            mrn=patient.mrn,
            allergies=[(row["id"], row["substance"]) for row in case.allergy_list],  # type: ignore[attr-defined]
        )


@dataclass(slots=True, kw_only=True)
class FieldView:
    """One field as drawn. `name` is the form name (`v_` + key); `value` what was typed or is stored, for the input.

    `widget`: number, text, choice (segments), choices (chips), yesno, time, date, product, select.
    `before`: what was measured last and when, shown beside the input and never in it.
    A product has the further inputs `{name}_lot` and so on, with `parts` (`products.PARTS`) as their values; `note` is
    what was said about its scan. `expired`: the product is past its date, and somebody may confirm it with a reason.
    """

    key: str
    name: str
    label: str
    widget: str
    needed: str
    help: str = ""
    unit: str = ""
    units: list[tuple[str, str]] = field(default_factory=list)
    unit_value: str = ""
    step: str = ""
    decimals: int = 0
    typical: str = ""
    low: str = ""
    high: str = ""
    options: list[tuple[str, str]] = field(default_factory=list)
    value: str = ""
    chosen: list[str] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)
    error: str = ""
    unusual: str = ""
    before: str = ""
    before_at: datetime | None = None
    expired: str = ""
    kind: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryView:
    """One recorded act as shown: what, who, when, and what may be done about it."""

    seq: int
    key: str
    status: str
    values: list[tuple[str, str]]
    performed_by: str
    performed_initials: str
    recorded_by: str
    performed_at: datetime
    recorded_at: datetime
    source: str
    flags: list[str]
    reason: str
    live: bool
    void_reason: str
    verified_by: str
    verified_at: datetime | None
    needs_verification: bool
    may_verify: bool
    why_not_verify: str
    is_slip: bool
    missing: list[str]
    unseen: list[str]
    may_correct: bool
    moved: bool
    to_reconcile: bool
    disputed: list[tuple[str, str, str]]
    disputed_by: str


def entry_view(view: "View", place: Place, entry: Entry, *, whole: bool = False) -> EntryView:
    """An entry as shown to this person at this moment.

    What an independent second person has still to find out is shown to nobody, but in the `whole` record.
    """
    definition, names, actor = place.definition, view.names, view.actor
    unseen = second_person.unseen(definition) if second_person.hidden(definition, entry) else ()
    silent = set() if whole else {f.key for f in unseen}
    refusal = rules.why_not(rules.check_verify, place, entry, actor) or rules.why_not(
        rules.check_not_signed, view.state, place, entry.seq
    )
    needs = definition.second_person != "none" and entry.live and entry.mark is StepStatus.DONE
    return EntryView(
        seq=entry.seq,
        key=place.text,
        status=entry.mark.value,
        values=[
            (f.label, view.show(f, entry.values[f.key]))
            for f in definition.fields
            if f.key in entry.values and f.key not in silent
        ],
        performed_by=names[entry.performed_by].name,
        performed_initials=names[entry.performed_by].initials,
        recorded_by=names[entry.recorded_by].name,
        performed_at=entry.performed_at,
        recorded_at=entry.recorded_at,
        source=entry.source,
        flags=flag_words(entry),
        reason=entry.reason,
        live=entry.live,
        void_reason=entry.void_reason,
        verified_by=names[entry.verified_by].name if entry.verified_by else "",
        verified_at=entry.verified_at,
        needs_verification=needs and entry.verified_by is None,
        may_verify=needs and not refusal,
        why_not_verify=refusal if needs and entry.verified_by is None else "",
        is_slip=entry.live and rules.is_slip(entry, actor, view.now),
        missing=[f.label for f in missing(definition, entry)]
        if entry.live and entry.mark is StepStatus.DONE
        else [],
        unseen=[f.label for f in unseen if f.key in entry.values],
        may_correct=not unseen or actor.id in (entry.performed_by, entry.recorded_by),
        moved=entry.moved,
        to_reconcile=view.progress.to_reconcile(entry),
        disputed=_disputed(view, place, entry),
        disputed_by=names[entry.second["by"]].name if entry.second else "",
    )


def _disputed(view: "View", place: Place, entry: Entry) -> list[tuple[str, str, str]]:
    """What two people found: label, the first, the second; only where they differ."""
    if not entry.second:
        return []
    found = entry.second["values"]
    return [
        (
            f.label,
            view.show(f, entry.values[f.key]) if f.key in entry.values else "",
            view.show(f, found[f.key]),
        )
        for f in second_person.differing(place, entry, found)
    ]


def flag_words(entry: Entry) -> list[str]:
    """The flags in words, late first."""
    return [str(label) for flag, label in FLAG_LABELS.items() if flag in entry.flags]


def short_values(place: Place) -> str:
    """The values of the last entry that counts, short: for the row of the checklist."""
    if not place.step.live:
        return ""
    entry = place.step.live[-1]
    waits = second_person.hidden(place.definition, entry)
    fields = [f for f in place.definition.fields if f.key in entry.values and not (waits and f.unseen)]
    silent = (
        FieldType.TEXT,
        FieldType.YESNO,
        FieldType.TIME,
        FieldType.DATE,
        FieldType.ENTRY,
        FieldType.PEOPLE,
    )
    # A checklist's answers say nothing without their questions: "Yes · Yes · Yes".
    main = [f for f in fields if f.type not in silent and dict(f.options).keys() != {"yes", "no", "na"}]
    return " · ".join(values.show(f, entry.values[f.key]) for f in main[:3])


def field_view(
    f: Field,
    *,
    stored: Any = None,
    typed: Mapping[str, Any] | None = None,
    choices: Sequence[tuple[str, str]] = (),
    error: str = "",
    unusual: str = "",
    expired: str = "",
) -> FieldView:
    """A field as drawn. What was typed (a QueryDict) wins over what is stored, so that nothing typed is lost."""
    name = f"v_{f.key}"
    view = FieldView(
        key=f.key,
        name=name,
        label=f.label,
        widget=_widget(f),
        needed=f.needed.value,
        help=f.help,
        unit=values.unit_name(f.unit),
        units=[(u, values.unit_name(u)) for u in (f.unit, *f.units)] if f.units else [],
        unit_value=f.unit,
        step=values.plain(f.step) if f.step is not None else "",
        decimals=f.decimals,
        typical=values.plain(f.typical) if f.typical is not None else "",
        low=values.plain(f.refuse_below) if f.refuse_below is not None else "",
        high=values.plain(f.refuse_above) if f.refuse_above is not None else "",
        options=list(choices) or list(f.options),
        error=error,
        unusual=unusual,
        expired=expired,
        kind=f.product_kind,
    )
    if typed is not None and f.type is FieldType.PRODUCT and products.was_sent(typed, name):
        fill_product(view, products.scanned(products.sent(typed, name), f.product_kind))
    elif typed is not None and name in typed and f.type is not FieldType.PRODUCT:
        _fill_typed(view, typed)
    elif stored is not None:
        _fill_stored(view, f, stored)
    return view


def _widget(f: Field) -> str:
    match f.type:
        case FieldType.NUMBER | FieldType.QUANTITY:
            return "number"
        case FieldType.PERSON | FieldType.ENTRY:
            return "select"
        case FieldType.PEOPLE:
            return "choices"
    return f.type.value


def _fill_typed(view: FieldView, typed: Mapping[str, Any]) -> None:
    getlist = getattr(typed, "getlist", None)
    view.chosen = list(getlist(view.name)) if getlist else []
    view.value = str(typed.get(view.name, ""))
    view.unit_value = str(typed.get(f"{view.name}_unit", view.unit_value))


def fill_product(view: FieldView, given: products.Given) -> None:
    """What stands in the inputs of a product field, and what was wrong with its scan."""
    view.value, view.parts = given.product, dict(given.parts)
    view.error, view.note = view.error or given.error, given.note
    if given.product and given.label and given.product not in dict(view.options):
        view.options = [*view.options, (given.product, given.label)]  # taken out of use, but here it is


def scanned_product(data: Mapping[str, Any], name: str, kind: str) -> FieldView:
    """A product field alone, as the answer to a scan."""
    view = FieldView(
        key=name,
        name=name,
        label="",
        widget="product",
        needed="",
        kind=kind,
        options=directory.products(kind),
    )
    fill_product(view, products.scanned(products.sent(data, name), kind))
    return view


def _fill_stored(view: FieldView, f: Field, stored: Any) -> None:
    match f.type:
        case FieldType.NUMBER | FieldType.QUANTITY:
            view.value = stored.get("entered", stored["amount"])
            view.unit_value = stored.get("entered_unit", stored["unit"])
        case FieldType.CHOICES:
            view.chosen = list(stored)
        case FieldType.PEOPLE:
            view.chosen = [str(person["id"]) for person in stored]
        case FieldType.YESNO:
            view.value = "yes" if stored else "no"
        case FieldType.PRODUCT:
            fill_product(view, products.stored(stored))
        case FieldType.PERSON:
            view.value = str(stored["id"])
        case FieldType.ENTRY:
            view.value = str(stored["seq"])
        case FieldType.TIME:
            view.value = local_input(datetime.fromisoformat(stored))
        case _:
            view.value = str(stored)


def local_input(moment: datetime) -> str:
    """A moment as a datetime-local input wants it: the site's zone, to the minute."""
    from django.utils.timezone import localtime

    return localtime(moment).strftime("%Y-%m-%dT%H:%M")


def new_command_id() -> str:
    """A fresh id for a form."""
    return str(uuid4())


def role_words(roles: Iterable[str]) -> str:
    """Roles in words: "operator or assistant"."""
    return _(" or ").join(str(ROLE_LABELS[Role(role)]).lower() for role in roles)


def status_word(status: str) -> str:
    """The status of a case in words."""
    return str(STATUS_LABELS[status])  # type: ignore[index]


def is_needed_now(f: Field) -> bool:
    """Whether there is no tick without this field."""
    return f.needed is Needed.NOW
