"""The forms around signing in. A PIN is read here and never drawn again."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .models.people import ROLE_LABELS
from .rules import CLINICIANS, Invalid

PERSON = 2**53


class Checked(forms.Form):
    """A form that says what is wrong as the commands do."""

    def checked(self) -> dict[str, Any]:
        """The cleaned data. Raises Invalid with a sentence for each field that is wrong."""
        if not self.is_valid():
            raise Invalid({name: str(said[0]) for name, said in self.errors.items()})
        return self.cleaned_data


class SwitchForm(Checked):
    """A name that was tapped, and the PIN."""

    user_id = forms.IntegerField(
        min_value=1, max_value=PERSON, error_messages={"required": gettext_lazy("Tap your name.")}
    )
    pin = forms.CharField(required=False, max_length=200, strip=False)


class CodeForm(Checked):
    """The code that an administrator made."""

    code = forms.CharField(max_length=40)


class NewPinForm(Checked):
    """A new PIN, twice, and what proves that it is its owner who asks."""

    proof = forms.CharField(required=False, max_length=200, strip=False)
    pin = forms.CharField(required=False, max_length=200, strip=False)
    again = forms.CharField(required=False, max_length=200, strip=False)


class InUnitForm(Checked):
    """A unit."""

    unit_id = forms.IntegerField(min_value=1, max_value=PERSON)


class PersonForm(InUnitForm):
    """Somebody of the unit."""

    user_id = forms.IntegerField(min_value=1, max_value=PERSON)


class AsForm(Checked):
    """A colleague as whom something is recorded, with their PIN; or nobody."""

    as_user = forms.IntegerField(required=False, min_value=1, max_value=PERSON)
    as_pin = forms.CharField(required=False, max_length=200, strip=False)


class AgencyForm(Checked):
    """An agency nurse: who, as what, for how many hours."""

    display_name = forms.CharField(max_length=80)
    initials = forms.CharField(max_length=4)
    profession = forms.CharField(max_length=60)
    registration_number = forms.CharField(max_length=40)
    role = forms.ChoiceField(
        choices=[(role.value, label) for role, label in ROLE_LABELS.items() if role in CLINICIANS]
    )
    hours = forms.IntegerField(min_value=1, max_value=12)

    def clean(self) -> dict[str, Any]:
        """Nothing that cannot be printed."""
        if any("\x00" in str(value) for value in self.cleaned_data.values()):
            raise forms.ValidationError(_("Remove the characters that cannot be printed."))
        return self.cleaned_data
