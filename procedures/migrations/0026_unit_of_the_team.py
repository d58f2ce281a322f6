"""A row of a team says in which unit its case is: the case's own, by a composite foreign key.

So it is known without reading the cases whether somebody was in a team outside of their units.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# The guard of signed cases would refuse it; what is written follows from the case alone.
FILL = """
ALTER TABLE procedures_caseteam DISABLE TRIGGER caseteam_signed;
UPDATE procedures_caseteam t SET unit_id = c.unit_id FROM procedures_case c WHERE c.id = t.case_id;
ALTER TABLE procedures_caseteam ENABLE ALWAYS TRIGGER caseteam_signed;
"""
HOLD = """
ALTER TABLE procedures_caseteam ADD CONSTRAINT team_unit_is_of_case
    FOREIGN KEY (case_id, unit_id) REFERENCES procedures_case (id, unit_id) DEFERRABLE INITIALLY DEFERRED;
"""
LET_GO = "ALTER TABLE procedures_caseteam DROP CONSTRAINT team_unit_is_of_case"


def _unit(**kind: bool) -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="procedures.unit",
        **kind,
    )


class Migration(migrations.Migration):
    dependencies = [("procedures", "0025_indexes_of_the_log")]

    operations = [
        migrations.AddField(model_name="caseteam", name="unit", field=_unit(null=True)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField(model_name="caseteam", name="unit", field=_unit()),
        migrations.AlterField(
            model_name="caseteam",
            name="user",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="case_teams",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="caseteam",
            index=models.Index(fields=["user", "unit"], name="team_units_of_user"),
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.UniqueConstraint(fields=("id", "unit"), name="case_with_unit"),
        ),
        migrations.RunSQL(HOLD, LET_GO),
    ]
