"""Who may hear what. These views only judge; kypho/streams.py holds the stream open."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from procedures.live import SEQ, TOPICS
from procedures.models import Case

from .answers import me


@require_safe
def case(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Wakes when an event of the case is committed; starts with the case's last seq."""
    found = Case.objects.visible_to(me(request)).only("pk", "last_seq").get(pk=pk)
    return _stream([f"case:{pk}"], found.last_seq)


@require_safe
def today(request: HttpRequest) -> HttpResponse:
    """Wakes when a case of one of the user's units changes."""
    units = me(request).memberships.values_list("unit", flat=True)
    return _stream([f"unit:{unit}" for unit in units] or ["unit:none"], 0)


def stream_of_unit(unit: int) -> HttpResponse:
    """Wakes when a case of that unit changes, for whoever has been judged already (a wall display)."""
    return _stream([f"unit:{unit}"], 0)


def _stream(topics: list[str], seq: int) -> HttpResponse:
    return HttpResponse(content_type="text/event-stream", headers={TOPICS: " ".join(topics), SEQ: str(seq)})
