"""The forms for taking away, and for looking up who looked and who got a lot."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .models.export import KINDS, OF_CASES
from .rules import REASON_LIMIT, Invalid

QUERY_LIMIT = 4000


class ExportForm(forms.Form):
    """What is asked for: the kind of file, its rows, with names or without. `query`: the address of the log."""

    kind = forms.ChoiceField(choices=list(KINDS.items()))
    rows = forms.ChoiceField(choices=list(OF_CASES.items()))
    names = forms.BooleanField(required=False)
    reason = forms.CharField(required=False, max_length=REASON_LIMIT)
    query = forms.CharField(required=False, max_length=QUERY_LIMIT)

    def checked(self) -> dict[str, Any]:
        """The cleaned data. Raises Invalid with a sentence for each field that is wrong."""
        if not self.is_valid():
            raise Invalid({name: str(said[0]) for name, said in self.errors.items()})
        return self.cleaned_data


class SpanForm(forms.Form):
    """From which day until which; impossible ones are left out, and named."""

    since = forms.DateField(required=False, label=_("From"))
    until = forms.DateField(required=False, label=_("Until"))

    def days(self) -> tuple[date | None, date | None]:
        """Both days, None where there is none or it makes no sense."""
        self.is_valid()
        good = getattr(self, "cleaned_data", {})
        return good.get("since"), good.get("until")
