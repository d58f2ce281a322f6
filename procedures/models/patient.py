"""Patients and their allergies. Reached through their cases only (`Case.objects.visible_to`)."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .ranges import in_record_time


class Patient(models.Model):
    """A person who is treated. Changed only by `commands.patients`, with an event in every open case."""

    SEXES = {"F": _("Female"), "M": _("Male"), "X": _("Other"), "U": _("Unknown")}

    mrn = models.CharField(_("MRN"), max_length=20, unique=True, help_text=_("Medical record number"))
    family_name = models.CharField(_("family name"), max_length=80)
    given_name = models.CharField(_("given name"), max_length=80)
    birth_date = models.DateField(_("birth date"))
    sex = models.CharField(_("sex"), max_length=1, choices=list(SEXES.items()), default="U")

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        ordering = ["family_name", "given_name"]
        constraints = [
            models.CheckConstraint(
                name="patient_mrn_form", condition=Q(mrn__regex=r"^[0-9A-Za-z][0-9A-Za-z./-]*$")
            ),
            models.CheckConstraint(
                name="patient_birth_date_range",
                condition=Q(birth_date__gte="1890-01-01", birth_date__lt="2200-01-01"),
            ),
            models.CheckConstraint(name="patient_sex_known", condition=Q(sex__in=["F", "M", "X", "U"])),
        ]
        indexes = [
            models.Index(fields=["family_name", "birth_date"], name="patient_same_name"),
            models.Index(fields=["family_name", "given_name", "id"], name="patient_by_name"),
        ]

    def __str__(self) -> str:
        return f"{self.family_name.upper()}, {self.given_name}"

    @property
    def initials(self) -> str:
        """Given name first, as on a list that others can see: "M. R."."""
        return " ".join(f"{name[0].upper()}." for name in (self.given_name, self.family_name) if name)


class Allergy(models.Model):
    """One allergy of a patient; withdrawn with a reason, never deleted."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="allergies")
    LONGEST = 80

    substance = models.CharField(_("substance"), max_length=LONGEST)
    added_at = models.DateTimeField(_("added at"))
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, blank=True
    )
    withdrawn_reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("allergy")
        verbose_name_plural = _("allergies")
        ordering = ["added_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "substance"], condition=Q(withdrawn_at=None), name="allergy_live_once"
            ),
            models.CheckConstraint(
                name="allergy_withdrawn_pair",
                condition=Q(withdrawn_at=None, withdrawn_by=None, withdrawn_reason="")
                | (
                    Q(withdrawn_at__isnull=False, withdrawn_at__gte=F("added_at"), withdrawn_by__isnull=False)
                    & ~Q(withdrawn_reason="")
                ),
            ),
            in_record_time("allergy", "added_at", "withdrawn_at"),
        ]

    def __str__(self) -> str:
        return self.substance
