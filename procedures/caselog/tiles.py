"""The figures above the log: of all cases that fit, or of the newest of them where there are very many."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import F

from procedures.models.case import CaseQuerySet

LIMIT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """`cases` is exact up to LIMIT; where there are `more`, the other figures are of the newest LIMIT.

    Medians are of what was recorded: `skin_seconds` from the first needle in to the last needle out, `cement_ml` of
    the vertebrae that got cement. `leaks` of `answered`: cases in which a leak was seen, of those that answer at all.
    Where vertebrae are asked for, `treated`, `cement_ml`, `leaks` and `answered` are of these alone.
    """

    cases: int
    more: bool
    treated: int
    skin_seconds: float | None
    cement_ml: float | None
    leaks: int
    answered: int


_FIGURES = """
WITH found AS MATERIALIZED ({inner}),
     newest AS (SELECT * FROM found LIMIT {limit})
SELECT (SELECT count(*) FROM found),
       coalesce(sum(treated), 0),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY skin_seconds),
       (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount) FROM newest, unnest(cement_by_level) amount),
       count(*) FILTER (WHERE leak),
       count(leak)
FROM newest
"""
# Where vertebrae are asked for, only what these got counts: from the account, which costs more to read.
_OF_LEVELS = """
WITH found AS MATERIALIZED ({inner}),
     newest AS (SELECT row_number() OVER () AS number, * FROM found LIMIT {limit}),
     asked AS (SELECT number, newest.got -> name AS got FROM newest, unnest(%s::text[]) name),
     summed AS (
         SELECT number, count(got ->> 'cement') AS treated,
                bool_or(got -> 'leak' <> '[]'::jsonb) FILTER (WHERE got -> 'leak' <> 'null'::jsonb) AS leak
         FROM asked GROUP BY number)
SELECT (SELECT count(*) FROM found),
       coalesce(sum(treated), 0),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY skin_seconds),
       (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY (got ->> 'cement')::numeric) FROM asked),
       count(*) FILTER (WHERE leak),
       count(leak)
FROM newest JOIN summed USING (number)
"""


def tiles(found: CaseQuerySet, levels: Sequence[str] = ()) -> Tiles:
    """One statement that looks at LIMIT + 1 cases at most. With `levels`, cement and leaks are of these alone."""
    newest = found.order_by("-scheduled_at", "-pk")
    columns: dict[str, Any] = {"got": F("account__levels")} if levels else {}
    plain = () if levels else ("treated", "cement_by_level", "leak")
    inner = newest.values("skin_seconds", *plain, **columns)
    sql, params = inner[: LIMIT + 1].query.sql_with_params()
    given = [*params, list(levels)] if levels else params
    with connection.cursor() as cursor:
        cursor.execute((_OF_LEVELS if levels else _FIGURES).format(inner=sql, limit=LIMIT), given)
        row: tuple[Any, ...] = cursor.fetchone() or (0, 0, None, None, 0, 0)
    number, treated, skin, cement, leaks, answered = row
    return Tiles(
        cases=min(number, LIMIT),
        more=number > LIMIT,
        treated=treated,
        skin_seconds=float(skin) if skin is not None else None,
        cement_ml=float(cement) if cement is not None else None,
        leaks=leaks,
        answered=answered,
    )
