"""Who works where: users, units, and what somebody is in a unit."""

from datetime import datetime
from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from procedures.definitions import Role

from .ranges import in_record_time

ROLE_LABELS = {
    Role.WARD_NURSE: _("Ward nurse"),
    Role.CIRCULATING_NURSE: _("Circulating nurse"),
    Role.SEDATION_NURSE: _("Sedation nurse"),
    Role.ANAESTHETIST: _("Anaesthetist"),
    Role.SCRUB_NURSE: _("Scrub nurse"),
    Role.RADIOGRAPHER: _("Radiographer"),
    Role.OPERATOR: _("Operator"),
    Role.ASSISTANT: _("Assistant"),
    Role.RECOVERY_NURSE: _("Recovery nurse"),
    Role.ADMINISTRATOR: _("Administrator"),
}
ROLE_CHOICES = [(role.value, label) for role, label in ROLE_LABELS.items()]


class User(AbstractUser):
    """A named person. There are no shared accounts: every entry of the record points to one of these."""

    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    display_name = models.CharField(_("name"), max_length=80, help_text=_("As colleagues say it: Dr W. Chen"))
    initials = models.CharField(_("initials"), max_length=4)
    profession = models.CharField(_("profession"), max_length=60, blank=True)
    registration_number = models.CharField(_("registration number"), max_length=40, blank=True)
    ends_at = models.DateTimeField(
        _("ends at"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("An agency nurse's account ends then."),
    )

    objects: ClassVar[UserManager["User"]] = UserManager()  # type: ignore[assignment]

    REQUIRED_FIELDS: ClassVar[list[str]] = ["display_name", "initials"]

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["display_name"]
        constraints = [in_record_time("user", "ends_at")]

    def __str__(self) -> str:
        return self.display_name or self.username

    def has_ended(self, moment: datetime) -> bool:
        """Whether an account that was opened for one shift is over."""
        return self.ends_at is not None and self.ends_at <= moment

    def get_full_name(self) -> str:
        """The name as colleagues say it."""
        return self.display_name

    def get_short_name(self) -> str:
        """The initials shown beside a tick."""
        return self.initials


class Unit(models.Model):
    """A department that performs kyphoplasties; its members see its cases."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    rooms = ArrayField(models.CharField(max_length=40), verbose_name=_("rooms"), default=list, blank=True)
    members = models.ManyToManyField(User, through="Membership", related_name="units")

    class Meta:
        verbose_name = _("unit")
        verbose_name_plural = _("units")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What a person is in a unit. The role decides what they may do there (`rules.MAY`)."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships", verbose_name=_("person"))
    unit = models.ForeignKey(Unit, models.CASCADE, related_name="memberships", verbose_name=_("unit"))
    role = models.CharField(_("role"), max_length=20, choices=ROLE_CHOICES)
    charge = models.BooleanField(
        _("charge nurse"),
        default=False,
        help_text=_("May reset PINs and open accounts for agency nurses in this unit."),
    )

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["user", "unit"], name="membership_once_per_unit"),
            models.CheckConstraint(
                name="membership_role_known", condition=models.Q(role__in=list(ROLE_LABELS))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_role_display()}, {self.unit}"


class Tablet(models.Model):
    """A tablet that an administrator enrolled for a unit. Its cookie holds a secret; only the hash is kept here.

    On it, and nowhere else, a PIN is worth something. A revoked tablet can do nothing.
    """

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="tablets", verbose_name=_("unit"))
    name = models.CharField(_("name"), max_length=40, help_text=_("As it is written on the tablet: Room 2"))
    code_hash = models.BinaryField(max_length=32, null=True, editable=False)
    code_expires_at = models.DateTimeField(null=True, editable=False)
    secret_hash = models.BinaryField(max_length=32, null=True, editable=False)
    enrolled_at = models.DateTimeField(_("enrolled at"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, editable=False)
    # Who used it last, the latest first; and the wrong PINs of the last minutes, whosever they were.
    recent = ArrayField(models.BigIntegerField(), default=list, editable=False)
    tries = models.PositiveIntegerField(default=0, editable=False)
    tries_since = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("tablet")
        verbose_name_plural = _("tablets")
        ordering = ["unit", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "name"], condition=models.Q(revoked_at=None), name="tablet_name_once_per_unit"
            ),
            models.UniqueConstraint(fields=["secret_hash"], name="tablet_secret_once"),
            models.UniqueConstraint(fields=["code_hash"], name="tablet_code_once"),
            models.CheckConstraint(
                name="tablet_code_pair",
                condition=models.Q(code_hash=None, code_expires_at=None)
                | models.Q(code_hash__isnull=False, code_expires_at__isnull=False),
            ),
            in_record_time("tablet", "enrolled_at", "revoked_at", "code_expires_at", "tries_since"),
        ]

    def __str__(self) -> str:
        return self.name


class WallLink(models.Model):
    """A wall display of a unit. Whoever has its address sees initials; only the hash of its token is kept here."""

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="walls", verbose_name=_("unit"))
    name = models.CharField(
        _("name"), max_length=40, help_text=_("Where it hangs: Corridor, coordinator's desk")
    )
    token_hash = models.BinaryField(max_length=32, editable=False)
    created_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", editable=False, verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("made at"), editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, editable=False)

    class Meta:
        verbose_name = _("wall display")
        verbose_name_plural = _("wall displays")
        ordering = ["unit", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "name"], condition=models.Q(revoked_at=None), name="wall_name_once_per_unit"
            ),
            models.UniqueConstraint(fields=["token_hash"], name="wall_token_once"),
            in_record_time("wall", "created_at", "revoked_at"),
        ]

    def __str__(self) -> str:
        return self.name
