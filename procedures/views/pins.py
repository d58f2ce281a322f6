"""One's own PIN; and, for a charge nurse, the PINs and agency accounts of the unit."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from procedures import signin
from procedures.signin import accounts, sessions
from procedures.signin_forms import AgencyForm, InUnitForm, NewPinForm, PersonForm

from .answers import me
from .ward import pin_page, unit_page, way_back


@require_http_methods(["GET", "HEAD", "POST"])
def pin(request: HttpRequest) -> HttpResponse:
    """Choose one's own PIN, after the password or the present PIN; or at once after a PIN for one sign-in."""
    if request.method != "POST":
        return pin_page(request)
    given = NewPinForm(request.POST).checked()
    tablet = signin.tablet_of(request)
    if not sessions.must_change_pin(request):
        accounts.prove(request, me(request), tablet, given["proof"])
    accounts.choose_pin(me(request), given["pin"], given["again"], tablet)
    sessions.pin_was_changed(request)
    messages.success(request, _("Your PIN is set."))
    return HttpResponseRedirect(way_back(request))


@require_safe
def unit(request: HttpRequest) -> HttpResponse:
    """The people of a unit, for its charge nurse."""
    return unit_page(request)


@require_POST
def reset(request: HttpRequest) -> HttpResponse:
    """Give a colleague a PIN for one sign-in, shown once."""
    given = _of_unit(request)
    person, code = accounts.reset_pin(me(request), *given, signin.tablet_of(request))
    return unit_page(request, told=(person.display_name, code))


@require_POST
def unlock(request: HttpRequest) -> HttpResponse:
    """Let a colleague try again."""
    given = _of_unit(request)
    accounts.unlock_pin(me(request), *given, signin.tablet_of(request))
    return _back(request, given[0])


@require_POST
def agency(request: HttpRequest) -> HttpResponse:
    """Open an account that ends with the shift; its first PIN is shown once."""
    given: dict[str, Any] = AgencyForm(request.POST).checked()
    unit_id = InUnitForm(request.POST).checked()["unit_id"]
    person, code = accounts.open_account(me(request), unit_id, given, signin.tablet_of(request))
    return unit_page(request, told=(person.display_name, code))


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """End an agency account now."""
    given = _of_unit(request)
    accounts.end_account(me(request), *given, signin.tablet_of(request))
    return _back(request, given[0])


def _of_unit(request: HttpRequest) -> tuple[int, int]:
    given = PersonForm(request.POST).checked()
    return given["unit_id"], given["user_id"]


def _back(request: HttpRequest, unit_id: int) -> HttpResponse:
    return HttpResponseRedirect(f"/unit/?unit={unit_id}")
