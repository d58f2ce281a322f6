"""Kypho as an installed app: its manifest, its service worker, and what can be shown without a network."""

import json
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from procedures import signin
from procedures.screens import offline as screens
from procedures.screens import ward

from .answers import looked, me


@login_not_required
@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """What a tablet needs to install the app."""
    return _public(render(request, "manifest.webmanifest", content_type="application/manifest+json"))


@login_not_required
@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """The service worker, at the root because it looks after every page. A new list of files makes a new one."""
    files = screens.shell()
    answer = render(
        request,
        "service-worker.js",
        {"files": json.dumps(files), "version": screens.version(files)},
        content_type="text/javascript; charset=utf-8",
    )
    return _public(answer)


@login_not_required
@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """Says that there is no network. Knows nobody."""
    return _public(render(request, "no_network.html"))


@require_safe
def case(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What a tablet keeps of a case in case the network goes. 410 once the case has ended: it is to be dropped."""
    screen = screens.build(me(request), pk)
    if screen is None:
        return HttpResponse(status=410)
    tablet = signin.tablet_of(request)
    looked(request, screen.case, "offline")
    turn = ward.switch(tablet, back=reverse("case", args=[pk])) if tablet else None
    return render(request, "offline.html", {"screen": screen, "turn": turn})


def _public(response: HttpResponse) -> HttpResponse:
    """The same for everybody, asked for anew each time."""
    response["Cache-Control"] = "no-cache"
    return response
