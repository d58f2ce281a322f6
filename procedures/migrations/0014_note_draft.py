import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("procedures", "0013_guard_what_is_signed")]

    operations = [
        migrations.CreateModel(
            name="NoteDraft",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sections", models.JSONField(default=dict, verbose_name="sections")),
                ("seen", models.JSONField(default=dict)),
                ("explained", models.JSONField(default=dict)),
                ("seq", models.PositiveIntegerField()),
                ("updated_at", models.DateTimeField(verbose_name="kept at")),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="note_drafts",
                        to="procedures.case",
                    ),
                ),
                (
                    "cosign_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "draft of a note",
                "verbose_name_plural": "drafts of notes",
                "constraints": [
                    models.UniqueConstraint(fields=("case", "author"), name="note_draft_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("updated_at__gte", "2000-01-01T00:00:00+00:00"),
                                ("updated_at__lt", "2200-01-01T00:00:00+00:00"),
                            ),
                            ("updated_at__isnull", True),
                            _connector="OR",
                        ),
                        name="note_draft_times_in_range",
                    ),
                ],
            },
        ),
    ]
