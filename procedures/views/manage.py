"""Everything about a case that is not a step."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from procedures.screens import manage

from .answers import looked, me


@require_safe
def show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Vertebrae, team, patient, allergies, pause and ending."""
    screen = manage.build(me(request), pk)
    looked(request, screen.case, "manage")
    return render(request, "manage.html", {"screen": screen})
