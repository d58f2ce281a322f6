"""Tablets: named, enrolled with a code that is shown once, revoked. And what was done with accounts and PINs."""

from typing import Any

import qrcode
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from procedures.models import AccountEvent, Tablet, Unit, User
from procedures.signin import tablets

from .browse import Kept, ReadOnly
from .site import managed_units, site


def drawing(text: str) -> tuple[int, str]:
    """A QR code as the width of a square and the path of its dark modules, for an SVG."""
    code = qrcode.QRCode(border=4)
    code.add_data(text)
    rows = code.get_matrix()
    dark = (f"M{x},{y}h1v1h-1z" for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark)
    return len(rows), "".join(dark)


@admin.register(Tablet, site=site)
class TabletAdmin(Kept):
    """A tablet of a unit. It is enrolled on the device itself, with the code that is made here."""

    list_display = ("name", "unit", "state", "enrolled_at", "revoked_at")
    list_filter = ("unit",)
    list_select_related = ("unit",)
    search_fields = ("name", "unit__name")
    ordering = ("unit__name", "name", "pk")
    fields = ("unit", "name", "state", "enrolled_at", "revoked_at")
    readonly_fields = ("state", "enrolled_at", "revoked_at")
    change_form_template = "admin/tablet.html"

    @admin.display(description=_("state"))
    def state(self, tablet: Tablet) -> str:
        """Where it stands."""
        if tablet.revoked_at:
            return str(_("revoked: it can do nothing"))
        if tablet.enrolled_at:
            return str(_("enrolled"))
        return str(_("waits for its code"))

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Units that the user manages."""
        if db_field.name == "unit":
            kwargs["queryset"] = Unit.objects.filter(pk__in=managed_units(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A tablet stays with its unit: what was recorded on it names it."""
        return (*super().get_readonly_fields(request, obj), *(("unit",) if obj else ()))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever manages a unit."""
        return site.has_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tablets of the units that the user manages."""
        return site.has_permission(request) and (obj is None or obj.unit_id in managed_units(request))

    def get_urls(self) -> list[URLPattern]:
        """With the two buttons of a tablet's page."""
        own = [
            path(
                "<int:pk>/code/",
                site.admin_view(require_POST(self.make_code)),
                name="procedures_tablet_code",
            ),
            path(
                "<int:pk>/revoke/",
                site.admin_view(require_POST(self.revoke)),
                name="procedures_tablet_revoke",
            ),
        ]
        return own + super().get_urls()

    def _theirs(self, request: HttpRequest, pk: int) -> Tablet:
        tablet: Tablet = self.get_object(request, str(pk))
        if not self.has_change_permission(request, tablet):
            raise PermissionDenied
        return tablet

    def make_code(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a code and show it, this once."""
        tablet = self._theirs(request, pk)
        if tablet.revoked_at:
            raise PermissionDenied
        code = tablets.new_code(tablet, _me(request))
        address = request.build_absolute_uri(reverse("tablet"))
        width, dark = drawing(f"{address}#{code}")
        told = {**site.each_context(request), "title": _("Code for a tablet"), "tablet": tablet, "code": code}
        return render(
            request, "admin/tablet_code.html", {**told, "address": address, "width": width, "dark": dark}
        )

    def revoke(self, request: HttpRequest, pk: int) -> HttpResponse:
        """From now on it can do nothing."""
        tablet = self._theirs(request, pk)
        tablets.revoke(tablet, _me(request))
        self.log_change(request, tablet, str(_("Revoked.")))
        return HttpResponseRedirect(reverse("admin:procedures_tablet_change", args=[pk]))


def _me(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


@admin.register(AccountEvent, site=site)
class AccountEventAdmin(ReadOnly):
    """Who did what with whose account, PIN or tablet, in the units that the user manages."""

    list_display = ("at", "what", "who", "whom", "unit", "tablet")
    list_filter = ("what", "unit")
    list_select_related = ("who", "whom", "unit", "tablet")
    search_fields = ("who__display_name", "whom__display_name")
    ordering = ("-at", "-pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Those of their own units; a superuser sees all."""
        events = AccountEvent.objects.all()
        return (
            events if request.user.is_superuser else events.filter(unit__in=managed_units(request))
        ).order_by(*self.ordering)
