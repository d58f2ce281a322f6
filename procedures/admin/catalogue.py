"""The products of the site. One that is not bought any more is taken out of use, never deleted: entries name it."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _

from procedures.models import Product, WarmBand

from .browse import Kept, Tabular
from .site import site

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Product]
else:
    ModelForm = forms.ModelForm


class ProductForm(ModelForm):
    """A product; a cement has both ends of its time band or none."""

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
        "name", "kind", "manufacturer", "reference", "max_pressure_psi", "max_volume_ml", "working_from",
        "working_until", "active",
    )  # fmt: skip
    list_filter = ("kind", "active", "manufacturer")
    form = ProductForm
    inlines = (WarmBands,)
    search_fields = ("name", "manufacturer", "reference", "device_identifier")
    sortable_by = ("name", "kind", "manufacturer")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may enter the admin."""
        return site.has_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may enter the admin."""
        return site.has_permission(request)
