"""A step in hand, and what can be done with it and its entries."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST, require_safe

from procedures import commands
from procedures.forms import EntryForm, MarkForm, ReasonForm
from procedures.screens.hand import entry_hand, hand_for, missing_hand
from procedures.screens.view import View
from procedures.state import StepStatus

from .answers import case_page, changed, colleague, command, me
from .lookup import step_definition


@require_safe
def show(request: HttpRequest, pk: UUID, key: str) -> HttpResponse:
    """The case with this step in hand."""
    view = View.load(me(request), pk)
    return case_page(request, view, hand_for(view, key))


@require_safe
def entry(request: HttpRequest, pk: UUID, key: str, seq: int) -> HttpResponse:
    """The case with one entry in view."""
    view = View.load(me(request), pk)
    return case_page(request, view, entry_hand(view, key, seq))


@require_safe
def missing(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The case with the list of what its record still lacks."""
    view = View.load(me(request), pk)
    return case_page(request, view, missing_hand(view))


@require_POST
def done(request: HttpRequest, pk: UUID, key: str) -> HttpResponse:
    """Record that the step was done."""
    form = EntryForm(request.POST, step_definition(pk, key))
    given = form.checked()
    receipt = commands.record_done(
        command(request, pk, form.id, given["performed_by"], colleague(request), form.source),
        key,
        values=form.values(),
        side=given["side"],
        performed_at=given["performed_at"],
        confirmed=form.confirmed,
        override_reason=given["override_reason"],
    )
    return changed(request, receipt, key, second=True)


@require_POST
def mark(request: HttpRequest, pk: UUID, key: str) -> HttpResponse:
    """Mark the step not done or not applicable."""
    form = MarkForm(request.POST)
    given = form.checked()
    receipt = commands.mark(
        command(request, pk, form.id, given["performed_by"], source=form.source),
        key,
        performed_at=given["performed_at"],
        status=StepStatus(given["status"]),
        reason=given["reason"],
        override_reason=given["override_reason"],
    )
    return changed(request, receipt, key)


@require_POST
def details(request: HttpRequest, pk: UUID, key: str, seq: int) -> HttpResponse:
    """Add details that the entry lacks."""
    form = EntryForm(request.POST, step_definition(pk, key))
    form.checked()
    receipt = commands.add_details(
        command(request, pk, form.id), key, about=seq, values=form.values(), confirmed=form.confirmed
    )
    return changed(request, receipt, key)


@require_POST
def correct(request: HttpRequest, pk: UUID, key: str, seq: int) -> HttpResponse:
    """Correct the entry."""
    form = EntryForm(request.POST, step_definition(pk, key))
    given = form.checked()
    receipt = commands.correct(
        command(request, pk, form.id, given["performed_by"]),
        key,
        about=seq,
        reason=given["reason"],
        values=form.all_values(),
        performed_at=given["performed_at"],
        performer=given["performed_by"],
        confirmed=form.confirmed,
        read_up_to=given["read"],
    )
    return changed(request, receipt, key)


@require_POST
def void(request: HttpRequest, pk: UUID, key: str, seq: int) -> HttpResponse:
    """Take the entry back."""
    form = ReasonForm(request.POST)
    given = form.checked()
    receipt = commands.void(command(request, pk, form.id), key, about=seq, reason=given["reason"])
    return changed(request, receipt)
