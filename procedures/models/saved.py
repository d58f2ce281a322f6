"""What somebody keeps for themselves: views of the case log."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .ranges import in_record_time


class SavedView(models.Model):
    """The filters and the order of the case log under a name. `query` is the address; words in it are sealed."""

    MOST = 30  # of one person

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views")
    name = models.CharField(_("name"), max_length=40)
    query = models.CharField(max_length=2000)
    saved_at = models.DateTimeField(_("saved at"))

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="savedview_name_once"),
            models.CheckConstraint(name="savedview_named", condition=~models.Q(name="")),
            in_record_time("savedview", "saved_at"),
        ]

    def __str__(self) -> str:
        return self.name
