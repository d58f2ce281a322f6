"""A draft of a note knows the open page that kept it last: another one does not write over it unseen."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("procedures", "0027_blanks_last")]

    operations = [
        migrations.AddField(model_name="notedraft", name="page", field=models.UUIDField(null=True)),
    ]
