"""The wall display of a unit: what runs in which room, initials only, to be read from across the corridor."""

from dataclasses import dataclass
from datetime import datetime

from procedures import clock
from procedures.models import Case, WallLink

from .clocks import TimerView
from .parts import status_word
from .today import next_step, spine_states, urgent_timer


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One running case. `initials` are the patient's, `operator` the operator's; there is no name, number or date."""

    room: str
    initials: str
    operator: str
    levels: str
    status: str
    status_word: str
    step: str
    spine: list[str]
    done: int
    total: int
    started_at: datetime | None
    paused_at: datetime | None
    emergency_at: datetime | None
    timer: TimerView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WallScreen:
    """The unit and its running cases, by room."""

    unit: str
    name: str
    tiles: list[Tile]


def build(link: WallLink) -> WallScreen:
    """What the wall with that link shows: one statement beside the link itself."""
    now = clock.now()
    return WallScreen(
        unit=link.unit.name,
        name=link.name,
        tiles=[_tile(case, now) for case in Case.objects.on_wall(link.unit_id)],
    )


def _tile(case: Case, now: datetime) -> Tile:
    return Tile(
        room=case.room,
        initials=f"{case.patient.given_name[:1]}{case.patient.family_name[:1]}".upper(),
        operator=case.operator.initials if case.operator else "",
        levels=", ".join(case.levels),
        status=case.status,
        status_word=status_word(case.status),
        step=next_step(case),
        spine=spine_states(case),
        done=case.done,
        total=case.total,
        started_at=case.started_at,
        paused_at=case.paused_at,
        emergency_at=case.emergency_at,
        timer=urgent_timer(case, now),
    )
