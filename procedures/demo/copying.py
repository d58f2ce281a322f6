"""The rows of whole cases on their way into an empty database, by COPY.

Besides the commands nothing else writes clinical rows (`tests/repo/test_architecture.py` names this file): three
hundred cases take minutes tick by tick. The triggers and constraints judge each row as always; PostgreSQL runs them
for COPY as for INSERT.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import batched
from typing import Any

from django.db import connection, models

from procedures import projection
from procedures.models import Allergy, Case, CaseTeam, Event, Level, Patient, Step
from procedures.progress import Progress

# The case comes last: once it says that it is signed, its rows are locked (migration 0013). Keys are judged at commit.
AT_ONCE = 2000  # rows in one statement, far from the time limit of one
_ORDER: tuple[type[models.Model], ...] = (Patient, Allergy, Event, Step, Level, CaseTeam, Case)


class Rows:
    """Unsaved rows by table."""

    def __init__(self) -> None:
        self._found: dict[type[models.Model], list[models.Model]] = {model: [] for model in _ORDER}

    def add(self, rows: Iterable[models.Model]) -> None:
        """Take in rows of any of the tables."""
        for row in rows:
            self._found[type(row)].append(row)

    def add_case(self, case: Case, progress: Progress) -> None:
        """Take in a case with everything that is folded from its log, as the ledger would leave it."""
        for name, value in projection.case_row(progress).items():
            setattr(case, name, value)
        state = progress.state
        self.add([case])
        unit = case.unit_id
        self.add(CaseTeam(case=case, unit_id=unit, **projection.team_row(one)) for one in state.team)
        self.add(Level(case=case, **projection.level_row(one, progress)) for one in state.levels.values())
        self.add(Step(case=case, **projection.step_row(step)) for step in state.steps.values())

    def write(self) -> None:
        """Store all of them, in the transaction that is open."""
        with _by_index():
            for model, rows in self._found.items():
                for part in batched(rows, AT_ONCE):
                    _copy(model, part)

    @staticmethod
    def number(rows: Iterable[models.Model]) -> None:
        """Give rows that others point to their ids."""
        rows = list(rows)
        if not rows:
            return
        table = rows[0]._meta.db_table  # noqa: SLF001
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                [table, len(rows)],
            )
            for row, (number,) in zip(rows, cursor.fetchall(), strict=True):
                row.pk = number


@contextmanager
def _by_index() -> Iterator[None]:
    """Let the triggers find the event before by its key. They plan that once for a connection, and on a table that was
    empty then they would read the whole of it for each row."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; DISCARD PLANS")
        yield
        cursor.execute("SET LOCAL enable_seqscan = on; DISCARD PLANS")


def _copy(model: type[models.Model], rows: Sequence[models.Model]) -> None:
    fields = columns(model, numbered=rows[0].pk is not None)
    with connection.cursor() as cursor, cursor.copy(copy_statement(model, fields)) as copy:
        for row in rows:
            copy.write_row([_plain(one, getattr(row, one.attname)) for one in fields])


def copy_statement(model: type[models.Model], fields: list[Any]) -> str:
    """The COPY that takes these fields of a table."""
    names = ", ".join(f'"{one.column}"' for one in fields)
    return f'COPY "{model._meta.db_table}" ({names}) FROM STDIN'  # noqa: SLF001


def columns(model: type[models.Model], *, numbered: bool) -> list[Any]:
    """The fields that are written: not what the database computes, nor an id that it gives."""
    fields = model._meta.concrete_fields  # noqa: SLF001
    return [one for one in fields if not one.generated and (numbered or not one.primary_key)]


def _plain(one: Any, value: Any) -> Any:
    return one.get_db_prep_save(value, connection)
