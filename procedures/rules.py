"""Who may, and when may. Each rule is said once: `check_*` raises for the command, `why_not` answers the button."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from . import values
from .definitions import Milestone, Needed, Phase, Role, SecondPerson, Step
from .progress import AFTER_SIGNING, CLOSED, Place, Progress, Unmet
from .state import CaseState, CaseStatus, Entry, Flag, Source, StepStatus

UNDO_WITHIN = timedelta(seconds=60)
EARLIEST = timedelta(days=7)
REASON_LIMIT = 500
CLOCK_TOLERANCE_MS = 60_000


class Act(StrEnum):
    """What somebody may do in a unit."""

    RECORD = "record"
    OVERRIDE = "override"
    VERIFY = "verify"
    PLAN = "plan"
    SIGN = "sign"
    EXPORT = "export"
    AUDIT = "audit"
    MANAGE = "manage"


CLINICIANS = frozenset(Role) - {Role.ADMINISTRATOR}
MAY: Mapping[Act, frozenset[Role]] = {
    Act.RECORD: CLINICIANS,
    Act.VERIFY: CLINICIANS,
    Act.PLAN: CLINICIANS,
    Act.OVERRIDE: frozenset({Role.OPERATOR, Role.ANAESTHETIST, Role.CIRCULATING_NURSE}),
    Act.SIGN: frozenset({Role.OPERATOR}),
    Act.EXPORT: frozenset({Role.OPERATOR, Role.ANAESTHETIST}),
    Act.AUDIT: frozenset({Role.OPERATOR, Role.ADMINISTRATOR}),
    Act.MANAGE: frozenset({Role.ADMINISTRATOR}),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """A person as the rules see them: who, and as what in the unit of the case."""

    id: int
    role: Role | None

    def may(self, act: Act) -> bool:
        """Whether the role allows it."""
        return self.role in MAY[act]


class Refused(Exception):
    """A rule says no. `code` for programs, `sentence` for the nurse: what is wrong and what to do next."""

    def __init__(self, code: str, sentence: str, *, may_override: bool = False) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.may_override = may_override


class Invalid(Exception):
    """What was entered is wrong. `errors`: sentence by field; `unusual`: question by field, to be confirmed;
    `expired`: sentence by field about a product past its date, which somebody who may override can confirm."""

    def __init__(
        self,
        errors: Mapping[str, str] | None = None,
        unusual: Mapping[str, str] | None = None,
        expired: Mapping[str, str] | None = None,
    ) -> None:
        said = [errors or {}, unusual or {}, expired or {}]
        super().__init__("; ".join(sentence for part in said for sentence in part.values()))
        self.errors, self.unusual, self.expired = (dict(part) for part in said)


def why_not(check: Callable[..., object], *args: Any, **kwargs: Any) -> str:
    """The sentence with which a check refuses, or an empty text: for the button."""
    try:
        check(*args, **kwargs)
    except Refused as refused:
        return refused.sentence
    return ""


# Who --------------------------------------------------------------------------------------------------------


def check_may(actor: Actor, act: Act) -> None:
    """The actor's role allows the act."""
    if actor.may(act):
        return
    if act is Act.OVERRIDE:
        raise Refused("role", _("An operator, anaesthetist or circulating nurse can override this."))
    if act is Act.EXPORT:
        raise Refused(
            "role", _("Names may be taken away by operators and anaesthetists. Take it away without names.")
        )
    if act is Act.AUDIT:
        raise Refused("role", _("Operators, charge nurses and administrators of the unit see who looked."))
    if actor.role is Role.ADMINISTRATOR:
        raise Refused("role", _("Administrators do not record. Ask a clinician of the unit."))
    raise Refused("role", _("You are not in the team of this unit. Ask its charge nurse."))


def check_performer(performer: Actor) -> None:
    """The person named as performer is a clinician of the unit or of the case's team."""
    if not performer.may(Act.RECORD):
        raise Invalid({"performed_by": _("Choose a clinician of this unit or team.")})


# When: the case ---------------------------------------------------------------------------------------------


def check_recordable(state: CaseState, source: Source = Source.LIVE) -> None:
    """The case takes entries: it has been started, and was neither cancelled nor voided; or it has happened already."""
    if was_queued(source):
        return
    if state.ended in (CaseStatus.CANCELLED, CaseStatus.VOIDED):
        raise Refused("closed", _("This case was closed. Nothing more can be recorded in it."))
    if state.started_at is None:
        raise Refused("not_started", _("Start the case first."))


def check_running(state: CaseState) -> None:
    """The case has been started and has not ended."""
    check_recordable(state)
    if state.ended:
        raise Refused("ended", _("This case has ended."))


def check_scheduled(state: CaseState) -> None:
    """The case has not been started and not been closed."""
    if state.ended or state.started_at:
        raise Refused("not_scheduled", _("This case has already been started or closed."))


def check_start(state: CaseState) -> None:
    """It can be started: it is scheduled and has a vertebra."""
    check_scheduled(state)
    if not state.in_order():
        raise Refused("no_level", _("Choose at least one vertebra first."))


def check_void_case(state: CaseState) -> None:
    """It can be voided as opened by mistake: nothing that counts was recorded in it."""
    if state.ended:
        raise Refused("ended", _("This case has ended."))
    if any(entry.live for step in state.steps.values() for entry in step.entries):
        raise Refused(
            "recorded", _("Steps were recorded in this case. Take them back first, or stop the case.")
        )


def check_cancel(progress: Progress) -> None:
    """It can be cancelled: it has not ended, no sedation has begun, no needle went in, and nobody has signed."""
    check_open(progress.state)
    check_not_signed(progress.state)
    if _begun(progress):
        raise Refused("begun", _("Sedation has begun or a needle went in: stop the case instead."))


def check_stop(progress: Progress) -> None:
    """It can be stopped: it runs, and sedation has begun or a needle went in (before that it is cancelled)."""
    check_running(progress.state)
    if not _begun(progress):
        raise Refused("not_begun", _("Sedation has not begun: cancel the case instead."))


def check_complete(progress: Progress) -> None:
    """It can be completed: it runs, no emergency is on, and every expected step is settled that still can be."""
    check_running(progress.state)
    if progress.state.emergency_at:
        raise Refused("emergency", _("Switch the emergency off first."))
    if open_places := progress.to_do:
        titles = ", ".join(title(p) for p in open_places[:5])
        more = _(" and %(count)s more") % {"count": len(open_places) - 5} if len(open_places) > 5 else ""
        raise Refused("open_steps", _("Still open: %(titles)s%(more)s.") % {"titles": titles, "more": more})


def check_flip(on: datetime | None, wanted: bool, sentence: str) -> None:
    """A pause or an emergency can only be switched to what it is not."""
    if bool(on) == wanted:
        raise Refused("already", sentence)


def check_open(state: CaseState) -> None:
    """The case has not ended."""
    if state.ended:
        raise Refused("ended", _("This case has ended."))


def _begun(progress: Progress) -> bool:
    """A cancelled case takes no entries, so nothing may be inside the patient: a case can go without sedation."""
    return reached(progress, Milestone.SEDATION) or reached(progress, Milestone.NEEDLE_IN)


def reached(progress: Progress, milestone: Milestone) -> bool:
    """Whether the step that stands for it was done, anywhere in the case."""
    step = progress.protocol.by_milestone.get(milestone)
    return bool(step) and any(
        place.step.live for place in progress.by_code.get(step.code if step else "", ())
    )


def check_not_signed(state: CaseState, place: Place | None = None, seq: int | None = None) -> None:
    """What was signed stays: only recovery, discharge and what happens at any time go on, until the case has ended.

    `seq`: of the entry that is to be changed. Holds for what waited in a queue too, which then becomes an addendum.
    """
    if state.signed is None:
        return
    after = place is not None and place.definition.phase in AFTER_SIGNING
    if state.ended or not after or (seq is not None and seq < state.signed.seq):
        raise Refused("signed", _("This record is signed. What is to be said now is an addendum."))


# When: a step -----------------------------------------------------------------------------------------------


def title(place: Place) -> str:
    """The step in words, with its level and side: "Balloon in, L1 left"."""
    where = f"{place.key.level} {side_name(place.key.side)}".strip()
    return f"{place.definition.button}, {where}" if where else place.definition.button


def side_name(side: str) -> str:
    """The side in words."""
    return {"left": _("left"), "right": _("right")}.get(side, side)


def judges_order(source: Source) -> bool:
    """Whether the order of the steps can still refuse an entry that came this way.

    What was done without the server, offline or on paper, has happened: it is recorded and flagged, never refused.
    """
    return source is Source.LIVE


def was_queued(source: Source) -> bool:
    """Whether the entry waited on a tablet: nobody can be asked any more, and the case may have gone on without it."""
    return source is Source.OFFLINE


def clock_was_wrong(offset_ms: int | None) -> bool:
    """Whether the tablet's clock was so far from the server's that the record says so."""
    return abs(offset_ms or 0) > CLOCK_TOLERANCE_MS


def check_step(progress: Progress, place: Place | None, source: Source = Source.LIVE) -> Place:
    """The case takes entries and has that step; a side that is not open may be opened in an open level."""
    check_recordable(progress.state, source)
    if place is None:
        raise Refused("no_step", _("This case has no such step. Open the case again."))
    check_not_signed(progress.state, place)
    if place.needs_side:
        raise Invalid({"side": _("Choose left, right or both.")})
    level = progress.state.levels.get(place.key.level)
    if judges_order(source) and level and place.key.side and place.key.side not in level.sides:
        if level.status in CLOSED:
            raise Refused(
                "level_closed", _("%(level)s was closed; no new access.") % {"level": level.vertebra}
            )
        if place.definition.milestone is not Milestone.NEEDLE_IN:
            raise Refused("no_access", _("First: the needle on this side."))
    return place


def check_free(place: Place, name_of: Callable[[int], str], at: Callable[[datetime], str]) -> None:
    """The step has no mark yet; a step that may hold several entries only lacks a mark that closes it."""
    mark = place.step.mark
    if mark is None or (place.definition.many and mark.mark is StepStatus.DONE):
        return
    said = {"name": name_of(mark.performed_by), "time": at(mark.performed_at)}
    match mark.mark:
        case StepStatus.DONE:
            raise Refused("already_done", _("Done by %(name)s at %(time)s.") % said)
        case StepStatus.NOT_DONE:
            raise Refused(
                "marked", _("Marked as not done by %(name)s at %(time)s. Take that back first.") % said
            )
    raise Refused(
        "marked", _("Marked as not applicable by %(name)s at %(time)s. Take that back first.") % said
    )


def check_order(
    progress: Progress, place: Place, actor: Actor, override_reason: str, source: Source = Source.LIVE
) -> list[Unmet]:
    """The requirements hold, or may be passed over. Returns those passed over: soft ones always, hard ones in an
    emergency, with a reason by somebody who may override, or where it has already happened (`judges_order`)."""
    unmet = progress.unmet(place)
    hard = [u for u in unmet if u.requirement.hard]
    if not hard or progress.state.emergency_at or not judges_order(source):
        return unmet
    if not override_reason:
        raise Refused("out_of_order", order_sentence(hard[0]), may_override=actor.may(Act.OVERRIDE))
    check_may(actor, Act.OVERRIDE)
    return unmet


def order_sentence(unmet: Unmet) -> str:
    """What has to come first, in words."""
    where = {key.level for key in unmet.waiting} - {""}
    levels = f" ({', '.join(sorted(where))})" if where else ""
    if unmet.requirement.expects and not unmet.needs.many and not where:
        return _("First: %(title)s, with the right answer.") % {"title": unmet.needs.title}
    if unmet.requirement.expects:
        return _("First: %(title)s%(levels)s, with the right answer.") % {
            "title": unmet.needs.title,
            "levels": levels,
        }
    return _("First: %(title)s%(levels)s.") % {"title": unmet.needs.title, "levels": levels}


def check_mark(progress: Progress, place: Place, actor: Actor, override_reason: str) -> None:
    """A step may be marked not done or not applicable; a critical one only by somebody who may override."""
    if place.definition.phase is Phase.ANY:
        raise Refused("any_time", _("This can be recorded at any time; there is nothing to skip."))
    if place.text not in progress.places:
        raise Refused("no_access", _("No needle went in on this side, so there is nothing to skip."))
    if progress.behind_partner(place):
        raise Refused("owed", _("What went in must come out: this step is still owed."))
    if not place.definition.critical or progress.state.emergency_at:
        return
    if not actor.may(Act.OVERRIDE):
        raise Refused(
            "critical",
            _("This step is critical. An operator, anaesthetist or circulating nurse can skip it."),
        )
    if not override_reason.strip():
        raise Invalid(
            {"override_reason": _("This step is critical: say why it is safe to go on without it.")}
        )
    check_reason(override_reason, "override_reason")


def entry_flags(
    definition: Step, performer: Actor, performed_at: datetime, recorded_at: datetime, late_after: timedelta
) -> set[str]:
    """What the record says by itself about an entry."""
    flags = set()
    if recorded_at - performed_at > late_after:
        flags.add(Flag.LATE)
    if definition.roles and performer.role not in definition.roles:
        flags.add(Flag.OTHER_ROLE)
    return {str(flag) for flag in flags}


def check_times(performed_at: datetime, recorded_at: datetime) -> None:
    """Not in the future, and not longer ago than a week."""
    if performed_at > recorded_at:
        raise Invalid({"performed_at": _("This time is in the future. Enter when it was done.")})
    if performed_at < recorded_at - EARLIEST:
        raise Invalid({"performed_at": _("This is more than seven days ago. Check the date.")})


def check_values(
    definition: Step,
    given: Mapping[str, Any],
    confirmed: set[str],
    *,
    whole: bool = True,
    ask: bool = True,
) -> set[str]:
    """The values are possible, what is needed now is there, and what is unusual was confirmed.

    Returns the keys that needed confirming. `whole`: False for details or a correction of single fields; `ask`: False
    where nobody can be asked any more, and what is unusual is returned as it is.
    Raises Invalid, with every field that is wrong.
    """
    fields = {f.key: f for f in definition.fields}
    errors = {key: _("This step has no such field.") for key in given if key not in fields}
    unusual = {}
    for key, value in given.items():
        if key in errors or value is None:
            continue
        if said := values.problem(fields[key], value):
            errors[key] = said
        elif said := values.doubt(fields[key], value):
            unusual[key] = said
    if whole:
        errors |= {
            k: _("Needed.") for k, f in fields.items() if f.needed is Needed.NOW and given.get(k) is None
        }
    asked = {key: said for key, said in unusual.items() if ask and key not in confirmed}
    if errors or asked:
        raise Invalid(errors, asked)
    return set(unusual)


# When: an entry ---------------------------------------------------------------------------------------------


def check_entry(progress: Progress, place: Place | None, seq: int) -> tuple[Place, Entry]:
    """The step has that entry and it still counts."""
    entry = place.step.entry(seq) if place else None
    if place is None or entry is None:
        raise Refused("no_entry", _("There is no such entry. Open the case again."))
    if not entry.live:
        raise Refused("voided", _("This entry was already taken back."))
    check_not_signed(progress.state, place, seq)
    return place, entry


def check_details(entry: Entry, given: Mapping[str, Any]) -> None:
    """Details add what is missing and change nothing."""
    if entry.mark is not StepStatus.DONE:
        raise Refused("not_done", _("Only a step that was done has details."))
    if known := [key for key in given if key in entry.values]:
        raise Invalid({key: _("Already recorded. Correct it, with a reason.") for key in known})
    if not given:
        raise Invalid({"": _("Enter at least one detail.")})


def check_verify(place: Place, entry: Entry, actor: Actor) -> None:
    """Another clinician than the performer and the recorder verifies, once."""
    check_may(actor, Act.VERIFY)
    if place.definition.second_person is SecondPerson.NONE or entry.mark is not StepStatus.DONE:
        raise Refused("no_verification", _("This step needs no second person."))
    if entry.verified_by is not None:
        raise Refused("already_verified", _("Already verified."))
    if actor.id in (entry.performed_by, entry.recorded_by, entry.via):
        raise Refused("same_person", _("Somebody else has to verify: you did or recorded this step."))


def is_slip(entry: Entry, actor: Actor, moment: datetime) -> bool:
    """Whether taking the entry back is an undo: by the same person within a minute, no reason asked."""
    return entry.recorded_by == actor.id and moment - entry.recorded_at <= UNDO_WITHIN


def check_reason(reason: str, field: str = "reason") -> str:
    """A reason was given. Returns it trimmed."""
    reason = reason.strip()
    if not reason:
        raise Invalid({field: _("Say why.")})
    if len(reason) > REASON_LIMIT:
        raise Invalid({field: _("At most %(limit)s characters.") % {"limit": REASON_LIMIT}})
    return reason
