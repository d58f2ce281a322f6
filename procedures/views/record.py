"""The record of a case."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from procedures import access
from procedures.screens import record

from .answers import me


@require_safe
def show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every event in order, and the values level by level."""
    screen = record.build(me(request), pk)
    access.looked(me(request), screen.case)
    return render(request, "record.html", {"screen": screen})
