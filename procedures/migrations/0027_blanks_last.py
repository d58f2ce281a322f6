"""Indexes of the log going up, with the cases at the end that have no figure."""

from decimal import Decimal

import django.db.models.functions.comparison
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("procedures", "0026_unit_of_the_team"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                django.db.models.functions.comparison.Coalesce("skin_seconds", 2147483647),
                models.F("id"),
                name="case_by_skin_up",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(
                django.db.models.functions.comparison.Coalesce(
                    django.db.models.functions.comparison.NullIf("cement_ml", models.Value(Decimal(0))),
                    models.Value(Decimal(9999)),
                ),
                models.F("id"),
                name="case_by_cement_up",
            ),
        ),
    ]
