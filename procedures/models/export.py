"""What was taken away: each export with who, what and by which right, and the cases that went into it."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .case import Case
from .people import Tablet
from .ranges import in_record_time

OPEN_FOR = timedelta(hours=1)
KINDS = {"csv": _("CSV"), "xlsx": _("Excel")}
OF_CASES = {
    "case": _("one row a case"),
    "side": _("one row a vertebra and side"),
    "product": _("one row a product used"),
}
FIGURES = "figures"
ROWS = {**OF_CASES, FIGURES: _("figures of many cases")}


class Export(models.Model):
    """One export of the case log. `query` is the address of the log that it was asked for, its free text sealed as it
    is there; `in_words` the same for a reader; `right` the roles by which names go with it, or `member` or `team`.

    A table of the statistics (`plot`: which) has no row of a case: of it the number of cases is kept that it rests on.
    Only how far it has come is written later, and never back (migrations 0021 and 0030).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="exports")
    tablet = models.ForeignKey(Tablet, models.PROTECT, related_name="+", null=True)
    asked_at = models.DateTimeField(_("asked for at"))
    kind = models.CharField(_("kind"), max_length=8, choices=list(KINDS.items()))
    rows = models.CharField(_("rows"), max_length=8, choices=list(ROWS.items()))
    identified = models.BooleanField(_("with names"))
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    right = models.CharField(_("by right of"), max_length=60)
    query = models.TextField(_("asked for"), blank=True)
    in_words = models.TextField(_("filters"), blank=True)
    plot = models.CharField(_("table of the statistics"), max_length=20, blank=True)
    expected = models.PositiveIntegerField(_("cases expected"))
    cases = models.PositiveIntegerField(_("cases so far"), default=0)
    begun_at = models.DateTimeField(_("begun at"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    failed_at = models.DateTimeField(_("broken off at"), null=True)

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        ordering = ["-asked_at"]
        indexes = [models.Index(fields=["user", "asked_at"], name="export_of_user")]
        constraints = [
            models.CheckConstraint(name="export_kind_known", condition=Q(kind__in=list(KINDS))),
            models.CheckConstraint(name="export_rows_known", condition=Q(rows__in=list(ROWS))),
            models.CheckConstraint(
                name="export_identified_with_reason", condition=Q(identified=False) | ~Q(reason="")
            ),
            models.CheckConstraint(
                name="export_figures_of_a_plot",
                condition=(Q(rows=FIGURES, identified=False) & ~Q(plot="")) | (~Q(rows=FIGURES) & Q(plot="")),
            ),
            models.CheckConstraint(
                name="export_begun_first",
                condition=Q(begun_at__isnull=False) | Q(finished_at=None, failed_at=None, cases=0),
            ),
            in_record_time("export", "asked_at", "begun_at", "finished_at", "failed_at"),
        ]

    def __str__(self) -> str:
        return f"{self.asked_at:%Y-%m-%d %H:%M} {self.kind}"

    def is_open(self, now: datetime) -> bool:
        """Whether its file can still be fetched."""
        return now < self.asked_at + OPEN_FOR


class ExportedCase(models.Model):
    """A case that went into an export; written before its row is sent."""

    export = models.ForeignKey(Export, models.PROTECT, related_name="rows_of", db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="exported")

    class Meta:
        verbose_name = _("exported case")
        verbose_name_plural = _("exported cases")
        constraints = [models.UniqueConstraint(fields=["export", "case"], name="exported_case_once")]

    def __str__(self) -> str:
        return f"{self.export_id} {self.case_id}"
