"""The case and the projections of its log: levels, steps, team. Only `commands` write these rows."""

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Func, Q, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import gettext_lazy as _

from procedures.definitions import SIDES, VERTEBRAE
from procedures.state import CaseStatus, LevelStatus, StepStatus

from .patient import Patient
from .people import ROLE_CHOICES, Tablet, Unit, User
from .protocol import ProtocolVersion
from .ranges import in_record_time

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

STATUS_LABELS = {
    CaseStatus.SCHEDULED: _("Scheduled"),
    CaseStatus.IN_PROGRESS: _("In progress"),
    CaseStatus.RECOVERY: _("Recovery"),
    CaseStatus.COMPLETED: _("Completed"),
    CaseStatus.CANCELLED: _("Cancelled"),
    CaseStatus.STOPPED: _("Stopped"),
    CaseStatus.VOIDED: _("Opened by mistake"),
}
INDICATIONS = {
    "osteoporosis": _("Osteoporosis"),
    "metastasis": _("Metastasis"),
    "myeloma": _("Multiple myeloma"),
    "trauma": _("Trauma"),
    "haemangioma": _("Haemangioma"),
    "other": _("Other"),
}
ANAESTHESIA = {
    "local": _("Local only"),
    "sedation": _("Sedation"),
    "general": _("General anaesthesia"),
}


# Sorted upwards, with what has no figure at the end.
SKIN_UP = Coalesce("skin_seconds", 2**31 - 1)
CEMENT_UP = Coalesce(NullIf("cement_ml", Value(Decimal(0))), Value(Decimal(9999)))


class _ByHand(Func):
    """An expression over columns of a case, with the user's id as its parameter.

    Written by hand, because every request sends these: the ORM took a fifth of a tick to build them each time.
    """

    sql = ""

    def __init__(self, *columns: Any, user_id: int | None = None, **extra: Any) -> None:
        super().__init__(*columns, **extra)
        self.user_id = user_id

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[int | None]]:  # type: ignore[override]
        """The SQL, with the columns as the query names them."""
        columns = [compiler.compile(column)[0] for column in self.source_expressions]
        return self.sql.format(*columns), [self.user_id] * self.sql.count("%s")


class _Visible(_ByHand):
    sql = (
        "({0} IN (SELECT m.unit_id FROM procedures_membership m WHERE m.user_id = %s)"
        " OR EXISTS (SELECT FROM procedures_caseteam t WHERE t.case_id = {1} AND t.user_id = %s))"
    )
    output_field = models.BooleanField()


def visible(user_id: int) -> Q:
    """What `CaseQuerySet.visible_to` asks, as a condition."""
    return Q(_Visible("unit_id", "pk", user_id=user_id))


class _Role(_ByHand):
    sql = "(SELECT m.role FROM procedures_membership m WHERE m.unit_id = {0} AND m.user_id = %s)"
    output_field = models.CharField()


class CaseQuerySet(models.QuerySet["Case"]):
    """The only door to patient data."""

    def visible_to(self, user: User) -> Self:
        """Cases of the user's units, and those in whose team the user is or was. Nothing for anybody else."""
        return self.filter(visible(user.pk))

    def on_wall(self, unit: int) -> Self:
        """What the wall display of a unit reads, and nothing else: running cases, without birth date or number."""
        running = self.filter(unit=unit, status__in=(CaseStatus.IN_PROGRESS, CaseStatus.RECOVERY))
        return (
            running.select_related("patient", "operator")
            .only(
                "room", "levels", "status", "next_step", "spine", "done", "total", "started_at", "paused_at",
                "emergency_at", "timers", "protocol_id", "patient__family_name", "patient__given_name",
                "operator__initials",
            )
            .order_by("room", "started_at", "pk")
        )  # fmt: skip

    def with_roles(self, **user_ids: int) -> Self:
        """Each case with the role, in its unit, of the users named; None for who is not a member."""
        return self.annotate(
            **{name: _Role("unit_id", user_id=user_id) for name, user_id in user_ids.items()}
        )


class Case(models.Model):
    """One kyphoplasty of one patient. Every column but the keys is folded from the events (`state.summary`).

    `spine` has one character for each of the eleven numbered steps: `.` open, `~` begun, `d` settled.
    `account`, `facets` and `words` are what the case log and the statistics read (`account.py`).
    `timers` are the clocks that run, as moments and never as what is left of them (`projection.timer_row`).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="cases", db_index=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="cases")
    protocol = models.ForeignKey(ProtocolVersion, models.PROTECT, related_name="cases", db_index=False)
    status = models.CharField(
        _("status"), max_length=12, choices=[(s.value, label) for s, label in STATUS_LABELS.items()]
    )
    scheduled_at = models.DateTimeField(_("scheduled for"))
    room = models.CharField(_("room"), max_length=40)
    indication = models.CharField(_("indication"), max_length=20, choices=list(INDICATIONS.items()))
    anaesthesia = models.CharField(_("planned anaesthesia"), max_length=10, choices=list(ANAESTHESIA.items()))
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True)

    opened_at = models.DateTimeField(_("opened at"))
    started_at = models.DateTimeField(_("started at"), null=True)
    ended_at = models.DateTimeField(_("ended at"), null=True)
    end_reason = models.CharField(_("reason"), max_length=500, blank=True)
    paused_at = models.DateTimeField(_("paused since"), null=True)
    emergency_at = models.DateTimeField(_("emergency since"), null=True)
    handover = models.JSONField(_("handover offered"), null=True)

    levels = ArrayField(models.CharField(max_length=3), verbose_name=_("levels"), default=list)
    done = models.PositiveSmallIntegerField(_("steps done"), default=0)
    total = models.PositiveSmallIntegerField(_("steps in all"), default=0)
    deficits = models.PositiveSmallIntegerField(_("missing details"), default=0)
    to_reconcile = models.PositiveSmallIntegerField(_("entries to look at again"), default=0)
    next_step = models.CharField(_("next step"), max_length=40, blank=True)
    spine = models.CharField(max_length=11, default="." * 11)
    first_needle_at = models.DateTimeField(_("first needle in"), null=True)
    last_needle_out_at = models.DateTimeField(_("last needle out"), null=True)
    cement_ml = models.DecimalField(_("cement, mL"), max_digits=5, decimal_places=1, default=0)
    leak = models.BooleanField(_("cement leak"), null=True)
    complications = models.PositiveSmallIntegerField(_("complications"), default=0)
    timers = models.JSONField(default=list)
    account = models.JSONField(default=dict)
    facets = ArrayField(models.CharField(max_length=80), default=list)
    words = ArrayField(models.CharField(max_length=60), default=list)
    search = SearchVectorField(default="", editable=False)  # a trigger's: `words` and those of the patient
    skin_seconds = models.PositiveIntegerField(_("skin to skin, s"), null=True)
    treated = models.PositiveSmallIntegerField(_("vertebrae with cement"), default=0)
    cement_by_level = ArrayField(models.DecimalField(max_digits=5, decimal_places=2), default=list)
    to_sign = models.BooleanField(_("to be signed"), default=False)
    signed_at = models.DateTimeField(_("signed at"), null=True)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, db_index=False
    )
    signed_seq = models.PositiveIntegerField(null=True)
    cosign_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, db_index=False
    )
    cosigned_at = models.DateTimeField(_("co-signed at"), null=True)
    cosigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, db_index=False
    )
    cosigned_seq = models.PositiveIntegerField(null=True)
    addenda = models.PositiveSmallIntegerField(_("addenda"), default=0)
    last_seq = models.PositiveIntegerField(default=0)
    head_hash = models.BinaryField(max_length=32)

    objects: ClassVar[models.Manager["Case"]] = models.Manager.from_queryset(CaseQuerySet)()

    if TYPE_CHECKING:
        step_rows: RelatedManager["Step"]
        level_rows: RelatedManager["Level"]

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        ordering = ["-scheduled_at"]
        indexes = [
            models.Index(fields=["unit", "scheduled_at", "id"], name="case_today"),
            # The case log: one index behind each column that it can be sorted by, and two for what it looks for.
            models.Index(fields=["scheduled_at", "id"], name="case_by_date"),
            models.Index(Coalesce("operator", 0), "scheduled_at", "id", name="case_by_operator"),
            models.Index(fields=["status", "scheduled_at", "id"], name="case_by_status"),
            models.Index(fields=["room", "scheduled_at", "id"], name="case_by_room"),
            models.Index(fields=["protocol", "scheduled_at", "id"], name="case_by_version"),
            models.Index(fields=["indication", "scheduled_at", "id"], name="case_by_indication"),
            models.Index(fields=["complications", "scheduled_at", "id"], name="case_by_complications"),
            models.Index(fields=["treated", "scheduled_at", "id"], name="case_by_treated"),
            models.Index(fields=["cement_ml", "id"], name="case_by_cement"),
            models.Index(Coalesce("skin_seconds", -1), "id", name="case_by_skin"),
            models.Index(SKIN_UP, "id", name="case_by_skin_up"),
            models.Index(CEMENT_UP, "id", name="case_by_cement_up"),
            GinIndex(fields=["facets"], name="case_facets"),
            GinIndex(fields=["search"], name="case_search"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "unit"], name="case_with_unit"),  # what the team points to
            models.CheckConstraint(name="case_status_known", condition=Q(status__in=list(CaseStatus))),
            models.CheckConstraint(
                name="case_started_pair",
                condition=Q(started_at=None, status__in=["scheduled", "cancelled", "voided"])
                | Q(started_at__isnull=False, status__in=sorted(set(CaseStatus) - {"scheduled"})),
            ),
            models.CheckConstraint(
                name="case_ended_pair",
                condition=Q(ended_at=None, status__in=["scheduled", "in_progress", "recovery"])
                | Q(ended_at__isnull=False, status__in=["completed", "cancelled", "stopped", "voided"]),
            ),
            models.CheckConstraint(name="case_done_within_total", condition=Q(done__lte=models.F("total"))),
            models.CheckConstraint(name="case_spine_form", condition=Q(spine__regex=r"^[.~d]{11}$")),
            models.CheckConstraint(
                name="case_levels_known", condition=Q(levels__contained_by=list(VERTEBRAE))
            ),
            models.CheckConstraint(
                name="case_signed_pair",
                condition=Q(signed_at=None, signed_by=None, signed_seq=None, cosign_by=None, addenda=0)
                | Q(signed_at__isnull=False, signed_by__isnull=False, signed_seq__isnull=False, to_sign=False),
            ),
            models.CheckConstraint(
                name="case_cosigned_pair",
                condition=Q(cosigned_at=None, cosigned_by=None, cosigned_seq=None)
                | Q(
                    signed_at__isnull=False,
                    cosigned_at__isnull=False,
                    cosigned_by__isnull=False,
                    cosigned_seq__gt=models.F("signed_seq"),
                ),
            ),
            in_record_time(
                "case", "scheduled_at", "opened_at", "started_at", "ended_at", "paused_at", "emergency_at",
                "first_needle_at", "last_needle_out_at", "signed_at", "cosigned_at",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.patient_id} {', '.join(self.levels)} {self.scheduled_at:%Y-%m-%d}"


class Level(models.Model):
    """One vertebra of a case; `sides` are its open accesses, `closed` the seq of the event that abandoned it."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="level_rows", db_index=False)
    vertebra = models.CharField(_("vertebra"), max_length=3)
    planned = models.BooleanField(_("planned"))
    state = models.CharField(_("state"), max_length=10, choices=[(s.value, s.value) for s in LevelStatus])
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    sides = ArrayField(models.CharField(max_length=5), verbose_name=_("accesses"), default=list)
    closed = models.PositiveIntegerField(null=True)

    class Meta:
        verbose_name = _("level")
        verbose_name_plural = _("levels")
        constraints = [
            models.UniqueConstraint(fields=["case", "vertebra"], name="level_once_per_case"),
            models.CheckConstraint(name="level_vertebra_known", condition=Q(vertebra__in=VERTEBRAE)),
            models.CheckConstraint(name="level_state_known", condition=Q(state__in=list(LevelStatus))),
            models.CheckConstraint(name="level_sides_known", condition=Q(sides__contained_by=list(SIDES))),
            models.CheckConstraint(
                name="level_closed_with_reason",
                condition=~Q(state__in=["abandoned", "deferred"]) | ~Q(reason=""),
            ),
        ]

    def __str__(self) -> str:
        return self.vertebra


class Step(models.Model):
    """One row of the checklist. `entries` are the recorded acts, oldest first, voided ones among them."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="step_rows", db_index=False)
    key = models.CharField(max_length=40)
    code = models.CharField(_("code"), max_length=20)
    level = models.CharField(_("vertebra"), max_length=3, null=True)
    side = models.CharField(_("side"), max_length=5, null=True)
    state = models.CharField(_("state"), max_length=14, choices=[(s.value, s.value) for s in StepStatus])
    entries = models.JSONField(_("entries"), default=list)
    done_at = models.DateTimeField(_("done at"), null=True)
    last_seq = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        constraints = [
            models.UniqueConstraint(
                fields=["case", "code", "level", "side"], nulls_distinct=False, name="step_once"
            ),
            models.UniqueConstraint(fields=["case", "key"], name="step_key_once"),
            models.CheckConstraint(name="step_state_known", condition=Q(state__in=list(StepStatus))),
            models.CheckConstraint(
                name="step_side_needs_level", condition=Q(side=None) | Q(level__isnull=False)
            ),
            models.CheckConstraint(
                name="step_done_pair",
                condition=(Q(state="done", done_at__isnull=False) | (~Q(state="done") & Q(done_at=None))),
            ),
            in_record_time("step", "done_at"),
        ]

    def __str__(self) -> str:
        return self.key


class CaseTeam(models.Model):
    """Who is in the team of a case, as what, from when until when. Membership gives the right to see it for ever.

    `unit` is the case's (a composite foreign key holds it), so that where somebody was need not be asked of each case.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="team")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="case_teams", db_index=False
    )
    role = models.CharField(_("role"), max_length=20, choices=ROLE_CHOICES)
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("team member")
        verbose_name_plural = _("team")
        indexes = [models.Index(fields=["user", "unit"], name="team_units_of_user")]
        constraints = [
            models.UniqueConstraint(fields=["case", "user", "role", "since"], name="team_once"),
            models.UniqueConstraint(fields=["case", "user"], condition=Q(until=None), name="team_live_once"),
            models.CheckConstraint(
                name="team_role_known", condition=Q(role__in=[r for r, _label in ROLE_CHOICES])
            ),
            models.CheckConstraint(
                name="team_until_after", condition=Q(until=None) | Q(until__gte=models.F("since"))
            ),
            in_record_time("team", "since", "until"),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display()}"


class Access(models.Model):
    """Somebody looked at a case: one row for each user, case, page, tablet and hour, with the right it was done by."""

    RIGHTS = {"member": _("Member of the unit"), "team": _("Team of the case")}
    WHAT = {
        "case": _("Case"),
        "offline": _("Page for without network"),
        "record": _("Record"),
        "note": _("Operative note"),
        "print": _("Printed record"),
        "paper": _("Paper sheet"),
        "pdf": _("PDF"),
        "fhir": _("FHIR, without names"),
        "fhir_names": _("FHIR, with names"),
        "lot": _("List of a lot or product"),
        "accesses": _("List of who looked"),
        "manage": _("Team and details"),
        "admin": _("Administration"),
    }

    case = models.ForeignKey(Case, models.PROTECT, related_name="accesses")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="accesses")
    what = models.CharField(_("what"), max_length=12, choices=list(WHAT.items()), default="case")
    tablet = models.ForeignKey(
        Tablet, models.PROTECT, related_name="+", null=True, db_index=False, verbose_name=_("tablet")
    )
    hour = models.DateTimeField(_("hour"))
    at = models.DateTimeField(_("first at"))
    right = models.CharField(_("by right of"), max_length=10, choices=list(RIGHTS.items()))

    class Meta:
        verbose_name = _("access")
        verbose_name_plural = _("accesses")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "case", "what", "tablet", "hour"],
                nulls_distinct=False,
                name="access_once_an_hour",
            ),
            models.CheckConstraint(name="access_right_known", condition=Q(right__in=["member", "team"])),
            in_record_time("access", "hour", "at"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.case_id} {self.at:%Y-%m-%d %H:%M}"
