"""A table as CSV: UTF-8 with its mark, so that spreadsheets read it right; one piece of text for each page of cases."""

import csv
import io
from collections.abc import Iterable, Iterator

from .loading import Facts
from .tables import Away, Table, as_text

MARK = "\ufeff"


def stream(table: Table, away: Away, pages: Iterable[list[Facts]]) -> Iterator[bytes]:
    """The file, piece by piece; nothing of it is kept."""
    yield (MARK + _lines([table.headings])).encode()
    for facts in pages:
        yield _lines([as_text(cell) for cell in row] for row in table.cells(facts, away)).encode()


def _lines(rows: Iterable[list[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()
