"""One form per command: they parse and shape what was sent. Rules are elsewhere; limits of fields are rules."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol, cast
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import products, values
from .commands import PatientDetails, Plan
from .definitions import VERTEBRAE, Field, FieldType, Role, Step
from .models import Patient, User
from .models.case import ANAESTHESIA, INDICATIONS
from .rules import Invalid
from .scanning import Unreadable
from .state import LevelStatus, Source, StepStatus

FIRST_YEAR, LAST_YEAR = 2000, 2199
NUMBER_LENGTH = 16
STOPPED_LEVEL = [
    (s.value, s.value) for s in (LevelStatus.ABANDONED, LevelStatus.DEFERRED, LevelStatus.COMPLETED)
]
SEVERAL = (FieldType.CHOICES, FieldType.PEOPLE)


class MomentField(forms.DateTimeField):
    """A time within the years that the record can hold; the zone of the site where none is given."""

    def to_python(self, value: Any) -> datetime | None:
        """The moment, or ValidationError."""
        try:
            found = super().to_python(value)
        except (OverflowError, ValueError) as problem:
            raise ValidationError(_("Enter a date and a time.")) from problem
        if found and not FIRST_YEAR < found.year < LAST_YEAR:
            raise ValidationError(_("Check the year."))
        return found


class CommandForm(forms.Form):
    """What every command carries: its id. Without JavaScript it is the one rendered into the page."""

    command_id = forms.UUIDField()

    def checked(self) -> dict[str, Any]:
        """The cleaned data. Raises Invalid with a sentence for each field that is wrong."""
        if not self.is_valid():
            raise Invalid({_field_key(name): str(said[0]) for name, said in self.errors.items()})
        return self.cleaned_data

    @property
    def id(self) -> UUID:
        """The command's id."""
        return cast("UUID", self.cleaned_data["command_id"])


def _field_key(name: str) -> str:
    return "" if name == "__all__" else name.removeprefix("v_")


class ReasonForm(CommandForm):
    """A command with a reason."""

    reason = forms.CharField(required=False, max_length=500)


class EmergencyForm(CommandForm):
    """Emergency on (1) or off (0)."""

    on = forms.ChoiceField(choices=[("1", "1"), ("0", "0")])


class ResumeForm(CommandForm):
    """Identity confirmed again, and perhaps who heard it."""

    identity = forms.ChoiceField(required=False, choices=[("yes", "yes")])
    second = forms.IntegerField(required=False, min_value=1, max_value=2**53)


class HandoverForm(CommandForm):
    """To whom, and what to look out for."""

    to = forms.IntegerField(min_value=1, max_value=2**53)
    concerns = forms.CharField(required=False, max_length=2000)


class MoveForm(ReasonForm):
    """The case that an entry belongs to."""

    to = forms.UUIDField()


class StopForm(ReasonForm):
    """Why the case is broken off, and what became of each open vertebra."""

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        for vertebra in VERTEBRAE:
            if f"state_{vertebra}" in data:
                self.fields[f"state_{vertebra}"] = forms.ChoiceField(choices=STOPPED_LEVEL)
                self.fields[f"reason_{vertebra}"] = forms.CharField(required=False, max_length=500)

    def levels(self) -> dict[str, tuple[LevelStatus, str]]:
        """State and reason by vertebra."""
        given = self.cleaned_data
        named = [v for v in VERTEBRAE if given.get(f"state_{v}")]
        return {v: (LevelStatus(given[f"state_{v}"]), given[f"reason_{v}"]) for v in named}


class VertebraForm(ReasonForm):
    """A vertebra to add."""

    vertebra = forms.ChoiceField(choices=[(v, v) for v in VERTEBRAE])


class TeamForm(CommandForm):
    """Somebody and a role; an empty role lets the person leave."""

    user_id = forms.IntegerField(min_value=1, max_value=2**53)
    role = forms.ChoiceField(required=False, choices=[(r.value, r.value) for r in Role])

    def role_or_none(self) -> Role | None:
        """The role, or None where the person leaves."""
        return Role(self.cleaned_data["role"]) if self.cleaned_data["role"] else None


class AllergyForm(CommandForm):
    """A substance."""

    substance = forms.CharField(max_length=80)


class PatientForm(CommandForm):
    """Who the wristband says it is."""

    mrn = forms.CharField(
        max_length=20,
        validators=[
            RegexValidator(
                r"^[0-9A-Za-z][0-9A-Za-z./-]*\Z", gettext_lazy("Letters, digits, “.”, “/” and “-” only.")
            )
        ],
    )
    family_name = forms.CharField(max_length=80)
    given_name = forms.CharField(max_length=80)
    birth_date = forms.DateField()
    sex = forms.ChoiceField(choices=list(Patient.SEXES.items()))

    def clean_birth_date(self) -> date:
        """Not in the future, not before 1890."""
        found = cast("date", self.cleaned_data["birth_date"])
        if not date(1890, 1, 1) <= found <= datetime.now(UTC).date():
            raise ValidationError(_("Check the birth date."))
        return found

    def patient(self) -> PatientDetails:
        """The details for the command."""
        return PatientDetails(**{name: self.cleaned_data[name] for name in PatientDetails.__slots__})


class CorrectPatientForm(PatientForm, ReasonForm):
    """Corrected details, with the reason."""


class PlanForm(CommandForm):
    """What is planned."""

    room = forms.CharField(max_length=40)
    scheduled_at = MomentField()
    indication = forms.ChoiceField(choices=list(INDICATIONS.items()))
    anaesthesia = forms.ChoiceField(choices=list(ANAESTHESIA.items()))
    levels = forms.MultipleChoiceField(choices=[(v, v) for v in VERTEBRAE])
    operator = forms.IntegerField(min_value=1, max_value=2**53)
    team = forms.TypedMultipleChoiceField(required=False, coerce=int)

    def __init__(self, data: QueryDict, roles: Mapping[int, Role]) -> None:
        """`roles`: the clinicians of the unit, by user id."""
        super().__init__(data)
        self.roles = roles
        self.fields["team"].choices = [(str(pk), str(pk)) for pk in roles]  # type: ignore[attr-defined]

    def plan(self) -> Plan:
        """The plan for the command: everybody in the role they have in the unit."""
        given = self.cleaned_data
        team = {user: self.roles[user] for user in given["team"]} | {given["operator"]: Role.OPERATOR}
        return Plan(
            room=given["room"],
            scheduled_at=given["scheduled_at"],
            indication=given["indication"],
            anaesthesia=given["anaesthesia"],
            levels=sorted(given["levels"], key=VERTEBRAE.index),
            team=team,
        )


class NewCaseForm(PlanForm, PatientForm):
    """A new case: patient, allergies, plan. A same-name warning must be answered."""

    allergies = forms.CharField(required=False, max_length=2000)
    same_name_checked = forms.BooleanField(required=False)

    def substances(self) -> list[str]:
        """The allergies, one a line."""
        return [line.strip() for line in self.cleaned_data["allergies"].splitlines() if line.strip()]


class PerformedForm(CommandForm):
    """Who did it and when. What is entered from paper (`paper`) has to name both: its author and the original time."""

    performed_by = forms.IntegerField(required=False, min_value=1, max_value=2**53)
    performed_at = MomentField(required=False)
    paper = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        """Author and time stand on the paper."""
        if self.cleaned_data.get("paper"):
            if not self.errors.get("performed_by") and not self.cleaned_data.get("performed_by"):
                self.add_error("performed_by", _("Choose who did it, as the paper says."))
            if not self.errors.get("performed_at") and not self.cleaned_data.get("performed_at"):
                self.add_error("performed_at", _("Enter when it was done, as the paper says."))
        return self.cleaned_data

    @property
    def source(self) -> Source:
        """How it comes."""
        return Source.PAPER if self.cleaned_data["paper"] else Source.LIVE


class EntryForm(PerformedForm):
    """The values of a step, built from its definition, with who and when.

    `read`: the last event that the form was drawn from.
    """

    when = forms.ChoiceField(required=False, choices=[("now", "now"), ("earlier", "earlier")])
    side = forms.ChoiceField(required=False, choices=[(s, s) for s in ("left", "right", "both")])
    override_reason = forms.CharField(required=False, max_length=500)
    reason = forms.CharField(required=False, max_length=500)
    read = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1)

    def __init__(self, data: QueryDict, definition: Step) -> None:
        """A form for one step of the protocol."""
        super().__init__(data)
        self.definition = definition
        for field in definition.fields:
            self.fields[f"v_{field.key}"] = ValueField(field, data)

    def clean(self) -> dict[str, Any]:
        """Somebody who typed a time and then chose "now" after all means now."""
        if self.cleaned_data.get("when") == "now":
            self.cleaned_data["performed_at"] = None
        return super().clean()

    @property
    def confirmed(self) -> frozenset[str]:
        """The fields whose unusual value was confirmed."""
        return frozenset(cast("QueryDict", self.data).getlist("confirmed"))

    def values(self) -> dict[str, Any]:
        """The values that were given, in their stored shapes."""
        given = {f.key: self.cleaned_data[f"v_{f.key}"] for f in self.definition.fields}
        return {key: value for key, value in given.items() if value is not None}

    def all_values(self) -> dict[str, Any]:
        """The values of every field that the form showed; None for those left empty."""
        shown = {f.key for f in self.definition.fields if _was_shown(f, cast("QueryDict", self.data))}
        return {f.key: self.cleaned_data[f"v_{f.key}"] for f in self.definition.fields if f.key in shown}


def _was_shown(field: Field, data: QueryDict) -> bool:
    """Whether the field was part of the form. Groups of boxes and buttons send nothing when none is chosen."""
    silent = field.type in (*SEVERAL, FieldType.CHOICE, FieldType.YESNO)
    return silent or f"v_{field.key}" in data


class ValueField(forms.Field):
    """One value of a step: from what was sent to its stored shape (`values.py`), or None where nothing was given."""

    def __init__(self, field: Field, data: QueryDict) -> None:
        """Reads its further inputs (unit, lot, expiry) from the same data."""
        super().__init__(required=False, widget=forms.SelectMultiple if field.type in SEVERAL else None)
        self.field = field
        self.extra = data

    def clean(self, value: Any) -> Any:
        """The stored shape. Raises ValidationError with what is allowed."""
        readers: dict[FieldType, Reader] = {
            FieldType.NUMBER: self._number,
            FieldType.QUANTITY: self._number,
            FieldType.TEXT: self._text,
            FieldType.YESNO: self._yesno,
            FieldType.TIME: self._time,
            FieldType.DATE: self._date,
            FieldType.PRODUCT: self._product,
            FieldType.PERSON: self._person,
            FieldType.ENTRY: self._entry,
            FieldType.CHOICE: self._text,
        }
        if self.field.type is FieldType.PEOPLE:
            return self._people([text for text in dict.fromkeys(value or []) if text])
        if self.field.type is FieldType.CHOICES:
            order = [option for option, _label in self.field.options]
            if unknown := set(value or []) - set(order):
                raise ValidationError(_("Choose among the answers.") if unknown else "")
            return sorted(set(value), key=order.index) if value else None
        text = str(value or "").strip()
        if "\x00" in text:
            raise ValidationError(_("Remove the characters that cannot be printed."))
        if text or self.field.type is FieldType.PRODUCT:
            return readers[self.field.type](text)
        return None

    def _number(self, text: str) -> dict[str, str]:
        unit = str(self.extra.get(f"v_{self.field.key}_unit", "")) or self.field.unit
        try:
            amount = Decimal(text.replace(",", ".").replace("−", "-")) if len(text) <= NUMBER_LENGTH else None
        except InvalidOperation:
            amount = None
        if amount is None or not amount.is_finite() or abs(amount.adjusted()) > NUMBER_LENGTH:
            raise ValidationError(_("Enter a number."))
        if unit != self.field.unit and unit not in self.field.units:
            raise ValidationError(_("Choose a unit."))
        if unit == self.field.unit and -cast("int", amount.as_tuple().exponent) > self.field.decimals:
            places = self.field.decimals
            said = (
                _("Whole numbers only.")
                if places == 0
                else _("At most %(places)s decimal places.") % {"places": places}
            )
            raise ValidationError(said)
        return values.quantity(self.field, amount, unit)

    @staticmethod
    def _text(text: str) -> str:
        return text.replace("\r\n", "\n")

    @staticmethod
    def _yesno(text: str) -> bool:
        if text not in ("yes", "no"):
            raise ValidationError(_("Choose yes or no."))
        return text == "yes"

    @staticmethod
    def _time(text: str) -> str:
        found = MomentField().clean(text)
        return values.stamp(found)

    @staticmethod
    def _date(text: str) -> str:
        return _plain_date(text)

    def _product(self, text: str) -> dict[str, Any] | None:
        try:
            found = products.value(products.sent(self.extra, f"v_{self.field.key}"), self.field.product_kind)
        except Unreadable as problem:
            raise ValidationError(problem.sentence) from problem
        if found and found["expires"]:
            found["expires"] = _plain_date(found["expires"])
        return found

    @staticmethod
    def _person(text: str) -> dict[str, Any]:
        user = User.objects.filter(pk=_whole(text), is_active=True).first()
        if user is None:
            raise ValidationError(_("Choose a person."))
        return {"id": user.pk, "name": user.display_name}

    @staticmethod
    def _people(texts: list[str]) -> list[dict[str, Any]] | None:
        wanted = [_whole(text) for text in texts]
        found = {u.pk: u.display_name for u in User.objects.filter(pk__in=wanted, is_active=True)}
        if len(found) != len(wanted):
            raise ValidationError(_("Choose among the people."))
        return [{"id": pk, "name": found[pk]} for pk in wanted] or None

    def _entry(self, text: str) -> dict[str, Any]:
        return {"seq": _whole(text), "key": self.field.entry_of}


class Reader(Protocol):
    """Reads one text into a stored shape."""

    def __call__(self, text: str, /) -> Any:
        """The stored shape, or ValidationError."""


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise ValidationError(_("Choose one from the list."))
    return int(text)


def _plain_date(text: str) -> str:
    found = forms.DateField().clean(text)
    if not FIRST_YEAR < found.year < LAST_YEAR:
        raise ValidationError(_("Check the year."))
    return cast("date", found).isoformat()


class MarkForm(PerformedForm):
    """Not done or not applicable."""

    status = forms.ChoiceField(
        choices=[(s.value, s.value) for s in (StepStatus.NOT_DONE, StepStatus.NOT_APPLICABLE)]
    )
    reason = forms.CharField(required=False, max_length=500)
    override_reason = forms.CharField(required=False, max_length=500)
