"""What is put right afterwards: entries out of order, and entries made on the wrong patient."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from procedures import commands
from procedures.forms import MoveForm, ReasonForm
from procedures.screens import aftermath as screens

from .answers import command, looked, me


@require_safe
def show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The entries that somebody has to look at again."""
    screen = screens.reconcile(me(request), pk)
    looked(request, screen.case)
    return render(request, "reconcile.html", {"screen": screen})


@require_POST
def reconcile(request: HttpRequest, pk: UUID, key: str, seq: int) -> HttpResponse:
    """This entry was looked at and stands."""
    form = ReasonForm(request.POST)
    given = form.checked()
    commands.reconcile(command(request, pk, form.id), key, about=seq, remark=given["reason"])
    return redirect("reconcile", pk)


@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, pk: UUID, key: str, seq: int) -> HttpResponse:
    """Move an entry that was recorded on the wrong patient."""
    if request.method != "POST":
        screen = screens.move(me(request), pk, key, seq)
        looked(request, screen.case)
        return render(request, "move.html", {"screen": screen})
    form = MoveForm(request.POST)
    given = form.checked()
    commands.move_entry(command(request, pk, form.id), key, about=seq, to=given["to"], reason=given["reason"])
    return redirect("entry", pk, key, seq)
