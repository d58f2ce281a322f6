"""The Today screen: a card for each case of the day in the user's units."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Min, OuterRef, Q
from django.utils import timezone
from django.utils.timezone import localtime

from procedures import clock, projection, rules
from procedures.definitions import Key, Role, age_on
from procedures.models import Allergy, Case, Membership, User
from procedures.models.case import INDICATIONS, STATUS_LABELS
from procedures.protocols import frozen
from procedures.state import CaseStatus

from . import clocks
from .clocks import TimerView
from .parts import role_words, status_word

LIMIT = 100
RUNNING = (CaseStatus.IN_PROGRESS, CaseStatus.RECOVERY)
SORT = {
    CaseStatus.IN_PROGRESS: 0,
    CaseStatus.RECOVERY: 1,
    CaseStatus.SCHEDULED: 2,
    CaseStatus.COMPLETED: 3,
    CaseStatus.STOPPED: 4,
    CaseStatus.CANCELLED: 5,
    CaseStatus.VOIDED: 6,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One case. `spine` has a state for each of the eleven numbered steps: open, begun or done."""

    id: UUID
    name: str
    age: int
    sex: str
    room: str
    operator: str
    levels: str
    indication: str
    status: str
    status_word: str
    scheduled_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    elapsed_minutes: int | None
    spine: list[str]
    done: int
    total: int
    deficits: int
    to_reconcile: int
    next_step: str
    allergies: list[str]
    paused: bool
    emergency: bool
    complications: int
    timer: TimerView | None
    may_start: bool


@dataclass(frozen=True, slots=True)
class ToSign:
    """What waits for an operator: own notes to sign, the age of the oldest in days, and co-signatures asked for."""

    notes: int
    oldest: int
    cosign: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TodayScreen:
    """The day, its filters (lists of value, label, chosen) and its cards. `more`: not all are shown."""

    day: date
    is_today: bool
    previous_day: date
    next_day: date
    units: str
    role: str
    rooms: list[tuple[str, str, bool]]
    states: list[tuple[str, str, bool]]
    cards: list[Card]
    more: bool
    may_open: bool
    to_sign: ToSign | None


def build(
    user: User, day: date | None = None, room: str = "", state: str = "", *, cards_only: bool = False
) -> TodayScreen:
    """The cases scheduled that day, and those that still run from earlier. At most `LIMIT` cards.

    `cards_only`: for a page that draws its cards anew.
    """
    now = clock.now()
    today = localtime(now).date()
    day = day or today
    memberships = list(Membership.objects.filter(user=user).select_related("unit"))
    cases = list(_cases(user, day, today)[: LIMIT + 1])
    rooms = sorted({r for m in memberships for r in m.unit.rooms} | {c.room for c in cases})
    shown = [c for c in cases[:LIMIT] if room in ("", c.room) and state in ("", c.status)]
    role_of = {m.unit_id: Role(m.role) for m in memberships}
    return TodayScreen(
        day=day,
        is_today=day == today,
        previous_day=day - timedelta(days=1),
        next_day=day + timedelta(days=1),
        units=", ".join(m.unit.name for m in memberships),
        role=role_words(dict.fromkeys(m.role for m in memberships)),
        rooms=[(r, r, r == room) for r in rooms],
        states=[(s.value, str(label), s.value == state) for s, label in STATUS_LABELS.items()],
        cards=_sorted(_card(c, now, today, role_of.get(c.unit_id)) for c in shown),
        more=len(cases) > LIMIT,
        may_open=any(rules.Actor(user.pk, role).may(rules.Act.PLAN) for role in role_of.values()),
        to_sign=_to_sign(user, now)
        if not cards_only and any(rules.Actor(user.pk, role).may(rules.Act.SIGN) for role in role_of.values())
        else None,
    )


def _to_sign(user: User, now: datetime) -> ToSign | None:
    """What waits for this operator, as the case log lists it: one statement, by the index of the facets."""
    own = Q(facets__contains=["flag:unsigned", f"operator:{user.pk}"])
    beside = Q(facets__contains=["flag:cosign"], cosign_by=user)
    found = (
        Case.objects.visible_to(user)
        .filter(own | beside)
        .aggregate(
            notes=Count("pk", filter=own),
            since=Min("started_at", filter=own),
            cosign=Count("pk", filter=beside),
        )
    )
    if not found["notes"] and not found["cosign"]:
        return None
    days = (localtime(now).date() - localtime(found["since"]).date()).days if found["since"] else 0
    return ToSign(found["notes"], max(days, 0), found["cosign"])


def _cases(user: User, day: date, today: date):  # type: ignore[no-untyped-def]
    start = timezone.make_aware(datetime.combine(day, time.min))
    of_day = Q(scheduled_at__gte=start, scheduled_at__lt=start + timedelta(days=1))
    running = Q(status__in=RUNNING) if day == today else Q(pk=None)
    allergies = Allergy.objects.filter(patient=OuterRef("patient"), withdrawn_at=None).order_by("added_at")
    return (
        Case.objects.visible_to(user)
        .filter(of_day | running)
        .select_related("patient", "operator")
        .annotate(allergy_names=ArraySubquery(allergies.values("substance")))
        .order_by("scheduled_at", "id")
    )


def _sorted(cards: Iterable[Card]) -> list[Card]:
    return sorted(cards, key=lambda card: (SORT[CaseStatus(card.status)], card.scheduled_at))


def _card(case: Case, now: datetime, today: date, role: Role | None) -> Card:
    end = case.ended_at or now
    return Card(
        id=case.pk,
        name=str(case.patient),
        age=age_on(case.patient.birth_date, today),
        sex=case.patient.sex,
        room=case.room,
        operator=case.operator.display_name if case.operator else "",
        levels=", ".join(case.levels),
        indication=str(INDICATIONS[case.indication]),
        status=case.status,
        status_word=status_word(case.status),
        scheduled_at=case.scheduled_at,
        started_at=case.started_at,
        ended_at=case.ended_at,
        elapsed_minutes=int((end - case.started_at).total_seconds() // 60) if case.started_at else None,
        spine=spine_states(case),
        done=case.done,
        total=case.total,
        deficits=case.deficits,
        to_reconcile=case.to_reconcile,
        next_step=next_step(case),
        allergies=case.allergy_names,  # type: ignore[attr-defined]
        paused=case.paused_at is not None,
        emergency=case.emergency_at is not None,
        complications=case.complications,
        timer=urgent_timer(case, now),
        may_start=case.status == CaseStatus.SCHEDULED and rules.Actor(0, role).may(rules.Act.RECORD),
    )


def urgent_timer(case: Case, now: datetime) -> TimerView | None:
    """The most urgent clock; read from the case's own row."""
    if not case.timers:
        return None
    protocol = frozen.protocol(case.protocol_id)
    return clocks.urgent(protocol, projection.read_timers(protocol, case.timers), now)


def spine_states(case: Case) -> list[str]:
    """The eleven numbered steps: open, begun or done."""
    return [{"d": "done", "~": "begun"}.get(mark, "open") for mark in case.spine]


def next_step(case: Case) -> str:
    """What comes next, in words."""
    if not case.next_step:
        return ""
    key = Key.parse(case.next_step)
    step = frozen.protocol(case.protocol_id).by_code[key.code]
    where = f"{key.level} {rules.side_name(key.side)}".strip()
    return f"{step.button}, {where}" if where else step.button
