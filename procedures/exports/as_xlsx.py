"""A table as an Excel workbook: numbers, dates, times and yes or no in their types; written row by row into a file.

Excel knows no time zone: times stand as the clocks of the site showed them, and the heading names the zone.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from tempfile import TemporaryFile
from typing import IO, Any

from django.utils.timezone import localtime

from .loading import Facts
from .tables import Away, Cell, Table, safe

MOST_ROWS = 1_048_576  # of a sheet, its headings among them
LONGEST = 32_767  # characters of a cell
PIECE = 64 * 1024
WIDTH = 16


def stream(
    table: Table, away: Away, pages: Iterable[list[Facts]], most_rows: int = MOST_ROWS
) -> Iterator[bytes]:
    """The file: written to the disk first, then sent piece by piece. It is gone with its last piece, or its reader."""
    with TemporaryFile(prefix="kypho-") as file:
        write(file, table, away, pages, most_rows)
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece


def write(
    file: IO[bytes], table: Table, away: Away, pages: Iterable[list[Facts]], most_rows: int = MOST_ROWS
) -> None:
    """Write the workbook; what goes beyond the rows of a sheet begins another."""
    from openpyxl import Workbook

    book: Any = Workbook(write_only=True)
    try:
        sheet, number = _sheet(book, table, 1), 1
        for facts in pages:
            for row in table.cells(facts, away):
                if number == most_rows:
                    sheet, number = _sheet(book, table, len(book.worksheets) + 1), 1
                sheet.append([_cell(sheet, cell) for cell in row])
                number += 1
        book.save(file)
    except BaseException:
        for sheet in book.worksheets:  # what has been written of it lies in a file of its own
            if not sheet.closed:
                sheet.close()
                sheet._writer.cleanup()  # noqa: SLF001 - openpyxl does so itself, but only after saving
        raise


def _sheet(book: Any, table: Table, number: int) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(f"{table.name[:25]} {number}" if number > 1 else table.name[:31])
    sheet.freeze_panes = "B2"
    for column in range(1, len(table.columns) + 1):
        sheet.column_dimensions[get_column_letter(column)].width = WIDTH
    heads = []
    for text in table.headings:
        head = WriteOnlyCell(sheet, value=_text(text))
        head.font = Font(bold=True)
        head.data_type = "s"
        heads.append(head)
    sheet.append(heads)
    return sheet


def _cell(sheet: Any, cell: Cell) -> Any:
    from openpyxl import cell as cells

    WriteOnlyCell: Any = cells.WriteOnlyCell  # noqa: N806 - its stubs know no dates and no decimals

    match cell:
        case datetime():
            found = WriteOnlyCell(sheet, value=localtime(cell).replace(tzinfo=None, microsecond=0))
            found.number_format = "yyyy-mm-dd hh:mm:ss"
            return found
        case date():
            found = WriteOnlyCell(sheet, value=cell)
            found.number_format = "yyyy-mm-dd"
            return found
        case str():
            if not cell:
                return None
            found = WriteOnlyCell(sheet, value=_text(cell))
            found.data_type = "s"  # never a formula, whatever it begins with
            return found
        case Decimal():
            return WriteOnlyCell(sheet, value=cell)
    return cell


def _text(text: str) -> str:
    """A text that a workbook can hold."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    return safe(ILLEGAL_CHARACTERS_RE.sub("\ufffd", text))[:LONGEST]
