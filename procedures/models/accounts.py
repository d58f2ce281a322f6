"""PINs, and the log of what was done with accounts, PINs and tablets."""

from enum import StrEnum

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .people import Tablet, Unit
from .ranges import in_record_time

TRIES = 5  # wrong PINs, then it is locked


class Pin(models.Model):
    """The PIN of a person, as a hash. `failures` counts tries since the last right one, each before it is judged."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="pin")
    hash = models.CharField(max_length=255)
    failures = models.PositiveSmallIntegerField(default=0)
    locked_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()
    must_change = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("PIN")
        verbose_name_plural = _("PINs")
        constraints = [
            models.CheckConstraint(
                name="pin_locked_after_five",
                condition=Q(failures__lt=TRIES, locked_at=None) | Q(failures=TRIES, locked_at__isnull=False),
            ),
            in_record_time("pin", "locked_at", "changed_at"),
        ]

    def __str__(self) -> str:
        return f"PIN {self.user_id}"


class AccountAct(StrEnum):
    """What can be done with an account, its PIN, or a tablet."""

    PIN_SET = "pin.set"
    PIN_CHANGED = "pin.changed"
    PIN_RESET = "pin.reset"
    PIN_LOCKED = "pin.locked"
    PIN_UNLOCKED = "pin.unlocked"
    OPENED = "account.opened"
    ENDED = "account.ended"
    TABLET_CODE = "tablet.code"
    TABLET_ENROLLED = "tablet.enrolled"
    TABLET_REVOKED = "tablet.revoked"


ACCOUNT_ACTS = [
    (AccountAct.PIN_SET.value, _("PIN set")),
    (AccountAct.PIN_CHANGED.value, _("PIN changed")),
    (AccountAct.PIN_RESET.value, _("PIN reset")),
    (AccountAct.PIN_LOCKED.value, _("PIN locked after wrong tries")),
    (AccountAct.PIN_UNLOCKED.value, _("PIN unlocked")),
    (AccountAct.OPENED.value, _("agency account opened")),
    (AccountAct.ENDED.value, _("agency account ended")),
    (AccountAct.TABLET_CODE.value, _("code for a tablet made")),
    (AccountAct.TABLET_ENROLLED.value, _("tablet enrolled")),
    (AccountAct.TABLET_REVOKED.value, _("tablet revoked")),
]


class AccountEvent(models.Model):
    """Who did what with whose account or which tablet. The database lets nobody change or delete a row."""

    at = models.DateTimeField(_("at"))
    what = models.CharField(_("what"), max_length=20, choices=ACCOUNT_ACTS)
    who = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        verbose_name=_("who"),
        help_text=_("Empty where nobody was signed in: a tablet that took its code."),
    )
    whom = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, verbose_name=_("whose account")
    )
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+", null=True, verbose_name=_("unit"))
    tablet = models.ForeignKey(Tablet, models.PROTECT, related_name="+", null=True, verbose_name=_("tablet"))

    class Meta:
        verbose_name = _("account event")
        verbose_name_plural = _("account events")
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="accountevent_what_known", condition=Q(what__in=[act.value for act in AccountAct])
            ),
            in_record_time("accountevent", "at"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.what}"
