"""Who looked at a patient's cases; who got a lot."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from procedures import access, signin
from procedures.export_forms import SpanForm
from procedures.exports import lots as recipients
from procedures.models import Case
from procedures.screens import accesses as screens

from .answers import looked, me


@require_safe
def accesses(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Who looked at the cases of this patient and who took them away. To look here is a look too."""
    form = SpanForm(request.GET)
    span = form.days()
    problem = " ".join(str(said[0]) for said in form.errors.values())
    screen = screens.build(me(request), pk, span, request.GET.get("sort", "-at"), problem)
    looked(request, screen.case, "accesses")
    return render(request, "accesses.html", {"screen": screen})


@require_safe
def lots(request: HttpRequest) -> HttpResponse:
    """Every case in which a lot or a product was used; each that is shown has been looked at."""
    screen = recipients.build(me(request), request.GET)
    seen = Case.objects.visible_to(me(request)).filter(pk__in=screen.seen).only("pk", "unit")
    access.listed(me(request), seen.with_roles(actor_role=me(request).pk), "lot", signin.tablet_of(request))
    return render(request, "lots.html", {"screen": screen})
