"""The append-only log: the one source of truth."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from procedures.state import EventKind, Source

from .case import Case
from .people import Tablet
from .ranges import in_record_time


class Event(models.Model):
    """Something that was recorded. Never changed, never deleted: the database refuses it (migration 0003).

    `canonical` is the whole event as JSON with sorted keys; `data` is generated from it and so cannot differ;
    `hash` is the SHA-256 of the previous event's hash followed by `canonical`. The database checks all of it.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="events", db_index=False)
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=24, choices=[(kind.value, kind.value) for kind in EventKind])
    step_key = models.CharField(max_length=40, blank=True)
    about = models.PositiveIntegerField(null=True)
    performed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    performed_at = models.DateTimeField(_("done at"))
    recorded_at = models.DateTimeField(_("recorded at"))
    source = models.CharField(max_length=8, choices=[(source.value, source.value) for source in Source])
    command_id = models.UUIDField()
    part = models.PositiveSmallIntegerField()
    via = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False
    )
    tablet = models.ForeignKey(Tablet, models.PROTECT, null=True, related_name="+", db_index=False)
    input_digest = models.BinaryField(max_length=32)
    canonical = models.TextField()
    data = models.GeneratedField(
        expression=Cast("canonical", models.JSONField()), output_field=models.JSONField(), db_persist=True
    )
    prev_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["case", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["case", "seq"], name="event_seq_once"),
            models.UniqueConstraint(fields=["case", "command_id", "part"], name="event_command_part_once"),
            models.CheckConstraint(name="event_seq_from_one", condition=Q(seq__gte=1)),
            models.CheckConstraint(name="event_kind_known", condition=Q(kind__in=list(EventKind))),
            models.CheckConstraint(name="event_source_known", condition=Q(source__in=list(Source))),
            models.CheckConstraint(
                name="event_about_is_earlier", condition=Q(about=None) | Q(about__lt=F("seq"))
            ),
            models.CheckConstraint(
                name="event_not_before_done", condition=Q(performed_at__lte=F("recorded_at"))
            ),
            in_record_time("event", "performed_at", "recorded_at"),
        ]
        indexes = [models.Index(fields=["recorded_at"], name="event_recorded_at")]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind} {self.step_key}"
