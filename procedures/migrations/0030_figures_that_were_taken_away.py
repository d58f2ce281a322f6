"""A table of the statistics that was taken away is kept as every export is, and each export keeps its filters in words."""

from django.db import migrations, models

_GUARD = """
CREATE OR REPLACE FUNCTION procedures_export_kept() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE'
        OR (NEW.id, NEW.user_id, NEW.tablet_id, NEW.asked_at, NEW.kind, NEW.rows, NEW.identified, NEW.reason,
            NEW."right", NEW.query, NEW.expected{new})
            IS DISTINCT FROM
           (OLD.id, OLD.user_id, OLD.tablet_id, OLD.asked_at, OLD.kind, OLD.rows, OLD.identified, OLD.reason,
            OLD."right", OLD.query, OLD.expected{old})
        OR NEW.cases < OLD.cases
        OR (OLD.begun_at IS NOT NULL AND NEW.begun_at IS DISTINCT FROM OLD.begun_at)
        OR (OLD.finished_at IS NOT NULL AND NEW.finished_at IS DISTINCT FROM OLD.finished_at) THEN
        RAISE EXCEPTION 'an export is kept' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""
FORWARD = _GUARD.format(new=", NEW.plot, NEW.in_words", old=", OLD.plot, OLD.in_words")
REVERSE = _GUARD.format(new="", old="")


class Migration(migrations.Migration):
    dependencies = [("procedures", "0029_cosign_moved")]

    operations = [
        migrations.RemoveConstraint(model_name="export", name="export_rows_known"),
        migrations.RunSQL(migrations.RunSQL.noop, REVERSE),
        migrations.AddField(
            model_name="export",
            name="in_words",
            field=models.TextField(blank=True, default="", verbose_name="filters"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="export",
            name="plot",
            field=models.CharField(
                blank=True, default="", max_length=20, verbose_name="table of the statistics"
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="export",
            name="rows",
            field=models.CharField(
                choices=[
                    ("case", "one row a case"),
                    ("side", "one row a vertebra and side"),
                    ("product", "one row a product used"),
                    ("figures", "figures of many cases"),
                ],
                max_length=8,
                verbose_name="rows",
            ),
        ),
        migrations.AddConstraint(
            model_name="export",
            constraint=models.CheckConstraint(
                condition=models.Q(("rows__in", ["case", "side", "product", "figures"])),
                name="export_rows_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="export",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("identified", False), ("rows", "figures"), models.Q(("plot", ""), _negated=True)
                    ),
                    models.Q(models.Q(("rows", "figures"), _negated=True), ("plot", "")),
                    _connector="OR",
                ),
                name="export_figures_of_a_plot",
            ),
        ),
        migrations.RunSQL(FORWARD, migrations.RunSQL.noop),
    ]
