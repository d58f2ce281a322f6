"""The second person: verifying, taking a case over; in one's own session, or by one's PIN in somebody else's."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from procedures import commands, signin
from procedures.commands import Command
from procedures.forms import CommandForm, EntryForm, HandoverForm
from procedures.screens import handover as screens
from procedures.screens.hand import entry_hand
from procedures.screens.view import View
from procedures.state import EventKind

from .answers import case_page, changed, command, looked, me, sent
from .lookup import step_definition


def by_pin(request: HttpRequest, pk: UUID, command_id: UUID) -> Command:
    """The command as the person gives it who tapped a name and gave the PIN; else as the one who is signed in.

    Only on an enrolled tablet. What is given by PIN comes through the session's user (`via`).
    """
    user_id = sent(request.POST, "user")
    if not user_id or user_id == me(request).pk:
        return command(request, pk, command_id)
    person = signin.check_pin(signin.tablet_of(request), user_id, request.POST.get("pin", ""))
    return command(request, pk, command_id, colleague=person)


@require_POST
def verify(request: HttpRequest, pk: UUID, key: str, seq: int) -> HttpResponse:
    """Verify the entry as a second person. Two different findings: both are shown, and one is to be put right."""
    form = EntryForm(request.POST, step_definition(pk, key))
    form.checked()
    receipt = commands.verify(by_pin(request, pk, form.id), key, about=seq, values=form.values())
    if receipt.ledger is None or receipt.ledger.written[-1].kind is EventKind.STEP_DISPUTED:
        view = View.load(me(request), pk)
        entry = view.state.steps[key].entry(seq)
        if entry and entry.second:
            return case_page(request, view, entry_hand(view, key, seq), 409)
    return changed(request, receipt, key)


@require_http_methods(["GET", "HEAD", "POST"])
def handover(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What stands in the case, for the one who takes over; and the offer."""
    if request.method != "POST":
        screen = screens.build(me(request), pk)
        looked(request, screen.case)
        return render(request, "handover.html", {"screen": screen})
    form = HandoverForm(request.POST)
    given = form.checked()
    commands.offer_handover(command(request, pk, form.id), to=given["to"], concerns=given["concerns"])
    return redirect("case", pk)


@require_POST
def accept(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the case over."""
    form = CommandForm(request.POST)
    form.checked()
    commands.accept_handover(by_pin(request, pk, form.id))
    return redirect("case", pk)


@require_POST
def withdraw(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take the offer back, or decline it."""
    form = CommandForm(request.POST)
    form.checked()
    commands.withdraw_handover(command(request, pk, form.id))
    return redirect("case", pk)
