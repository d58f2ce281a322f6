"""Wall displays: a link that is shown once, and revoked when the screen goes."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from procedures import walls
from procedures.models import Unit, WallLink

from .browse import Kept
from .site import managed_units, site


@admin.register(WallLink, site=site)
class WallLinkAdmin(Kept):
    """A wall display of a unit. Its address is shown when it is made, and never again."""

    list_display = ("name", "unit", "created_by", "created_at", "revoked_at")
    list_filter = ("unit",)
    list_select_related = ("unit", "created_by")
    search_fields = ("name", "unit__name")
    ordering = ("unit__name", "name", "pk")
    fields = ("unit", "name", "created_by", "created_at", "revoked_at")
    readonly_fields = ("created_by", "created_at", "revoked_at")
    change_form_template = "admin/wall.html"

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Units that the user manages."""
        if db_field.name == "unit":
            kwargs["queryset"] = Unit.objects.filter(pk__in=managed_units(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A display stays with its unit."""
        return (*super().get_readonly_fields(request, obj), *(("unit",) if obj else ()))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever manages a unit."""
        return site.has_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Displays of the units that the user manages."""
        return site.has_permission(request) and (obj is None or obj.unit_id in managed_units(request))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Make the token of a new display."""
        if not change:
            token = walls.new_token()
            obj.token_hash, obj.created_by, obj.created_at = walls.digest(token), request.user, timezone.now()
            obj.shown_once = token
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> Any:
        """The address, this once."""
        address = request.build_absolute_uri(reverse("wall", args=[obj.shown_once]))
        told = {**site.each_context(request), "title": _("Wall display"), "wall": obj, "address": address}
        return render(request, "admin/wall_link.html", told)

    def get_urls(self) -> list[URLPattern]:
        """With the button of a display's page."""
        revoke = site.admin_view(require_POST(self.revoke))
        return [path("<int:pk>/revoke/", revoke, name="procedures_walllink_revoke"), *super().get_urls()]

    def revoke(self, request: HttpRequest, pk: int) -> HttpResponse:
        """From now on its address is not found."""
        wall: WallLink = self.get_object(request, str(pk))
        if not self.has_change_permission(request, wall):
            raise PermissionDenied
        walls.revoke(wall)
        self.log_change(request, wall, str(_("Revoked.")))
        return HttpResponseRedirect(reverse("admin:procedures_walllink_change", args=[pk]))
