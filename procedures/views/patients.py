"""The patient of a case: details and allergies."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from procedures import commands
from procedures.forms import AllergyForm, CorrectPatientForm, ReasonForm

from .answers import command, managed


@require_POST
def correct(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Correct who the patient is."""
    form = CorrectPatientForm(request.POST)
    given = form.checked()
    receipt = commands.correct_patient(
        command(request, pk, form.id), details=form.patient(), reason=given["reason"]
    )
    return managed(request, receipt)


@require_POST
def add_allergy(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Add an allergy."""
    form = AllergyForm(request.POST)
    given = form.checked()
    return managed(request, commands.add_allergy(command(request, pk, form.id), substance=given["substance"]))


@require_POST
def withdraw_allergy(request: HttpRequest, pk: UUID, allergy_id: int) -> HttpResponse:
    """Withdraw an allergy."""
    form = ReasonForm(request.POST)
    given = form.checked()
    receipt = commands.withdraw_allergy(
        command(request, pk, form.id), allergy_id=allergy_id, reason=given["reason"]
    )
    return managed(request, receipt)
