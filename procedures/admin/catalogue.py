"""The products of the site. One that is not bought any more is taken out of use, never deleted: entries name it."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from procedures import scanning
from procedures.models import Product, WarmBand

from .browse import Kept, Tabular
from .site import site

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Product]
else:
    ModelForm = forms.ModelForm


class ProductForm(ModelForm):
    """A product; a cement has both ends of its time band or none; a GTIN fits its check digit."""

    gtin = forms.CharField(
        label=_("GTIN"),
        required=False,
        max_length=scanning.LIMIT,
        help_text=_(
            "The number that stands after (01) on the label; a scan is recognised by it. Scan it here."
        ),
    )

    def clean_gtin(self) -> str:
        """14 digits. What a scanner types, the whole label, is taken too."""
        typed = str(self.cleaned_data["gtin"]).strip()
        if not typed:
            return ""
        try:
            found = scanning.check_gtin(typed) if typed.isdigit() else scanning.read(typed).gtin
        except scanning.Unreadable as problem:
            raise forms.ValidationError(problem.sentence) from problem
        if not found:
            raise forms.ValidationError(
                _("This code has no product number. Scan the other code on the label.")
            )
        return found

    def clean(self) -> dict[str, Any]:
        """Refuse half a band, and one that ends before it begins."""
        found = super().clean() or self.cleaned_data
        start, end = found.get("working_from"), found.get("working_until")
        if (start is None) != (end is None) and not self.errors:
            raise forms.ValidationError(
                _("Enter both ends of the time in which it can be injected, or none.")
            )
        if start is not None and end is not None and end <= start:
            self.add_error("working_until", _("Must be later than the beginning."))
        return found


class WarmBands(Tabular):
    """In a warm room the time is shorter: from which temperature on, from and until which minute."""

    model = WarmBand
    extra = 0
    fields = ("above", "working_from", "working_until")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may enter the admin."""
        return site.has_permission(request)

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


@admin.register(Product, site=site)
class ProductAdmin(Kept):
    """Cements, balloons and needles with the limits that their instructions for use state."""

    list_display = (
        "name", "kind", "manufacturer", "reference", "gtin", "max_pressure_psi", "max_volume_ml", "working_from",
        "working_until", "active",
    )  # fmt: skip
    list_filter = ("kind", "active", "manufacturer")
    form = ProductForm
    inlines = (WarmBands,)
    search_fields = ("name", "manufacturer", "reference", "gtin", "device_identifier")
    sortable_by = ("name", "kind", "manufacturer")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may enter the admin."""
        return site.has_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may enter the admin."""
        return site.has_permission(request)
