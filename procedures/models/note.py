"""What an operator has written of an operative note before it is signed. Signing deletes it."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .case import Case
from .ranges import in_record_time


class NoteDraft(models.Model):
    """One author's draft of the note of one case: no part of the record, and seen by its author only.

    `sections`: what the author wrote, by section. `seen`: for each section a digest of the words that the record gave
    when the author last looked at them (`drafting.digest`), so that a page can say what the record says by now.
    `explained`: the reasons for what is missing. `seq`: the last event that the words were made from. `page`: the open
    page that kept it last, so that another one, opened before that, does not write over it.
    """

    case = models.ForeignKey(Case, models.PROTECT, related_name="note_drafts")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    sections = models.JSONField(_("sections"), default=dict)
    seen = models.JSONField(default=dict)
    explained = models.JSONField(default=dict)
    cosign_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, db_index=False
    )
    seq = models.PositiveIntegerField()
    page = models.UUIDField(null=True)
    updated_at = models.DateTimeField(_("kept at"))

    class Meta:
        verbose_name = _("draft of a note")
        verbose_name_plural = _("drafts of notes")
        constraints = [
            models.UniqueConstraint(fields=["case", "author"], name="note_draft_once"),
            in_record_time("note_draft", "updated_at"),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.author_id}"
