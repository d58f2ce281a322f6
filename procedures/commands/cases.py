"""Commands on a whole case: open, change, start, pause, emergency, end, team."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext as _

from procedures import canonical, clock, closing, projection, rules
from procedures.definitions import VERTEBRAE, Role
from procedures.models import Allergy, Case, Event, Membership, Patient, ProtocolVersion, Unit
from procedures.state import EventKind, LevelStatus
from procedures.values import stamp

from .everywhere import Said, hold_open_cases, write_elsewhere
from .handover import is_clinician
from .ledger import Command, Ledger, Receipt, answered, command


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientDetails:
    """A patient as entered: who the wristband says it is."""

    mrn: str
    family_name: str
    given_name: str
    birth_date: date
    sex: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is planned: where, when, why, how, at which vertebrae and by whom (user id → role)."""

    room: str
    scheduled_at: datetime
    indication: str
    anaesthesia: str
    levels: Sequence[str]
    team: Mapping[int, Role]

    def values(self) -> dict[str, str]:
        """The part that the state keeps as its plan."""
        return {
            "room": self.room,
            "scheduled_at": stamp(self.scheduled_at),
            "indication": self.indication,
            "anaesthesia": self.anaesthesia,
        }


def open_case(
    command: Command, *, unit: Unit, patient: PatientDetails, plan: Plan, allergies: Iterable[str] = ()
) -> Receipt:
    """Open a case under `command.case_id`, which is also its command id, with the newest published protocol.

    Finds the patient by MRN or creates it. Raises Invalid where the MRN belongs to somebody with another name or
    birth date, Refused where the user may not plan in the unit.
    """
    role = Membership.objects.filter(unit=unit, user=command.by).values_list("role", flat=True).first()
    actor = rules.Actor(command.by.pk, Role(role) if role else None)
    rules.check_may(actor, rules.Act.PLAN)
    substances = [s.strip() for s in allergies if s.strip()]
    if any(len(s) > Allergy.LONGEST for s in substances):
        raise rules.Invalid(
            {"allergies": _("At most %(limit)s characters a line.") % {"limit": Allergy.LONGEST}}
        )
    asked = asked_at_opening(unit, patient, plan, substances)
    with transaction.atomic():
        _lock_id(command.case_id)  # a form that is sent twice at once takes turns with itself
        if Case.objects.filter(pk=command.case_id).exists():
            return _opened_before(command, asked)
        _check_plan(unit, plan)
        person = _patient(patient)  # locked: two who open a case of the same patient take turns
        case = _insert(command.case_id, unit, person, plan)
        ledger = Ledger(case, projection.Context({}, [], []), command, actor, actor)
        write_opening(ledger, patient.mrn, plan)
        elsewhere = [pk for pk in hold_open_cases(person.pk) if pk != case.pk] if substances else []
        said = _write_allergies(ledger, person, substances)
        write_elsewhere(elsewhere, command, actor, said, asked)
        return ledger.save(asked)


def asked_at_opening(unit: Unit, patient: PatientDetails, plan: Plan, substances: list[str]) -> bytes:
    """The fingerprint of what `open_case` was asked."""
    return canonical.digest(
        "open_case",
        {
            "unit": unit.pk,
            "patient": {name: getattr(patient, name) for name in PatientDetails.__slots__},
            "plan": plan.values(),
            "levels": plan.levels,
            "team": plan.team,
            "allergies": substances,
        },
    )


def write_opening(ledger: Ledger, mrn: str, plan: Plan) -> None:
    """The first events of a case: what it is, which vertebrae, who."""
    case = ledger.case
    values = {"plan": plan.values(), "patient": mrn, "protocol": case.protocol_id, "unit": case.unit_id}
    ledger.write(EventKind.CASE_OPENED, values=values)
    _write_levels(ledger, plan.levels)
    _write_team(ledger, plan.team)


def _lock_id(case_id: UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(case_id)])


def _opened_before(command: Command, asked: bytes) -> Receipt:
    """The first answer, whatever the plan or the patient has become since."""
    if not Event.objects.filter(case=command.case_id, command_id=command.command_id).exists():
        raise rules.Invalid({"command_id": _("This form was already sent. Open the page again.")})
    return answered(command, asked)


def _check_plan(unit: Unit, plan: Plan) -> None:
    errors = {}
    if plan.room not in unit.rooms:
        errors["room"] = _("Choose a room of this unit.")
    if not plan.levels or not set(plan.levels) <= set(VERTEBRAE):
        errors["levels"] = _("Choose at least one vertebra.")
    if Role.OPERATOR not in plan.team.values():
        errors["operator"] = _("Choose the operator.")
    clinicians = Membership.objects.filter(unit=unit, user__in=plan.team, role__in=rules.CLINICIANS)
    if clinicians.count() != len(plan.team):
        errors["team"] = _("Choose clinicians of this unit.")
    if errors:
        raise rules.Invalid(errors)


def _patient(details: PatientDetails) -> Patient:
    rest = {name: getattr(details, name) for name in PatientDetails.__slots__ if name != "mrn"}
    Patient.objects.bulk_create([Patient(mrn=details.mrn, **rest)], ignore_conflicts=True)
    person = Patient.objects.select_for_update().get(mrn=details.mrn)
    same = (person.family_name.casefold(), person.given_name.casefold(), person.birth_date) == (
        details.family_name.casefold(),
        details.given_name.casefold(),
        details.birth_date,
    )
    if not same:
        raise rules.Invalid(
            {"mrn": _("This MRN is known with another name or birth date. Check the wristband.")}
        )
    return person


def _insert(case_id: UUID, unit: Unit, patient: Patient, plan: Plan) -> Case:
    version = ProtocolVersion.objects.filter(status="published").order_by("-published_at", "-number").first()
    if version is None:
        raise rules.Refused("no_protocol", _("No protocol is published yet. Ask an administrator."))
    return Case.objects.create(
        pk=case_id,
        unit=unit,
        patient=patient,
        protocol=version,
        status="scheduled",
        scheduled_at=plan.scheduled_at,
        room=plan.room,
        indication=plan.indication,
        anaesthesia=plan.anaesthesia,
        opened_at=clock.now(),
        head_hash=canonical.GENESIS,
    )


def _write_levels(ledger: Ledger, wanted: Iterable[str]) -> None:
    """Make the planned levels what is wanted: add what is missing, withdraw what is not wanted any more."""
    planned = {level.vertebra for level in ledger.state.in_order()}
    for vertebra in sorted(set(wanted) - planned, key=VERTEBRAE.index):
        ledger.write(EventKind.LEVEL_ADDED, values={"level": vertebra, "planned": True})
    for vertebra in sorted(planned - set(wanted), key=VERTEBRAE.index):
        ledger.write(EventKind.LEVEL_WITHDRAWN, values={"level": vertebra})


def _write_team(ledger: Ledger, wanted: Mapping[int, Role]) -> None:
    now_in = {m.user: m.role for m in ledger.state.team if m.until is None}
    for user, role in now_in.items():
        if wanted.get(user) != role:
            ledger.write(EventKind.TEAM_LEFT, values={"user": user, "role": role})
    for user, role in wanted.items():
        if now_in.get(user) != role:
            ledger.write(EventKind.TEAM_JOINED, values={"user": user, "role": str(role)})


def _write_allergies(ledger: Ledger, patient: Patient, substances: list[str]) -> list[Said]:
    """Record the allergies that are not known yet. Returns what was said of them."""
    known = {a.substance.casefold() for a in patient.allergies.filter(withdrawn_at=None)}
    new = []
    for substance in substances:
        if substance.casefold() not in known:
            known.add(substance.casefold())
            new.append(substance)
    rows = [
        Allergy(patient=patient, substance=s, added_at=ledger.now, added_by_id=ledger.actor.id) for s in new
    ]
    Allergy.objects.bulk_create(rows)
    said: list[Said] = [(EventKind.ALLERGY_ADDED, {"substance": substance}, "") for substance in new]
    for kind, values, _reason in said:
        ledger.write(kind, values=values)
    return said


@command
def change_case(ledger: Ledger, *, plan: Plan) -> None:
    """Change what is planned of a case that has not been started."""
    rules.check_may(ledger.actor, rules.Act.PLAN)
    rules.check_scheduled(ledger.state)
    _check_plan(ledger.case.unit, plan)
    changed = {k: v for k, v in plan.values().items() if ledger.state.plan.get(k) != v}
    if changed:
        was = {key: ledger.state.plan[key] for key in changed}
        ledger.write(EventKind.CASE_CHANGED, values={"plan": changed, "was": was})
    _write_levels(ledger, plan.levels)
    _write_team(ledger, plan.team)
    if not ledger.written:
        raise rules.Refused("nothing", _("Nothing was changed."))


@command
def start(ledger: Ledger, *, performed_at: datetime | None = None) -> None:
    """Start the recording of a scheduled case; with a time where it began on paper."""
    rules.check_may(ledger.actor, rules.Act.RECORD)
    rules.check_performer(ledger.performer)
    rules.check_times(performed_at or ledger.now, ledger.now)
    rules.check_start(ledger.state)
    ledger.write(EventKind.CASE_STARTED, performed_at=performed_at, performed_by=ledger.performer.id)


@command
def pause(ledger: Ledger, *, reason: str) -> None:
    """Interrupt a running case."""
    rules.check_may(ledger.actor, rules.Act.RECORD)
    rules.check_running(ledger.state)
    rules.check_flip(ledger.state.paused_at, True, _("The case is already paused."))
    ledger.write(EventKind.CASE_PAUSED, reason=rules.check_reason(reason))


@command
def resume(ledger: Ledger, *, identity: bool, second: int | None = None) -> None:
    """Go on with a paused case. `identity`: name, birth date and record number were read aloud and agree; `second`: who
    heard it. An emergency does not wait for that."""
    rules.check_may(ledger.actor, rules.Act.RECORD)
    rules.check_running(ledger.state)
    rules.check_flip(ledger.state.paused_at, False, _("The case is not paused."))
    if not identity and not ledger.state.emergency_at:
        raise rules.Invalid(
            {"identity": _("Read name, birth date and record number aloud first. Do they agree?")}
        )
    if second is not None and (second == ledger.actor.id or not is_clinician(ledger, second)):
        raise rules.Invalid({"second": _("Choose another clinician of this unit or team.")})
    ledger.write(EventKind.CASE_RESUMED, values={"identity": identity, "second": second})


@command
def set_emergency(ledger: Ledger, *, on: bool) -> None:
    """Switch the emergency on (blocks become warnings) or off."""
    rules.check_may(ledger.actor, rules.Act.RECORD)
    if on:
        rules.check_running(ledger.state)
    else:
        rules.check_recordable(ledger.state)  # a case stopped in an emergency must get out of it
    said = _("The emergency is already on.") if on else _("No emergency is on.")
    rules.check_flip(ledger.state.emergency_at, on, said)
    ledger.write(EventKind.EMERGENCY_ON if on else EventKind.EMERGENCY_OFF)


@command
def complete(ledger: Ledger) -> None:
    """Close a case whose expected steps are all settled."""
    rules.check_may(ledger.actor, rules.Act.RECORD)
    rules.check_complete(ledger.progress)
    ledger.write(EventKind.CASE_COMPLETED)


@command
def cancel(ledger: Ledger, *, reason: str) -> None:
    """Call a case off before sedation or anaesthesia has begun."""
    rules.check_may(ledger.actor, rules.Act.RECORD)
    rules.check_cancel(ledger.progress)
    ledger.write(EventKind.CASE_CANCELLED, reason=rules.check_reason(reason))


type Closing = tuple[LevelStatus, str]
CLOSINGS = {
    LevelStatus.ABANDONED: EventKind.LEVEL_ABANDONED,
    LevelStatus.DEFERRED: EventKind.LEVEL_DEFERRED,
}


@command
def stop(ledger: Ledger, *, reason: str, levels: Mapping[str, Closing] | None = None) -> None:
    """Break a case off after sedation, and say of each level still open what became of it: its state and why.

    Abandoned or deferred, else completed: the cement is in, and what is left of it is recorded as usual. An empty
    reason is that of the case. None: all are abandoned. What went in is owed out in any case.
    """
    rules.check_may(ledger.actor, rules.Act.RECORD)
    rules.check_stop(ledger.progress)
    reason = rules.check_reason(reason)
    open_levels = closing.open_levels(ledger.progress)
    if levels is None:
        levels = dict.fromkeys(open_levels, (LevelStatus.ABANDONED, ""))
    closing.check_closings(ledger.progress, {v: status for v, (status, _why) in levels.items()})
    if open_levels:  # an addendum can show that something went in which is not out
        rules.check_not_signed(ledger.state)
    for vertebra in open_levels:
        status, why = levels[vertebra]
        if kind := CLOSINGS.get(status):
            ledger.write(kind, values={"level": vertebra}, reason=rules.check_reason(why or reason))
    ledger.write(EventKind.CASE_STOPPED, reason=reason)


@command
def void_case(ledger: Ledger, *, reason: str) -> None:
    """Mark a case as opened by mistake; nothing may have been recorded in it."""
    rules.check_may(ledger.actor, rules.Act.PLAN)
    rules.check_void_case(ledger.state)
    ledger.write(EventKind.CASE_VOIDED, reason=rules.check_reason(reason))


@command
def change_team(ledger: Ledger, *, user_id: int, role: Role | None) -> None:
    """Take somebody into the team in a role, change the role, or (None) let somebody leave."""
    rules.check_may(ledger.actor, rules.Act.RECORD)
    rules.check_open(ledger.state)
    now_in = {m.user: m.role for m in ledger.state.team if m.until is None}
    if role is None and user_id not in now_in:
        raise rules.Refused("not_in_team", _("This person is not in the team."))
    if role is not None and now_in.get(user_id) == role:
        raise rules.Refused("in_team", _("This person is already in the team in that role."))
    if role is Role.ADMINISTRATOR:
        raise rules.Invalid({"role": _("Choose a clinical role.")})
    if {role, now_in.get(user_id)} & {Role.OPERATOR, Role.ASSISTANT}:
        rules.check_not_signed(ledger.state)
    # The team sees the case for ever, so nobody is brought into it from outside the unit.
    clinicians = Membership.objects.filter(unit=ledger.case.unit_id, role__in=rules.CLINICIANS)
    if role is not None and not clinicians.filter(user=user_id, user__is_active=True).exists():
        raise rules.Invalid({"user_id": _("Choose a clinician of this unit.")})
    if user_id in now_in:
        ledger.write(EventKind.TEAM_LEFT, values={"user": user_id, "role": now_in[user_id]})
    if role is not None:
        ledger.write(EventKind.TEAM_JOINED, values={"user": user_id, "role": str(role)})
