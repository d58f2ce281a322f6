"""The rows of the bench: printed as a table, kept as JSON."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

WIDTH = 100  # of the names of rows, in print


@dataclass(frozen=True)
class Row:
    """One figure with its target. `met` is empty where nothing was promised."""

    name: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None


def at_most(name: str, value: float, unit: str, limit: float) -> Row:
    """A figure that should not be above its limit."""
    return Row(name, value, unit, f"≤ {limit:g}", value <= limit)


def at_least(name: str, value: float, unit: str, limit: float) -> Row:
    """A figure that should not be below its limit."""
    return Row(name, value, unit, f"≥ {limit:g}", value >= limit)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def spread(ratios: Sequence[float]) -> str:
    """The lowest and the highest of a few ratios, for the name of a row."""
    return f"rounds {min(ratios):.1f}–{max(ratios):.1f}"


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def show(rows: Sequence[Row]) -> None:
    """Print rows, as soon as they are measured."""
    for row in rows:
        met = {True: "met", False: "MISSED", None: ""}[row.met]
        print(f"{row.name:<{WIDTH}}  {row.value:>10.2f} {row.unit:<9} {row.target:>8}  {met}", flush=True)


def write(rows: list[Row], path: Path) -> None:
    """Keep the table."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False) + "\n")
    print(f"written to {path.relative_to(path.parent.parent)}")
