"""The rows of a protocol: what a hospital drafts, publishes and then never changes.

`definitions.py` says what each column means to the program; here are the columns and what the database refuses. A
published version is frozen by triggers (see the migrations); `protocols/loader.py` writes these rows and
`protocols/frozen.py` reads them back as definitions.
"""

from collections.abc import Iterable
from enum import StrEnum
from itertools import combinations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from procedures.definitions import (
    FieldType,
    Measure,
    Milestone,
    Needed,
    Phase,
    Repeats,
    Required,
    Role,
    Scope,
    SecondPerson,
    TimerKind,
)

LIMITS = ("refuse_below", "warn_below", "warn_above", "refuse_above")


class Status(StrEnum):
    """A draft may be edited; a published version may be used; a retired one only by the cases that have it."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


def _choices(words: type[StrEnum]) -> list[tuple[str, str]]:
    """The words of an enum as Django's choices."""
    return [(word.value, word.value.replace("_", " ")) for word in words]


def _one_of(table: str, column: str, words: type[StrEnum], *also: str) -> models.CheckConstraint:
    """Only the words of this enum (and these) may stand in the column."""
    allowed = [word.value for word in words] + list(also)
    return models.CheckConstraint(name=f"{table}_{column}_known", condition=Q(**{f"{column}__in": allowed}))


def _in_order(names: Iterable[str]) -> Q:
    """Each two of the columns stand in this order where both are given."""
    condition = Q()
    for low, high in combinations(names, 2):
        condition &= (
            Q(**{f"{low}__isnull": True}) | Q(**{f"{high}__isnull": True}) | Q(**{f"{low}__lte": F(high)})
        )
    return condition


class Protocol(models.Model):
    """A kind of procedure that is recorded, such as kyphoplasty. Its content is in its versions."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    title = models.CharField(_("title"), max_length=120)

    class Meta:
        verbose_name = _("protocol")
        verbose_name_plural = _("protocols")
        ordering = ("code",)

    def __str__(self) -> str:
        return self.title


class ProtocolVersion(models.Model):
    """One numbered edition of a protocol. A case keeps the version it was opened with.

    `digest` is the SHA-256 of the content (`loader.digest`), by which the same file is not loaded twice.
    `published_by` is empty for the version that ships with the program and a command loaded.
    """

    protocol = models.ForeignKey(
        Protocol, on_delete=models.PROTECT, related_name="versions", verbose_name=_("protocol")
    )
    number = models.PositiveIntegerField(_("number"))
    title = models.CharField(_("title"), max_length=120)
    status = models.CharField(
        _("status"), max_length=10, choices=_choices(Status), default=Status.DRAFT.value
    )
    published_at = models.DateTimeField(_("published at"), null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="published_protocols",
        verbose_name=_("published by"),
    )
    late_after_minutes = models.PositiveSmallIntegerField(_("late after (minutes)"), default=15)
    notes = models.TextField(_("notes"), blank=True)
    emergency = models.JSONField(_("buttons of the emergency log"), default=list, blank=True)
    dosing = models.JSONField(_("limits of doses"), default=dict, blank=True)
    digest = models.CharField(_("digest"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("protocol version")
        verbose_name_plural = _("protocol versions")
        ordering = ("protocol", "number")
        constraints = (
            models.UniqueConstraint(fields=["protocol", "number"], name="protocolversion_number_once"),
            models.CheckConstraint(name="protocolversion_number_from_one", condition=Q(number__gte=1)),
            _one_of("protocolversion", "status", Status),
            models.CheckConstraint(
                name="protocolversion_published_pair",
                condition=Q(status=Status.DRAFT.value, published_at=None)
                | (~Q(status=Status.DRAFT.value) & Q(published_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="protocolversion_publisher_pair",
                condition=Q(published_by=None) | Q(published_at__isnull=False),
            ),
            models.CheckConstraint(
                name="protocolversion_digest_form",
                condition=Q(status=Status.DRAFT.value, digest="") | Q(digest__regex=r"^[0-9a-f]{64}$"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.title} v{self.number}"


class StepDefinition(models.Model):
    """One step of a version (`definitions.Step`). `position` is its place on the screen."""

    version = models.ForeignKey(
        ProtocolVersion, on_delete=models.CASCADE, related_name="steps", verbose_name=_("version")
    )
    position = models.PositiveSmallIntegerField(_("position"))
    code = models.CharField(_("code"), max_length=20)
    seed = models.PositiveSmallIntegerField(_("numbered step"), null=True, blank=True)
    title = models.CharField(_("title"), max_length=120)
    button = models.CharField(_("button"), max_length=40)
    instruction = models.TextField(_("instruction"), blank=True)
    phase = models.CharField(_("phase"), max_length=12, choices=_choices(Phase))
    roles = ArrayField(
        models.CharField(max_length=20, choices=_choices(Role)),
        default=list,
        blank=True,
        verbose_name=_("roles"),
    )
    required = models.CharField(_("required"), max_length=12, choices=_choices(Required))
    repeats = models.CharField(_("repeats"), max_length=10, choices=_choices(Repeats))
    many = models.BooleanField(_("several entries"), default=False)
    pairs_with = models.CharField(_("pairs with"), max_length=20, blank=True)
    critical = models.BooleanField(_("critical"), default=False)
    second_person = models.CharField(_("second person"), max_length=12, choices=_choices(SecondPerson))
    milestone = models.CharField(_("milestone"), max_length=12, choices=_choices(Milestone), blank=True)
    column = models.CharField(_("column of the grid"), max_length=20, blank=True)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ("version", "position")
        constraints = (
            models.UniqueConstraint(fields=["version", "code"], name="stepdefinition_code_once"),
            models.UniqueConstraint(fields=["version", "position"], name="stepdefinition_position_once"),
            models.UniqueConstraint(
                fields=["version", "milestone"],
                condition=~Q(milestone=""),
                name="stepdefinition_milestone_once",
            ),
            models.CheckConstraint(
                name="stepdefinition_seed_range", condition=Q(seed=None) | Q(seed__gte=1, seed__lte=11)
            ),
            models.CheckConstraint(
                name="stepdefinition_code_form", condition=Q(code__regex=r"^[A-Za-z0-9-]+$")
            ),
            _one_of("stepdefinition", "phase", Phase),
            _one_of("stepdefinition", "required", Required),
            _one_of("stepdefinition", "repeats", Repeats),
            _one_of("stepdefinition", "second_person", SecondPerson),
            _one_of("stepdefinition", "milestone", Milestone, ""),
            models.CheckConstraint(
                name="stepdefinition_roles_known",
                condition=Q(roles__contained_by=[role.value for role in Role]),
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class FieldDefinition(models.Model):
    """One value that a step asks for (`definitions.Field`). Limits are in `unit`; `step_size` is its `step`.

    `units` holds the factors as decimal strings; `options` is a list of [code, label].
    """

    step = models.ForeignKey(
        StepDefinition, on_delete=models.CASCADE, related_name="fields", verbose_name=_("step")
    )
    position = models.PositiveSmallIntegerField(_("position"))
    key = models.CharField(_("key"), max_length=40)
    label = models.CharField(_("label"), max_length=80)
    type = models.CharField(_("type"), max_length=10, choices=_choices(FieldType))
    needed = models.CharField(_("needed"), max_length=15, choices=_choices(Needed))
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    units = models.JSONField(_("further units"), default=dict, blank=True)
    decimals = models.PositiveSmallIntegerField(_("decimal places"), default=0)
    step_size = models.DecimalField(_("step of the stepper"), null=True, blank=True)
    typical = models.DecimalField(_("typical"), null=True, blank=True)
    refuse_below = models.DecimalField(_("refuse below"), null=True, blank=True)
    refuse_above = models.DecimalField(_("refuse above"), null=True, blank=True)
    warn_below = models.DecimalField(_("warn below"), null=True, blank=True)
    warn_above = models.DecimalField(_("warn above"), null=True, blank=True)
    options = models.JSONField(_("options"), default=list, blank=True)
    product_kind = models.CharField(_("kind of product"), max_length=20, blank=True)
    entry_of = models.CharField(_("entry of step"), max_length=20, blank=True)
    measures = models.CharField(_("measures"), max_length=12, choices=_choices(Measure), blank=True)
    total_above = models.DecimalField(_("ask when the total is above"), null=True, blank=True)
    total_scope = models.CharField(_("total of"), max_length=12, choices=_choices(Scope), blank=True)
    unseen = models.BooleanField(_("second person enters it unseen"), default=False)
    help = models.TextField(_("help"), blank=True)

    class Meta:
        verbose_name = _("field")
        verbose_name_plural = _("fields")
        ordering = ("step", "position")
        constraints = (
            models.UniqueConstraint(fields=["step", "key"], name="fielddefinition_key_once"),
            models.UniqueConstraint(fields=["step", "position"], name="fielddefinition_position_once"),
            models.CheckConstraint(
                name="fielddefinition_key_form", condition=Q(key__regex=r"^[a-z][a-z0-9_]*$")
            ),
            _one_of("fielddefinition", "type", FieldType),
            _one_of("fielddefinition", "needed", Needed),
            _one_of("fielddefinition", "measures", Measure, ""),
            models.CheckConstraint(name="fielddefinition_limits_in_order", condition=_in_order(LIMITS)),
            models.CheckConstraint(
                name="fielddefinition_typical_in_limits",
                condition=_in_order(["refuse_below", "typical"]) & _in_order(["typical", "refuse_above"]),
            ),
            models.CheckConstraint(
                name="fielddefinition_unit_of_quantity",
                condition=(Q(type=FieldType.QUANTITY.value) & ~Q(unit=""))
                | (~Q(type=FieldType.QUANTITY.value) & Q(unit="", units={})),
            ),
            models.CheckConstraint(
                name="fielddefinition_options_of_choice",
                condition=(Q(type__in=[FieldType.CHOICE.value, FieldType.CHOICES.value]) & ~Q(options=[]))
                | (~Q(type__in=[FieldType.CHOICE.value, FieldType.CHOICES.value]) & Q(options=[])),
            ),
            models.CheckConstraint(
                name="fielddefinition_kind_of_product",
                condition=(Q(type=FieldType.PRODUCT.value) & ~Q(product_kind=""))
                | (~Q(type=FieldType.PRODUCT.value) & Q(product_kind="")),
            ),
            models.CheckConstraint(
                name="fielddefinition_step_of_entry",
                condition=(Q(type=FieldType.ENTRY.value) & ~Q(entry_of=""))
                | (~Q(type=FieldType.ENTRY.value) & Q(entry_of="")),
            ),
            models.CheckConstraint(
                name="fielddefinition_step_size_positive", condition=Q(step_size=None) | Q(step_size__gt=0)
            ),
            models.CheckConstraint(name="fielddefinition_decimals_range", condition=Q(decimals__lte=4)),
            models.CheckConstraint(
                name="fielddefinition_total_pair",
                condition=Q(total_above=None, total_scope="")
                | Q(total_above__isnull=False, total_scope__in=[Scope.LEVEL.value, Scope.CASE.value]),
            ),
        )

    def __str__(self) -> str:
        return self.label


class Requirement(models.Model):
    """What a step needs first (`definitions.Requirement`); `needs` is a step's code in the same version."""

    step = models.ForeignKey(
        StepDefinition, on_delete=models.CASCADE, related_name="requirements", verbose_name=_("step")
    )
    position = models.PositiveSmallIntegerField(_("position"))
    needs = models.CharField(_("needs"), max_length=20)
    hard = models.BooleanField(_("hard"), default=True)
    scope = models.CharField(_("scope"), max_length=12, choices=_choices(Scope), default=Scope.CASE.value)
    expects = models.JSONField(_("expects"), default=dict, blank=True)
    only_if_anaesthesia = ArrayField(
        models.CharField(max_length=20),
        default=list,
        blank=True,
        verbose_name=_("only if the anaesthesia is"),
    )

    class Meta:
        verbose_name = _("requirement")
        verbose_name_plural = _("requirements")
        ordering = ("step", "position")
        constraints = (
            models.UniqueConstraint(fields=["step", "needs", "scope"], name="requirement_once"),
            models.UniqueConstraint(fields=["step", "position"], name="requirement_position_once"),
            _one_of("requirement", "scope", Scope),
        )

    def __str__(self) -> str:
        return _("needs %(code)s") % {"code": self.needs}


class TimerDefinition(models.Model):
    """A clock between two steps of a version (`definitions.Timer`)."""

    version = models.ForeignKey(
        ProtocolVersion, on_delete=models.CASCADE, related_name="timers", verbose_name=_("version")
    )
    position = models.PositiveSmallIntegerField(_("position"))
    key = models.CharField(_("key"), max_length=40)
    label = models.CharField(_("label"), max_length=80)
    kind = models.CharField(_("kind"), max_length=12, choices=_choices(TimerKind))
    starts_on = models.CharField(_("starts on"), max_length=20)
    ends_on = models.CharField(_("ends on"), max_length=20, blank=True)
    met_by = models.CharField(_("met by"), max_length=20, blank=True)
    scope = models.CharField(_("scope"), max_length=12, choices=_choices(Scope), default=Scope.CASE.value)
    minutes = ArrayField(
        models.PositiveSmallIntegerField(), default=list, blank=True, verbose_name=_("minutes")
    )
    warn_minutes = models.PositiveSmallIntegerField(_("warn after (minutes)"), null=True, blank=True)
    product_bands = models.BooleanField(_("bands of the product"), default=False)

    class Meta:
        verbose_name = _("timer")
        verbose_name_plural = _("timers")
        ordering = ("version", "position")
        constraints = (
            models.UniqueConstraint(fields=["version", "key"], name="timerdefinition_key_once"),
            models.UniqueConstraint(fields=["version", "position"], name="timerdefinition_position_once"),
            _one_of("timerdefinition", "kind", TimerKind),
            _one_of("timerdefinition", "scope", Scope),
            models.CheckConstraint(
                name="timerdefinition_schedule_met_by",
                condition=(Q(kind=TimerKind.SCHEDULE.value) & ~Q(met_by=""))
                | (~Q(kind=TimerKind.SCHEDULE.value) & Q(met_by="")),
            ),
        )

    def __str__(self) -> str:
        return self.label
