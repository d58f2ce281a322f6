"""The pieces that a document is made of, as data for `record.typ`: facts, tables, lines, cells."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from procedures.screens.feed import Line
from procedures.screens.record.words import Act
from procedures.state import Source
from procedures.values import moment_words

type Block = dict[str, Any]
type Cell = Any  # a text, or lines of it


def moment(at: datetime | None) -> str:
    """A day and a time of the site, or nothing."""
    return moment_words(at) if at else ""


def second(at: datetime) -> str:
    return moment_words(at, to_the_second=True)


def facts(rows: Sequence[tuple[str, Cell]]) -> Block:
    """Labels with what stands behind them."""
    return {"kind": "facts", "rows": [list(row) for row in rows]}


def table(head: Sequence[str], rows: Sequence[Sequence[Cell]], widths: Sequence[int]) -> Block:
    """A table; a width of 0 is as wide as its content, the others share the rest."""
    return {"kind": "table", "head": list(head), "rows": [list(row) for row in rows], "widths": list(widths)}


def strong(text: str) -> Block:
    """A line in bold."""
    return {"kind": "strong", "text": text}


def small(text: str) -> Block:
    """A line that says something beside."""
    return {"kind": "small", "text": text}


def flagged(text: str, flags: Sequence[str]) -> list[Cell]:
    """A text with what must be known about it."""
    return [text, *({"kind": "flag", "text": flag} for flag in flags)]


def act_cell(act: Act) -> list[Cell]:
    """Who and when."""
    recorded = [small(_("recorded by %(name)s") % {"name": act.recorded_by})] if act.recorded_by else []
    return [*flagged(f"{moment(act.at)} {act.by}", act.flags), *recorded]


def strong_line(text: str) -> list[Cell]:
    """A cell with one line in bold."""
    return [strong(text)]


def gone() -> Block:
    return {"kind": "flag", "text": _("taken back")}


def in_eights(text: str) -> str:
    """A hash in groups of eight, so that it breaks where the column ends and can be compared by eye."""
    return " ".join(text[n : n + 8] for n in range(0, len(text), 8))


def source_words(source: str) -> str:
    return {Source.OFFLINE: _("without network"), Source.PAPER: _("from paper")}.get(Source(source), source)


def said(line: Line) -> list[Cell]:
    """An event in words, with what it changed and why."""
    about = [small(_("about no. %(number)s") % {"number": line.about})] if line.about else []
    changes = [f"{label}: {old or '–'} → {new or '–'}" for label, old, new in line.changes]
    reason = [f"{_('Reason:')} {line.reason}"] if line.reason else []
    return [strong(line.sentence), *([line.detail] if line.detail else []), *changes, *reason, *about]
