"""The vertebrae of a case."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from procedures import commands
from procedures.forms import ReasonForm, VertebraForm

from .answers import command, managed


@require_POST
def add(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Add a vertebra."""
    form = VertebraForm(request.POST)
    given = form.checked()
    receipt = commands.add_level(
        command(request, pk, form.id), vertebra=given["vertebra"], reason=given["reason"]
    )
    return managed(request, receipt)


@require_POST
def abandon(request: HttpRequest, pk: UUID, vertebra: str) -> HttpResponse:
    """Give a vertebra up."""
    form = ReasonForm(request.POST)
    given = form.checked()
    receipt = commands.abandon_level(command(request, pk, form.id), vertebra=vertebra, reason=given["reason"])
    return managed(request, receipt)


@require_POST
def defer(request: HttpRequest, pk: UUID, vertebra: str) -> HttpResponse:
    """Leave a vertebra for another day."""
    form = ReasonForm(request.POST)
    given = form.checked()
    receipt = commands.defer_level(command(request, pk, form.id), vertebra=vertebra, reason=given["reason"])
    return managed(request, receipt)


@require_POST
def reopen(request: HttpRequest, pk: UUID, vertebra: str) -> HttpResponse:
    """Take back that a vertebra was closed."""
    form = ReasonForm(request.POST)
    given = form.checked()
    receipt = commands.reopen_level(command(request, pk, form.id), vertebra=vertebra, reason=given["reason"])
    return managed(request, receipt)
