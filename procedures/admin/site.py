"""The admin site: who may enter, through which door, and how its first page is grouped.

Django's own permission table is not used. `rules.MAY` says that administrators manage, and each of them manages the
units of which they are the administrator; a superuser (the first account of a hospital) manages every unit.
"""

from functools import update_wrapper
from typing import Any, NoReturn

from allauth.account.decorators import secure_admin_login
from allauth.account.views import logout
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _

from procedures import rules
from procedures.models import Membership, Unit, User
from procedures.signin import sessions

GROUPS = {
    "people": _("People and units"),
    "tablets": _("Tablets and PINs"),
    "walls": _("Wall displays"),
    "catalogue": _("Catalogue"),
    "protocols": _("Protocols"),
    "cases": _("Cases (read-only)"),
    "exports": _("Taken away (read-only)"),
}


def managed_units(request: HttpRequest) -> frozenset[int]:
    """The ids of the units that the user manages; read once for each request."""
    kept: dict[str, Any] = vars(request)
    if "managed_units" not in kept:
        kept["managed_units"] = frozenset(_units_of(request.user))  # type: ignore[arg-type]
    found: frozenset[int] = kept["managed_units"]
    return found


def _units_of(user: User) -> list[int]:
    if user.is_superuser:
        return list(Unit.objects.values_list("pk", flat=True))
    managing = Membership.objects.filter(user=user.pk, role__in=rules.MAY[rules.Act.MANAGE])
    return list(managing.values_list("unit_id", flat=True))


class KyphoAdmin(AdminSite):
    """Signing in and out, and changing the own password, happen at the doors of the rest of Kypho."""

    site_header = _("Kypho administration")
    site_title = "Kypho"
    index_title = _("Administration")

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff who administer a unit; and superusers, so that the first account can make the first unit.

        Not in a session that was opened with a PIN: that takes the password, and the second factor.
        """
        user = request.user
        if not (user.is_active and user.is_staff) or sessions.by_pin(request):
            return False
        return user.is_superuser or bool(managed_units(request))

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Somebody signed in who may not enter gets 403 at once, on every page."""
        guarded = super().admin_view(view, cacheable)

        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied
            return guarded(request, *args, **kwargs)

        return update_wrapper(inner, guarded)

    @method_decorator(secure_admin_login)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The one sign-in, with its rate limits and second factor (`secure_admin_login` sends there)."""
        if not self.has_permission(request):
            raise PermissionDenied
        return redirect("admin:index")

    login.login_required = False  # type: ignore[attr-defined]

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The one sign-out."""
        return logout(request)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The one page on which people change their own password."""
        return redirect("account_change_password")

    password_change_done = password_change

    def autocomplete_view(self, request: HttpRequest) -> NoReturn:
        """Not here: no field of this admin uses it, and it would put what is searched for into the address."""
        raise Http404

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The tables in four groups, one for each file of this package, instead of one long list."""
        apps = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        found = []
        for module, title in GROUPS.items():
            models = [m for app in apps for m in app["models"] if self._module_of(m["model"]) == module]
            if models:
                found.append({**apps[0], "name": title, "app_label": module, "models": models})
        return found

    def _module_of(self, model: Any) -> str:
        return type(self._registry[model]).__module__.rpartition(".")[2]


site = KyphoAdmin(name="admin")
