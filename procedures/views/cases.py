"""A case as a whole: see it, open it, plan it, start it, end it."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from procedures import commands
from procedures.definitions import Role
from procedures.forms import (
    CommandForm,
    EmergencyForm,
    NewCaseForm,
    PerformedForm,
    PlanForm,
    ReasonForm,
    ResumeForm,
    StopForm,
    TeamForm,
)
from procedures.models import Case, Membership, Unit
from procedures.rules import CLINICIANS
from procedures.screens import new as screens
from procedures.screens.hand import next_hand
from procedures.screens.view import View, for_screen

from .answers import case_page, changed, command, looked, managed, me, refreshed


@require_safe
def show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The case with the step that comes next in hand."""
    view = View.load(me(request), pk)
    return case_page(request, view, next_hand(view))


@require_safe
def changes(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What changed in the case since the page was drawn."""
    return refreshed(request, View.load(me(request), pk))


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Find the patient, then open a case."""
    screen = screens.new_case(me(request), request.POST or request.GET)
    if request.method != "POST":
        return render(request, "new_case.html", {"screen": screen})
    form = NewCaseForm(request.POST, _clinicians(screen.unit))
    given = form.checked()
    screens.check_same_name(screen, given["same_name_checked"])
    receipt = commands.open_case(
        command(request, form.id, form.id),
        unit=screen.unit,
        patient=form.patient(),
        plan=form.plan(),
        allergies=form.substances(),
    )
    return redirect("case", receipt.case_id)


def _clinicians(unit: Unit) -> dict[int, Role]:
    rows = Membership.objects.filter(unit=unit, role__in=CLINICIANS, user__is_active=True)
    return {user: Role(role) for user, role in rows.values_list("user", "role")}


@require_http_methods(["GET", "HEAD", "POST"])
def plan(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change what is planned of a scheduled case."""
    case: Case = for_screen(me(request), pk)
    if request.method != "POST":
        looked(request, case, "manage")
        return render(request, "new_case.html", {"screen": screens.change(me(request), case)})
    form = PlanForm(request.POST, _clinicians(case.unit))
    form.checked()
    commands.change_case(command(request, pk, form.id), plan=form.plan())
    return redirect("case", pk)


@require_POST
def start(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Start recording; from paper with the time at which the case began."""
    form = PerformedForm(request.POST)
    given = form.checked()
    begun = command(request, pk, form.id, given["performed_by"], source=form.source)
    return changed(request, commands.start(begun, performed_at=given["performed_at"]))


@require_POST
def pause(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Interrupt the case."""
    form = ReasonForm(request.POST)
    given = form.checked()
    return changed(request, commands.pause(command(request, pk, form.id), reason=given["reason"]))


@require_POST
def resume(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Go on."""
    form = ResumeForm(request.POST)
    given = form.checked()
    receipt = commands.resume(
        command(request, pk, form.id), identity=given["identity"] == "yes", second=given["second"]
    )
    return changed(request, receipt)


@require_POST
def emergency(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Switch the emergency on or off; afterwards comes what somebody has to look at again."""
    form = EmergencyForm(request.POST)
    given = form.checked()
    receipt = commands.set_emergency(command(request, pk, form.id), on=given["on"] == "1")
    ledger = receipt.ledger
    if ledger and given["on"] == "0" and ledger.progress.unreconciled:
        return redirect("reconcile", pk)
    return changed(request, receipt)


@require_POST
def complete(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Close a case whose steps are all settled."""
    form = CommandForm(request.POST)
    form.checked()
    return changed(request, commands.complete(command(request, pk, form.id)))


@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Call the case off before sedation."""
    form = ReasonForm(request.POST)
    given = form.checked()
    return changed(request, commands.cancel(command(request, pk, form.id), reason=given["reason"]))


@require_POST
def stop(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Break the case off after sedation."""
    form = StopForm(request.POST)
    given = form.checked()
    receipt = commands.stop(command(request, pk, form.id), reason=given["reason"], levels=form.levels())
    return changed(request, receipt)


@require_POST
def void(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Mark the case as opened by mistake."""
    form = ReasonForm(request.POST)
    given = form.checked()
    return changed(request, commands.void_case(command(request, pk, form.id), reason=given["reason"]))


@require_POST
def team(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take somebody into the team, or let somebody leave."""
    form = TeamForm(request.POST)
    given = form.checked()
    receipt = commands.change_team(
        command(request, pk, form.id), user_id=given["user_id"], role=form.role_or_none()
    )
    return managed(request, receipt)
