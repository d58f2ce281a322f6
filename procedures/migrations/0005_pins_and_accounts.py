"""PINs, charge nurses, agency accounts that end, codes for tablets, and the log of all that, which only grows."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

GUARD = """
CREATE TRIGGER accountevent_append_only BEFORE UPDATE OR DELETE ON procedures_accountevent
    FOR EACH ROW EXECUTE FUNCTION procedures_refuse_change();
ALTER TABLE procedures_accountevent ENABLE ALWAYS TRIGGER accountevent_append_only;
"""
NO_GUARD = "DROP TRIGGER accountevent_append_only ON procedures_accountevent;"


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("procedures", "0004_tablets_and_via"),
    ]

    operations = [
        migrations.CreateModel(
            name="AccountEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("pin.set", "PIN set"),
                            ("pin.changed", "PIN changed"),
                            ("pin.reset", "PIN reset"),
                            ("pin.locked", "PIN locked after wrong tries"),
                            ("pin.unlocked", "PIN unlocked"),
                            ("account.opened", "agency account opened"),
                            ("account.ended", "agency account ended"),
                            ("tablet.code", "code for a tablet made"),
                            ("tablet.enrolled", "tablet enrolled"),
                            ("tablet.revoked", "tablet revoked"),
                        ],
                        max_length=20,
                        verbose_name="what",
                    ),
                ),
            ],
            options={
                "verbose_name": "account event",
                "verbose_name_plural": "account events",
                "ordering": ["-at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Pin",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hash", models.CharField(max_length=255)),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                ("locked_at", models.DateTimeField(null=True)),
                ("changed_at", models.DateTimeField()),
                ("must_change", models.BooleanField(default=False)),
            ],
            options={
                "verbose_name": "PIN",
                "verbose_name_plural": "PINs",
            },
        ),
        migrations.RemoveConstraint(
            model_name="tablet",
            name="tablet_times_in_range",
        ),
        migrations.AddField(
            model_name="membership",
            name="charge",
            field=models.BooleanField(
                default=False,
                help_text="May reset PINs and open accounts for agency nurses in this unit.",
                verbose_name="charge nurse",
            ),
        ),
        migrations.AddField(
            model_name="tablet",
            name="code_expires_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="tablet",
            name="code_hash",
            field=models.BinaryField(max_length=32, null=True),
        ),
        migrations.AddField(
            model_name="tablet",
            name="recent",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), default=list, editable=False
            ),
        ),
        migrations.AddField(
            model_name="tablet",
            name="tries",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="tablet",
            name="tries_since",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="user",
            name="ends_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="An agency nurse's account ends then.",
                null=True,
                verbose_name="ends at",
            ),
        ),
        migrations.AddConstraint(
            model_name="tablet",
            constraint=models.UniqueConstraint(fields=("code_hash",), name="tablet_code_once"),
        ),
        migrations.AddConstraint(
            model_name="tablet",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("code_expires_at", None), ("code_hash", None)),
                    models.Q(("code_expires_at__isnull", False), ("code_hash__isnull", False)),
                    _connector="OR",
                ),
                name="tablet_code_pair",
            ),
        ),
        migrations.AddConstraint(
            model_name="tablet",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(
                            ("enrolled_at__gte", "2000-01-01T00:00:00+00:00"),
                            ("enrolled_at__lt", "2200-01-01T00:00:00+00:00"),
                        ),
                        ("enrolled_at__isnull", True),
                        _connector="OR",
                    ),
                    models.Q(
                        models.Q(
                            ("revoked_at__gte", "2000-01-01T00:00:00+00:00"),
                            ("revoked_at__lt", "2200-01-01T00:00:00+00:00"),
                        ),
                        ("revoked_at__isnull", True),
                        _connector="OR",
                    ),
                    models.Q(
                        models.Q(
                            ("code_expires_at__gte", "2000-01-01T00:00:00+00:00"),
                            ("code_expires_at__lt", "2200-01-01T00:00:00+00:00"),
                        ),
                        ("code_expires_at__isnull", True),
                        _connector="OR",
                    ),
                    models.Q(
                        models.Q(
                            ("tries_since__gte", "2000-01-01T00:00:00+00:00"),
                            ("tries_since__lt", "2200-01-01T00:00:00+00:00"),
                        ),
                        ("tries_since__isnull", True),
                        _connector="OR",
                    ),
                ),
                name="tablet_times_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("ends_at__gte", "2000-01-01T00:00:00+00:00"),
                        ("ends_at__lt", "2200-01-01T00:00:00+00:00"),
                    ),
                    ("ends_at__isnull", True),
                    _connector="OR",
                ),
                name="user_times_in_range",
            ),
        ),
        migrations.AddField(
            model_name="accountevent",
            name="tablet",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="procedures.tablet",
                verbose_name="tablet",
            ),
        ),
        migrations.AddField(
            model_name="accountevent",
            name="unit",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="procedures.unit",
                verbose_name="unit",
            ),
        ),
        migrations.AddField(
            model_name="accountevent",
            name="who",
            field=models.ForeignKey(
                help_text="Empty where nobody was signed in: a tablet that took its code.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="who",
            ),
        ),
        migrations.AddField(
            model_name="accountevent",
            name="whom",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="whose account",
            ),
        ),
        migrations.AddField(
            model_name="pin",
            name="user",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="pin", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="accountevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "what__in",
                        [
                            "pin.set",
                            "pin.changed",
                            "pin.reset",
                            "pin.locked",
                            "pin.unlocked",
                            "account.opened",
                            "account.ended",
                            "tablet.code",
                            "tablet.enrolled",
                            "tablet.revoked",
                        ],
                    )
                ),
                name="accountevent_what_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="accountevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("at__gte", "2000-01-01T00:00:00+00:00"), ("at__lt", "2200-01-01T00:00:00+00:00")
                    ),
                    ("at__isnull", True),
                    _connector="OR",
                ),
                name="accountevent_times_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="pin",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("failures__lt", 5), ("locked_at", None)),
                    models.Q(("failures", 5), ("locked_at__isnull", False)),
                    _connector="OR",
                ),
                name="pin_locked_after_five",
            ),
        ),
        migrations.AddConstraint(
            model_name="pin",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(
                            ("locked_at__gte", "2000-01-01T00:00:00+00:00"),
                            ("locked_at__lt", "2200-01-01T00:00:00+00:00"),
                        ),
                        ("locked_at__isnull", True),
                        _connector="OR",
                    ),
                    models.Q(
                        models.Q(
                            ("changed_at__gte", "2000-01-01T00:00:00+00:00"),
                            ("changed_at__lt", "2200-01-01T00:00:00+00:00"),
                        ),
                        ("changed_at__isnull", True),
                        _connector="OR",
                    ),
                ),
                name="pin_times_in_range",
            ),
        ),
        migrations.RunSQL(GUARD, NO_GUARD),
    ]
