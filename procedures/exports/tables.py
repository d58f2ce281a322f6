"""A table: its columns, who may be named in it, and how a cell becomes text. Cells keep their types until the last."""

import hmac
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.timezone import localtime

from procedures import directory

from .loading import Facts

type Cell = str | int | Decimal | bool | date | datetime | None

OLDEST = 90  # from this age on, the year of birth alone may tell who somebody is
STARTS_A_FORMULA = "=+-@\t\r\n＝＋－＠"


@dataclass
class Away:
    """Who takes something away, and whether with names. `key`: of the export; what stands for a name is made from it.

    The same case, patient or person has the same sign within one export, and another in the next.
    """

    user: int
    identified: bool
    key: UUID
    names: dict[int, str] = field(default_factory=dict)

    def sign(self, kind: str, pk: Any) -> str:
        """What stands for a name: looks random, and cannot be traced back without the server's secret."""
        secret = sha256(b"kypho.export" + settings.SECRET_KEY.encode()).digest()
        return hmac.new(secret, f"{self.key}:{kind}:{pk}".encode(), sha256).hexdigest()[:12]

    def person(self, pk: int | None) -> str:
        """A person: the name where names go along or where it is one's own, else a sign."""
        if pk is None:
            return ""
        if self.identified or pk == self.user:
            return self.names.get(pk) or directory.person(pk).name
        return f"P-{self.sign('person', pk)}"


@dataclass(frozen=True)
class Row:
    """What the columns of one row read: a case, and where the table has them a vertebra with its side, or a use."""

    facts: Facts
    away: Away
    level: Any = None
    side: str = ""
    use: Any = None


@dataclass(frozen=True)
class Column:
    """A heading with its unit, and what stands below it."""

    heading: str
    read: Callable[[Row], Cell]


@dataclass(frozen=True)
class Table:
    """Columns, and the rows that a case gives."""

    name: str
    columns: list[Column]
    rows: Callable[[Facts, Away], Iterator[Row]]

    @property
    def headings(self) -> list[str]:
        """The first line."""
        return [column.heading for column in self.columns]

    def cells(self, facts: Iterable[Facts], away: Away) -> Iterator[list[Cell]]:
        """The rows of some cases."""
        for one in facts:
            for row in self.rows(one, away):
                yield [column.read(row) for column in self.columns]


# Cells as text --------------------------------------------------------------------------------------------------------


def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe stands before what could be one."""
    return f"'{text}" if text.lstrip(" \u00a0").startswith(tuple(STARTS_A_FORMULA)) else text


def as_text(cell: Cell) -> str:
    """A cell of a CSV: numbers with a point, times with their offset, yes and no as TRUE and FALSE."""
    match cell:
        case None:
            return ""
        case bool():
            return "TRUE" if cell else "FALSE"
        case datetime():
            return localtime(cell).isoformat(timespec="seconds")
        case date():
            return cell.isoformat()
        case Decimal():
            return format(cell, "f")
        case int():
            return str(cell)
    return safe(cell)


def minutes(seconds: int | None) -> Decimal | None:
    """Seconds as minutes, to the tenth."""
    return None if seconds is None else (Decimal(seconds) / 60).quantize(Decimal("0.1"))


def several(cells: list[Cell]) -> Cell:
    """One cell as it is; several as one text, the parts in their order."""
    if len(cells) < 2:
        return cells[0] if cells else None
    return " | ".join(str(as_text(cell)) for cell in cells)
