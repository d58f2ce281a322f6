"""The table behind a plot: as it stands on the page, and whole as CSV."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

type Cell = str | int | float | None

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


class Kind(Enum):
    """How a column's cells are written on the page: so many digits after the point; None: as they are."""

    WORDS = None
    COUNT = 0
    MINUTES = 1
    AMOUNT = 2
    PERCENT = 3


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading, with its unit, and what its cells are. Rates are shares of 1 and shown in percent."""

    head: str
    kind: Kind = Kind.WORDS

    @property
    def is_number(self) -> bool:
        """Set to the right."""
        return self.kind is not Kind.WORDS


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows; a cell without a value is None."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    @property
    def shown(self) -> list[list[tuple[str, bool]]]:
        """The rows as the page has them: each cell's text, and whether it is a number."""
        return [
            [
                (text(cell, column.kind), column.is_number)
                for cell, column in zip(row, self.columns, strict=True)
            ]
            for row in self.rows
        ]

    def csv(self) -> Iterator[list[str]]:
        """The heading and the rows for a spreadsheet: numbers unrounded (percent too), words that no cell computes."""
        yield [harmless(column.head) for column in self.columns]
        for row in self.rows:
            yield [_plain(cell, column.kind) for cell, column in zip(row, self.columns, strict=True)]


def text(cell: Cell, kind: Kind) -> str:
    """A cell as it is read: rounded, a dash where there is nothing."""
    if cell is None:
        return "–"
    if isinstance(cell, str) or kind is Kind.WORDS:
        return str(cell)
    if kind is Kind.PERCENT:
        return f"{cell * 100:.1f}"
    return f"{cell:.{kind.value}f}"


def _plain(cell: Cell, kind: Kind) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return harmless(cell)
    return f"{cell * 100 if kind is Kind.PERCENT else cell:.10g}"


def harmless(words: str) -> str:
    """Words that a spreadsheet takes for words: an apostrophe stands before what it would take for a formula."""
    return f"'{words}" if words.lstrip().startswith(DANGEROUS) or words.startswith(DANGEROUS) else words
