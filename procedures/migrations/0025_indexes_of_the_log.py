"""The indexes behind the words of a case, its room and its version; those that these make needless go."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("procedures", "0024_words_on_the_case")]

    operations = [
        migrations.RemoveIndex(model_name="case", name="case_words"),
        migrations.RemoveIndex(model_name="patient", name="patient_words"),
        migrations.RemoveIndex(model_name="patient", name="patient_family_name_begins"),
        migrations.RemoveIndex(model_name="patient", name="patient_given_name_begins"),
        migrations.RemoveIndex(model_name="patient", name="patient_mrn_begins"),
        migrations.AlterField(
            model_name="case",
            name="protocol",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="cases",
                to="procedures.protocolversion",
            ),
        ),
        migrations.AlterField(
            model_name="case",
            name="unit",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="cases",
                to="procedures.unit",
            ),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["room", "scheduled_at", "id"], name="case_by_room"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["protocol", "scheduled_at", "id"], name="case_by_version"),
        ),
        migrations.AddIndex(
            model_name="case",
            index=django.contrib.postgres.indexes.GinIndex(fields=["search"], name="case_search"),
        ),
    ]
