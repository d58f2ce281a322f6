"""Whose turn it is on a shared tablet: tap a name, give the PIN; lock it; and say that somebody is at work."""

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from procedures import signin
from procedures.models import Membership, Tablet, User
from procedures.signin import sessions, tablets
from procedures.signin_forms import CodeForm, SwitchForm

from .ward import switch_page, tablet_page, way_back


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def switch(request: HttpRequest) -> HttpResponse:
    """Let the person whose PIN this is go on, on the page where the one before was."""
    if request.method != "POST":
        return switch_page(request)
    given = SwitchForm(request.POST).checked()
    tablet = signin.tablet_of(request)
    person = signin.check_pin(tablet, given["user_id"], given["pin"], one_time=True)
    once = signin.state_of_pin(person) == "once"
    sessions.sign_in(request, person, must_change=once)
    response = _went_on(request, person, tablet, once=once)
    tablets.keep(response, request.COOKIES[tablets.cookie_name()])
    return response


def _went_on(request: HttpRequest, person: User, tablet: Tablet | None, *, once: bool) -> HttpResponse:
    back = way_back(request)
    if once:
        back = f"{reverse('pin')}?{urlencode({'next': back})}"
    if not getattr(request, "htmx", False):
        return HttpResponseRedirect(back)  # not redirect(): a word would be taken for the name of a URL
    if once:
        return HttpResponseClientRedirect(back)
    unit = tablet.unit_id if tablet else 0
    role = Membership.objects.filter(user=person, unit=unit).first()
    words = role.get_role_display() if role else ""
    response = render(request, "switch.html#switched", {"screen": {"role": words}})
    said = {"id": person.pk, "name": person.display_name}
    return trigger_client_event(response, "kypho:switched", said)


@require_POST
def lock(request: HttpRequest) -> HttpResponse:
    """Lock the tablet at once. Off a tablet there is nothing to open it with again, so nothing happens."""
    sessions.lock(request)
    if getattr(request, "htmx", False):
        return HttpResponse(status=204)
    if not sessions.is_locked(request):
        return HttpResponseRedirect(way_back(request))
    return HttpResponseRedirect(f"{reverse('switch')}?{urlencode({'next': way_back(request)})}")


@require_POST
def act(request: HttpRequest) -> HttpResponse:
    """Somebody touches the page without sending anything: the idle clock starts anew (`middleware.Locked`)."""
    return HttpResponse(status=204)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def tablet(request: HttpRequest) -> HttpResponse:
    """Make this device the tablet that the code was made for. Whoever was signed in on it is signed out."""
    if request.method != "POST":
        return tablet_page(request)
    _tablet, secret = tablets.enrol(CodeForm(request.POST).checked()["code"])
    logout(request)
    response = HttpResponseRedirect(reverse("switch"))
    tablets.keep(response, secret)
    return response
