"""Every clock of the shipped protocol: what starts it, and what it says from which minute on; nights to try it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
# Each a few minutes before something happens to the time of day; noon is for comparison.
NIGHTS = {
    "noon": datetime(2025, 11, 22, 12, 0, tzinfo=UTC),
    "midnight": datetime(2025, 11, 22, 23, 58, tzinfo=LONDON),
    "clocks go back": datetime(
        2025, 10, 26, 1, 58, tzinfo=LONDON, fold=0
    ),  # 01:59:59 is followed by 01:00 again
    "clocks go forward": datetime(2025, 3, 30, 0, 58, tzinfo=LONDON),  # 00:59:59 is followed by 02:00
}


@dataclass(frozen=True)
class Threshold:
    """From `minute` on: the severity, the words, and the digits at that very moment."""

    minute: float
    severity: str
    words: str
    digits: str


@dataclass(frozen=True)
class Clock:
    """`key`: its name in the case; `start`: the step that starts it, with `values`; `label`: as a nurse reads it."""

    key: str
    label: str
    start: str
    thresholds: tuple[Threshold, ...]
    end: str = ""
    values: Any = None


def clock(
    key: str, label: str, start: str, end: str, *thresholds: tuple[float, str, str, str], **rest: Any
) -> Clock:
    """One row of the table."""
    return Clock(key, label, start, tuple(Threshold(*t) for t in thresholds), end, **rest)


CLOCKS = [
    clock(
        *("antibiotic", "Antibiotic to needle", "ABX", "K08b-L1-left"),
        (0, "ok", "left", "1 h 00 min"),
        (45, "soon", "left, nearly over", "15 min"),
        (60, "over", "over", "0 min"),
    ),
    clock(
        *("skin_drying", "Skin drying", "K06a", "K06b"),
        (0, "ok", "to wait", "3:00"),
        (3, "ok", "minimum reached", "3:00"),
    ),
    clock(
        *("sedation_vitals", "Vitals under sedation", "K04", "REC-HO"),
        (0, "ok", "until the next", "5:00"),
        (3.75, "soon", "soon due", "1:15"),
        (5, "over", "overdue", "0:00"),
        (7.5, "ok", "until the next", "2:30"),  # the first due time is missed
        (8.75, "soon", "soon due", "1:15"),
        (10, "over", "overdue", "0:00"),  # and so on, every five minutes
    ),
    clock(
        *("cement_working", "Cement since mixing", "K09c", "K09d-L1-left"),
        (0, "soon", "too early, inject from 5:00", "0:00"),
        (5, "ok", "inject, until 12:00", "5:00"),
        (11, "soon", "inject now, only until 12:00", "11:00"),
        (12, "over", "too late, was until 12:00", "12:00"),
        values={"cement": {"id": 1, "name": "A", "lot": "1", "expires": ""}},
    ),
    clock(
        *("cement_hardening-L1", "Cement hardening", "K09d-L1-left", "K09f-L1"),
        (0, "ok", "to wait", "15:00"),
        (15, "soon", "minimum reached", "15:00"),
        (20, "over", "longer than 20 min", "20:00"),
    ),
    clock(
        *("cement_vitals-L1-left", "Vitals after cement", "K09d-L1-left", "EV-VITALS"),
        (0, "ok", "left", "3:00"),
        (2, "soon", "left, nearly over", "1:00"),
        (3, "over", "over", "0:00"),
    ),
    clock(
        *("lying_flat", "Lying flat", "REC-TURN", "DIS"),
        (0, "ok", "to wait", "1 h 00 min"),
        (60, "soon", "minimum reached", "1 h 00 min"),
        (120, "over", "longer than 120 min", "2 h 00 min"),
    ),
    clock(
        *("recovery_observations", "Recovery observations", "REC-TURN", "DIS"),
        (0, "ok", "until the next", "15 min"),
        (13, "soon", "soon due", "2 min"),
        (15, "over", "overdue", "0 min"),
        (22.5, "ok", "until the next", "8 min"),
        (28, "soon", "soon due", "2 min"),
        (30, "over", "overdue", "0 min"),
        (37.5, "ok", "until the next", "8 min"),
        (43, "soon", "soon due", "2 min"),
        (45, "over", "overdue", "0 min"),
        (52.5, "ok", "until the next", "8 min"),
        (58, "soon", "soon due", "2 min"),
        (60, "over", "overdue", "0 min"),
        (75, "ok", "until the next", "15 min"),
        (88, "soon", "soon due", "2 min"),
        (90, "over", "overdue", "0 min"),
        (105, "ok", "until the next", "15 min"),
        (118, "soon", "soon due", "2 min"),
        (120, "over", "overdue", "0 min"),
        (135, "ok", "no more are due", ""),
    ),
    clock(
        *("after_reversal", "After a reversal drug", "EV-REVERSAL", "DIS"),
        (0, "ok", "to wait", "2 h 00 min"),
        (120, "ok", "minimum reached", "2 h 00 min"),
    ),
    clock(
        *("operative_note", "Operative note before leaving recovery", "CHK-OUT", "DIS"),
        (0, "ok", "so far", "0 min"),
    ),
]
