"""The products of a site: cements, balloons, needles, with the limits that their instructions state."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Product(models.Model):
    """A product in the catalogue. Limits and time bands come from its instructions for use, typed in by the site.

    `gtin` has 14 digits, zeros in front, or is empty.
    `working_from` and `working_until` are minutes after the start of mixing between which a cement can be injected,
    where no `WarmBand` says otherwise.
    """

    KINDS = {"cement": _("Cement"), "balloon": _("Balloon"), "needle": _("Needle")}

    kind = models.CharField(_("kind"), max_length=10, choices=list(KINDS.items()))
    name = models.CharField(_("name"), max_length=80)
    manufacturer = models.CharField(_("manufacturer"), max_length=80)
    reference = models.CharField(_("catalogue number"), max_length=40, blank=True)
    gtin = models.CharField(
        _("GTIN"),
        max_length=14,
        blank=True,
        help_text=_("The number that stands after (01) on the label; a scan is recognised by it."),
    )
    device_identifier = models.CharField(
        _("other device identifier"), max_length=40, blank=True, help_text=_("Of HIBCC or ICCBBA.")
    )
    max_pressure_psi = models.PositiveSmallIntegerField(_("maximum pressure, psi"), null=True, blank=True)
    max_volume_ml = models.DecimalField(
        _("maximum volume, mL"), max_digits=4, decimal_places=1, null=True, blank=True
    )
    working_from = models.DecimalField(
        _("injectable from, min"), max_digits=4, decimal_places=1, null=True, blank=True
    )
    working_until = models.DecimalField(
        _("injectable until, min"), max_digits=4, decimal_places=1, null=True, blank=True
    )
    active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["kind", "name"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "manufacturer", "name"], name="product_once"),
            models.UniqueConstraint(fields=["gtin"], condition=~Q(gtin=""), name="product_gtin_once"),
            models.CheckConstraint(
                name="product_gtin_digits", condition=Q(gtin="") | Q(gtin__regex=r"^[0-9]{14}$")
            ),
            models.CheckConstraint(
                name="product_kind_known", condition=Q(kind__in=["cement", "balloon", "needle"])
            ),
            models.CheckConstraint(
                name="product_band_pair",
                condition=Q(working_from=None, working_until=None)
                | Q(
                    working_from__isnull=False,
                    working_until__isnull=False,
                    working_until__gt=models.F("working_from"),
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.manufacturer})"


class WarmBand(models.Model):
    """In a warm room a cement sets sooner: from `above` °C on it can be injected between these minutes after mixing."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="warm_bands")
    above = models.DecimalField(_("from a room temperature of, °C"), max_digits=3, decimal_places=1)
    working_from = models.DecimalField(_("injectable from, min"), max_digits=4, decimal_places=1)
    working_until = models.DecimalField(_("injectable until, min"), max_digits=4, decimal_places=1)

    class Meta:
        verbose_name = _("band for a warm room")
        verbose_name_plural = _("bands for a warm room")
        ordering = ["product", "above"]
        constraints = [
            models.UniqueConstraint(fields=["product", "above"], name="warm_band_once"),
            models.CheckConstraint(
                name="warm_band_rises",
                violation_error_message=_("Must be later than the beginning."),
                condition=Q(working_from__gte=0, working_until__gt=models.F("working_from")),
            ),
            models.CheckConstraint(
                name="warm_band_room",
                violation_error_message=_("A room temperature is 0 to 45 °C."),
                condition=Q(above__gte=0, above__lte=45),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product}: {self.above} °C"
