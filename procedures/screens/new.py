"""The New case screen, also used to change a scheduled case."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from procedures import clock, rules
from procedures.definitions import VERTEBRAE, Role
from procedures.models import Case, Membership, Patient, Unit, User
from procedures.models.case import ANAESTHESIA, INDICATIONS
from procedures.models.people import ROLE_LABELS
from procedures.values import day_words

from .parts import local_input, new_command_id, status_word


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An earlier kyphoplasty of the patient, as far as the user may see it."""

    id: UUID
    day: date
    levels: str
    status_word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinician:
    """Somebody who can be put into the team."""

    id: int
    name: str
    role: str
    role_word: str


@dataclass(slots=True, kw_only=True)
class NewCaseScreen:
    """Step 1 (`found` None and `mrn` empty): find by MRN. Step 2: the form, with what is known already filled in.

    `typed` holds every input by name; lists (levels, team) are in `typed_levels` and `typed_team` (user id → role).
    """

    role: str
    mrn: str
    found: bool
    patient: str
    same_name: list[str]
    earlier: list[Earlier]
    units: list[tuple[int, str]]
    unit: Unit
    rooms: list[str]
    clinicians: list[Clinician]
    operators: list[Clinician]
    indications: list[tuple[str, str]]
    anaesthesia: list[tuple[str, str]]
    sexes: list[tuple[str, str]]
    vertebrae: tuple[str, ...]
    typed: dict[str, str]
    typed_levels: list[str]
    typed_team: list[int]
    errors: dict[str, str]
    case_id: str
    changes: Case | None = None
    command_id: str = field(default_factory=new_command_id)


def units_to_plan(user: User) -> list[Unit]:
    """The units in which the user may open a case."""
    rows = Membership.objects.filter(user=user, role__in=rules.MAY[rules.Act.PLAN]).select_related("unit")
    return [m.unit for m in rows]


def new_case(user: User, data: Mapping[str, Any], errors: Mapping[str, str] | None = None) -> NewCaseScreen:
    """The screen for what was typed so far. Raises Refused where the user may open no case anywhere."""
    units = units_to_plan(user)
    if not units:
        rules.check_may(rules.Actor(user.pk, _any_role(user)), rules.Act.PLAN)
    unit = next((u for u in units if str(u.pk) == str(data.get("unit", ""))), units[0])
    mrn = str(data.get("mrn", "")).strip()[:20]
    cases = list(_cases_of(user, mrn)) if mrn and "\x00" not in mrn else []
    patient = cases[0].patient if cases else None
    typed = {name: str(data.get(name, "")) for name in data if name not in ("levels", "team")}
    if patient:
        typed |= _details(patient)
    typed.setdefault("scheduled_at", local_input(clock.now()))
    return _screen(
        user,
        unit,
        units,
        mrn=mrn,
        found=patient is not None,
        patient=str(patient) if patient else "",
        same_name=_same_name(user, typed, mrn),
        earlier=[_earlier(case) for case in cases],
        typed=typed,
        typed_levels=_list(data, "levels"),
        typed_team=[int(i) for i in _list(data, "team") if i.isascii() and i.isdigit() and len(i) < 10],
        errors=dict(errors or {}),
        case_id=str(data.get("command_id") or new_command_id()),
    )


def check_same_name(screen: NewCaseScreen, checked: bool) -> None:
    """Somebody looked at the wristband where another open case has a patient of the same name."""
    if screen.same_name and not checked:
        raise rules.Invalid(
            {"same_name_checked": _("Another patient has the same name. Check the wristband.")}
        )


def change(
    user: User, case: Case, data: Mapping[str, Any] | None = None, errors: Mapping[str, str] | None = None
) -> NewCaseScreen:
    """The same form for a scheduled case, filled with its plan or with what was typed."""
    team = {m.user_id: m.role for m in case.team.filter(until=None)}
    typed = {
        "scheduled_at": local_input(case.scheduled_at),
        "room": case.room,
        "indication": case.indication,
        "anaesthesia": case.anaesthesia,
        "operator": str(case.operator_id or ""),
    }
    if data is not None:
        typed |= {name: str(data.get(name, "")) for name in data if name not in ("levels", "team")}
    return _screen(
        user,
        case.unit,
        [case.unit],
        mrn=case.patient.mrn,
        found=True,
        patient=str(case.patient),
        same_name=[],
        earlier=[],
        typed=typed,
        typed_levels=_list(data, "levels") if data is not None else list(case.levels),
        typed_team=[i for i, role in team.items() if role != Role.OPERATOR]
        if data is None
        else [int(i) for i in _list(data, "team") if i.isascii() and i.isdigit() and len(i) < 10],
        errors=dict(errors or {}),
        case_id=str(case.pk),
        changes=case,
    )


def _screen(user: User, unit: Unit, units: list[Unit], **rest: Any) -> NewCaseScreen:
    clinicians = [
        Clinician(
            id=m.user_id, name=m.user.display_name, role=m.role, role_word=str(ROLE_LABELS[Role(m.role)])
        )
        for m in unit.memberships.filter(role__in=rules.CLINICIANS, user__is_active=True)
        .select_related("user")
        .order_by("user__display_name")
    ]
    own = next((c.role_word for c in clinicians if c.id == user.pk), "")
    return NewCaseScreen(
        role=own,
        units=[(u.pk, u.name) for u in units],
        unit=unit,
        rooms=list(unit.rooms),
        clinicians=clinicians,
        operators=[c for c in clinicians if c.role == Role.OPERATOR],
        indications=[(k, str(v)) for k, v in INDICATIONS.items()],
        anaesthesia=[(k, str(v)) for k, v in ANAESTHESIA.items()],
        sexes=[(k, str(v)) for k, v in Patient.SEXES.items()],
        vertebrae=VERTEBRAE,
        **rest,
    )


def _any_role(user: User) -> Role | None:
    role = Membership.objects.filter(user=user).values_list("role", flat=True).first()
    return Role(role) if role else None


def _list(data: Mapping[str, Any] | None, name: str) -> list[str]:
    getlist = getattr(data, "getlist", None)
    return [str(item) for item in getlist(name)] if getlist else []


def _cases_of(user: User, mrn: str):  # type: ignore[no-untyped-def]
    """The patient is known through cases that the user may see; a patient of another unit stays unknown here."""
    return (
        Case.objects.visible_to(user)
        .filter(patient__mrn=mrn)
        .select_related("patient")
        .order_by("-scheduled_at")[:20]
    )


def _details(patient: Patient) -> dict[str, str]:
    return {
        "family_name": patient.family_name,
        "given_name": patient.given_name,
        "birth_date": patient.birth_date.isoformat(),
        "sex": patient.sex,
    }


def _same_name(user: User, typed: Mapping[str, str], mrn: str) -> list[str]:
    """Other patients of the same family name among the open cases: the classic mix-up."""
    name = typed.get("family_name", "").strip()
    if not name or "\x00" in name + mrn:
        return []
    rows = (
        Case.objects.visible_to(user)
        .filter(patient__family_name__iexact=name, status__in=["scheduled", "in_progress", "recovery"])
        .exclude(patient__mrn=mrn)
        .select_related("patient")[:5]
    )
    born = _("born %(date)s, MRN %(mrn)s")
    return [
        f"{c.patient}, {born % {'date': day_words(c.patient.birth_date), 'mrn': c.patient.mrn}}" for c in rows
    ]


def _earlier(case: Case) -> Earlier:
    when: datetime = localtime(case.scheduled_at)
    return Earlier(
        id=case.pk, day=when.date(), levels=", ".join(case.levels), status_word=status_word(case.status)
    )
