"""Expressions of indexes that 0012 and 0022 made and 0024 took away again."""

from typing import Any

from django.db import models

from procedures import letters


def _plain(column: str) -> str:
    kept = letters.FROM.replace("'", "''")
    return f"translate(lower({column}), '{kept}', '{letters.TO}')"


class PlainName(models.Func):
    """A column of the patient without accents and capitals."""

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """The SQL."""
        column, given = compiler.compile(self.source_expressions[0])
        return _plain(column), list(given)


class PatientWords(models.Func):
    """Name and MRN as words."""

    template = (
        "array_to_tsvector(string_to_array(btrim(regexp_replace("
        f"{_plain("family_name || ' ' || given_name || ' ' || mrn")}, '[[:space:]]+', ' ', 'g')), ' '))"
    )
    arity = 0
