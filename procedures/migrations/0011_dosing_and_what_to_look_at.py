"""The doses that a protocol sets limits to, and how many entries of a case somebody still has to look at.

Versions that are published already stay without limits. `manage.py refold` counts for the cases that are there.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("procedures", "0010_wall_link"),
    ]

    operations = [
        migrations.AddField(
            model_name="protocolversion",
            name="dosing",
            field=models.JSONField(blank=True, default=dict, verbose_name="limits of doses"),
        ),
        migrations.AddField(
            model_name="case",
            name="to_reconcile",
            field=models.PositiveSmallIntegerField(default=0, verbose_name="entries to look at again"),
        ),
    ]
