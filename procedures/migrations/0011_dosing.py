"""The doses that a protocol sets limits to. Versions that are published already stay without any."""

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
    ]
