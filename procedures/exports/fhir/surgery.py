"""Procedures: one for the case, and one for each vertebra as a part of it."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from procedures.definitions import Field, FieldType, Key, Measure, Milestone, Role, Step
from procedures.models.case import INDICATIONS
from procedures.models.people import ROLE_LABELS
from procedures.progress import Place
from procedures.state import CaseStatus, Entry, LevelState, LevelStatus

from . import vocabulary as v
from .assembly import Assembly
from .devices import IMPLANTED
from .findings import body_site
from .shapes import Json, coding, concept, identifier, moment, period

STATUS = {
    CaseStatus.SCHEDULED: "preparation",
    CaseStatus.IN_PROGRESS: "in-progress",
    CaseStatus.RECOVERY: "in-progress",
    CaseStatus.COMPLETED: "completed",
    CaseStatus.CANCELLED: "not-done",
    CaseStatus.STOPPED: "stopped",
    CaseStatus.VOIDED: "entered-in-error",
}
KYPHOPLASTY = "kyphoplasty"


class Surgery:
    """The procedures of a case, after its entries: they name the devices of these."""

    def __init__(self, making: Assembly) -> None:
        self.making, self.devices = making, making.devices
        self.places = list(making.progress.places.values())
        self.implanted = self._implanted()

    def case(self) -> None:
        """The procedure of the case."""
        making, state = self.making, self.making.state
        status = state.status(making.protocol)
        paused = state.paused_at is not None and state.ended is None
        found = {
            "resourceType": "Procedure",
            "identifier": [identifier(v.CASE, making.case_id)],
            "extension": [
                {"url": f"{v.EXTENSION}scheduled", "valueDateTime": moment(making.case.scheduled_at)}
            ],
            "instantiatesUri": [f"{v.OURS}protocol:{making.protocol.code}:{making.protocol.number}"],
            "status": "on-hold" if paused else STATUS[status],
            "statusReason": making.reason(state.end_reason),
            "code": concept(_("Kyphoplasty"), coding(v.CONCEPT, KYPHOPLASTY)),
            "subject": making.patient,
            "performedPeriod": period(state.started_at, state.ended_at),
            "recorder": making.person(making.events[0].recorded_by),
            "performer": self._team(),
            "location": {"display": making.text(making.case.room)},
            "reasonCode": [self._indication()],
            "bodySite": [body_site(making, Key("", level.vertebra)) for level in state.in_order()],
            "complication": self._complications(""),
            "usedReference": self._used(""),
        }
        making.add(found)

    def level(self, level: LevelState) -> None:
        """The procedure at one vertebra."""
        making, vertebra = self.making, level.vertebra
        entries = self._entries(vertebra)
        times = [entry.performed_at for _place, entry in entries]
        implanted = self.implanted.get(vertebra, [])
        found = {
            "resourceType": "Procedure",
            "identifier": [identifier(v.CASE, f"{making.case_id}/{vertebra}")],
            "partOf": [making.reference("Procedure")],
            "status": self._level_status(level, entries),
            "statusReason": making.reason(level.reason),
            "code": concept(_("Kyphoplasty"), self._cpt(vertebra), coding(v.CONCEPT, KYPHOPLASTY)),
            "subject": making.patient,
            "performedPeriod": period(min(times), max(times)) if times else {},
            "performer": self._performers(entries),
            "reasonCode": [self._indication()],
            "bodySite": [body_site(making, Key("", vertebra))],
            "complication": self._complications(vertebra),
            "focalDevice": [
                {"action": {"coding": [coding(v.DEVICE_ACTION, "implanted")]}, "manipulated": device}
                for device in implanted
            ],
            "usedReference": self._used(vertebra),
        }
        making.add(found, vertebra)

    # The parts ----------------------------------------------------------------------------------------------

    def _entries(self, vertebra: str) -> list[tuple[Place, Entry]]:
        """What was done at a vertebra and counts; for the case, what was done at none."""
        here = (p for p in self.places if p.key.level == vertebra)
        return [(place, entry) for place in here for entry in place.step.live]

    def _level_status(self, level: LevelState, entries: list[Any]) -> str:
        """A vertebra that was given up is stopped where it was begun, and not done where it was not."""
        case = self.making.state.status(self.making.protocol)
        status = self.making.progress.level_status(level)
        if case is CaseStatus.VOIDED:
            return "entered-in-error"
        if status is LevelStatus.COMPLETED:
            return "completed"
        if status is LevelStatus.OPEN and self.making.state.ended is None:
            return "in-progress" if entries else "preparation"
        return "stopped" if entries else "not-done"

    def _team(self) -> list[Json]:
        """Who was in the team, once for each role; on behalf of the unit."""
        members = dict.fromkeys((m.user, m.role) for m in self.making.state.team)
        return [
            {
                "function": _function(role),
                "actor": self.making.person(user),
                "onBehalfOf": self.making.unit,
            }
            for user, role in members
        ]

    def _performers(self, entries: Iterable[tuple[Place, Entry]]) -> list[Json]:
        """Who did something at a vertebra, with the role in the team where there is one."""
        roles = {m.user: m.role for m in self.making.state.team}
        users = dict.fromkeys(entry.performed_by for _place, entry in entries)
        return [
            {"function": _function(roles[user]) if user in roles else {}, "actor": self.making.person(user)}
            for user in users
        ]

    def _indication(self) -> Json:
        """Why; with the code of a classification only where one fits without a doubt."""
        indication = self.making.case.indication
        known = v.REASONS.get(indication)
        return concept(
            str(INDICATIONS[indication]),
            coding(*known) if known else None,
            coding(v.INDICATION, indication),
        )

    def _cpt(self, vertebra: str) -> Json | None:
        """The number of a vertebra that has cement: the first of the session by its region, the others as further."""
        treated = [
            level.vertebra
            for level in self.making.state.in_order()
            if self._has_cement(level.vertebra) and level.vertebra[0] in v.CPT_FIRST
        ]
        if vertebra not in treated:
            return None
        first = vertebra == treated[0]
        return coding(v.CPT, v.CPT_FIRST[vertebra[0]] if first else v.CPT_FURTHER)

    def _has_cement(self, vertebra: str) -> bool:
        return any(p.definition.milestone is Milestone.CEMENT for p, _entry in self._entries(vertebra))

    def _complications(self, vertebra: str) -> list[Json]:
        """The complications of the case, or those that were said to be at a vertebra."""
        step = self.making.protocol.by_milestone.get(Milestone.COMPLICATION)
        field = step.measuring(Measure.COMPLICATION) or step.field("type") if step else None
        if not step or not field:
            return []
        return [
            self.making.of_option(step, field, entry.values[field.key])
            for place, entry in self._entries("")
            if place.definition is step
            and field.key in entry.values
            and vertebra in ("", entry.values.get("level"))
        ]

    # Devices ------------------------------------------------------------------------------------------------

    def _implanted(self) -> dict[str, list[Json]]:
        """The cement of each vertebra: of the batches that its injections name."""
        found: dict[str, list[Json]] = {}
        for place in self.places:
            for entry in place.step.live:
                for field in _entry_fields(place.definition, entry):
                    kinds = self.devices.get(entry.values[field.key]["seq"], [])
                    here = found.setdefault(place.key.level, [])
                    here += [device for kind, device in kinds if kind == IMPLANTED and device not in here]
        return found

    def _used(self, vertebra: str) -> list[Json]:
        """The devices that were used there, and at the case the cement that no injection names."""
        inside = [device for devices in self.implanted.values() for device in devices]
        used = [
            device
            for _place, entry in self._entries(vertebra)
            for _kind, device in self.devices.get(entry.seq, [])
            if device not in inside
        ]
        return list({device["reference"]: device for device in used}.values())


def _function(role: str) -> Json:
    return concept(str(ROLE_LABELS[Role(role)]), coding(v.ROLE, role))


def _entry_fields(step: Step, entry: Entry) -> list[Field]:
    return [f for f in step.fields if f.type is FieldType.ENTRY and f.key in entry.values]
