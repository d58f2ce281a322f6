"""The record of a case."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from .export_pages import record_page


@require_safe
def show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Every event in order, and the values level by level."""
    return record_page(request, pk)
