"""What is put right afterwards: the list of entries to look at again, and the move of one to another case."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from procedures import rules
from procedures.models import Case, User
from procedures.state import StepStatus

from .parts import Banner, EntryView, entry_view, new_command_id
from .today import RUNNING
from .view import Missing, View

RECENT = timedelta(hours=24)
MOST = 40


@dataclass(frozen=True, slots=True)
class ToReconcile:
    """An entry that somebody has to look at, and the step in words."""

    title: str
    entry: EntryView


@dataclass(slots=True, kw_only=True)
class ReconcileScreen:
    """All that reconcile.html draws."""

    case: Case
    banner: Banner
    status_word: str
    role: str
    may_record: bool
    items: list[ToReconcile]
    missing: list[Missing]
    emergency: bool
    command_ids: dict[int, str]
    notice: str = ""


def reconcile(user: User, pk: Any, *, notice: str = "") -> ReconcileScreen:
    """The list for this person. Raises Case.DoesNotExist."""
    view = View.load(user, pk)
    found = view.progress.unreconciled
    return ReconcileScreen(
        case=view.case,
        banner=view.banner,
        status_word=view.status_word,
        role=view.role,
        may_record=view.actor.may(rules.Act.RECORD),
        items=[ToReconcile(rules.title(place), entry_view(view, place, entry)) for place, entry in found],
        missing=view.missing(),
        emergency=view.state.emergency_at is not None,
        command_ids={entry.seq: new_command_id() for _place, entry in found},
        notice=notice,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCase:
    """A case as it is chosen: by room, initials and time, so that no other patient's name is shown here."""

    id: UUID
    room: str
    initials: str
    scheduled_at: datetime
    levels: str
    status_word: str


@dataclass(slots=True, kw_only=True)
class MoveScreen:
    """All that move.html draws."""

    case: Case
    banner: Banner
    status_word: str
    role: str
    title: str
    entry: EntryView | None
    others: list[OtherCase]
    why_not: str
    typed: Mapping[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    notice: str = ""
    command_id: str = field(default_factory=new_command_id)


def move(
    user: User,
    pk: Any,
    key: str,
    seq: int,
    *,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    notice: str = "",
) -> MoveScreen:
    """Where an entry can be moved to. Raises Case.DoesNotExist."""
    view = View.load(user, pk)
    place = view.progress.place(key)
    entry = place.step.entry(seq) if place else None
    why_not = rules.why_not(rules.check_may, view.actor, rules.Act.RECORD) or rules.why_not(
        rules.check_entry, view.progress, place, seq
    )
    movable = entry is not None and entry.mark is StepStatus.DONE
    return MoveScreen(
        case=view.case,
        banner=view.banner,
        status_word=view.status_word,
        role=view.role,
        title=rules.title(place) if place else "",
        entry=entry_view(view, place, entry) if place and entry else None,
        others=_others(user, view) if movable and not why_not else [],
        why_not=why_not,
        typed=typed or {},
        errors=dict(errors or {}),
        notice=notice,
    )


def _others(user: User, view: View) -> list[OtherCase]:
    """The other cases of the unit that run or ended within a day."""
    recent = Q(status__in=RUNNING) | Q(started_at__isnull=False, ended_at__gt=view.now - RECENT)
    cases = (
        Case.objects.visible_to(user)
        .filter(recent, unit=view.case.unit_id)
        .exclude(Q(pk=view.case.pk) | Q(status__in=("cancelled", "voided")))
        .select_related("patient")
        .order_by("room", "scheduled_at")[:MOST]
    )
    return [
        OtherCase(
            id=case.pk,
            room=case.room,
            initials=case.patient.initials,
            scheduled_at=case.scheduled_at,
            levels=", ".join(case.levels),
            status_word=case.get_status_display(),
        )
        for case in cases
    ]
