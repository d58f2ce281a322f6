"""Everything about a case that is not a step: vertebrae, team, patient, allergies, pause, ending."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from procedures import closing, level_rules, rules
from procedures.definitions import VERTEBRAE, Role
from procedures.models import Case, Patient, User
from procedures.models.people import ROLE_LABELS
from procedures.state import LevelStatus

from .parts import Banner, new_command_id
from .view import Missing, View


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedLevel:
    """A vertebra and what may be done with it; each `may_` is empty or says why not."""

    vertebra: str
    state: str
    reason: str
    sides: list[str]
    may_abandon: bool
    may_defer: bool
    may_reopen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamRow:
    """Somebody in the team."""

    user: int
    name: str
    role: str
    role_word: str
    since: datetime
    until: datetime | None


@dataclass(slots=True, kw_only=True)
class ManageScreen:
    """All that manage.html draws. `open_levels`: those still open, whether each can be deferred, whether it is treated.
    `why_not` names, by action, the sentence that forbids it ("" where it may be done).

    `failed` is the form that was sent wrongly (its URL name, with `failed_id` where there are several of a kind),
    `errors` its sentences by field, `typed` what stood in it.
    """

    case: Case
    banner: Banner
    status: str
    status_word: str
    role: str
    may_record: bool
    levels: list[ManagedLevel]
    open_levels: list[tuple[str, bool, bool]]
    addable: list[str]
    level_needs_reason: bool
    team: list[TeamRow]
    candidates: list[tuple[int, str]]
    roles: list[tuple[str, str]]
    sexes: list[tuple[str, str]]
    patient: Patient
    missing: list[Missing]
    open_steps: list[tuple[str, str]]
    why_not: dict[str, str]
    failed: str = ""
    failed_id: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    typed: Mapping[str, Any] = field(default_factory=dict)
    notice: str = ""
    command_id: str = field(default_factory=new_command_id)


def build(
    user: User,
    pk: Any,
    *,
    failed: str = "",
    failed_id: str = "",
    errors: Mapping[str, str] | None = None,
    typed: Mapping[str, Any] | None = None,
    notice: str = "",
) -> ManageScreen:
    """The screen for this person. Raises Case.DoesNotExist."""
    view = View.load(user, pk)
    state, progress = view.state, view.progress
    checks = {
        "start": rules.why_not(rules.check_start, state),
        "pause": rules.why_not(rules.check_running, state),
        "complete": rules.why_not(rules.check_complete, progress),
        "cancel": rules.why_not(rules.check_cancel, progress),
        "stop": rules.why_not(rules.check_stop, progress),
        "void": rules.why_not(rules.check_void_case, state),
        "plan": rules.why_not(rules.check_scheduled, state),
        "open": rules.why_not(rules.check_open, state),
        "signed": rules.why_not(rules.check_not_signed, state),
    }
    return ManageScreen(
        case=view.case,
        banner=view.banner,
        status=view.case.status,
        status_word=view.status_word,
        role=view.role,
        may_record=view.actor.may(rules.Act.RECORD),
        levels=[_level(view, level.vertebra) for level in state.in_order()],
        open_levels=[
            (v, not state.levels[v].sides, closing.has_cement(progress, v))
            for v in closing.open_levels(progress)
        ],
        addable=[v for v in VERTEBRAE if not rules.why_not(level_rules.check_add_level, progress, v)],
        level_needs_reason=level_rules.level_needs_reason(progress),
        team=[
            TeamRow(
                user=m.user,
                name=view.names[m.user].name,
                role=m.role,
                role_word=str(ROLE_LABELS[Role(m.role)]),
                since=m.since,
                until=m.until,
            )
            for m in state.team
        ],
        candidates=view.members,
        roles=[(r.value, str(label)) for r, label in ROLE_LABELS.items() if r is not Role.ADMINISTRATOR],
        sexes=[(k, str(v)) for k, v in Patient.SEXES.items()],
        patient=view.case.patient,
        missing=view.missing(),
        open_steps=[(p.text, rules.title(p)) for p in progress.to_do],
        why_not=checks,
        failed=failed,
        failed_id=failed_id,
        errors=dict(errors or {}),
        typed=typed or {},
        notice=notice,
    )


def _level(view: View, vertebra: str) -> ManagedLevel:
    level = view.state.levels[vertebra]
    close = level_rules.check_close_level
    return ManagedLevel(
        vertebra=vertebra,
        state=view.progress.level_status(level).value,
        reason=level.reason,
        sides=[rules.side_name(side) for side in level.sides],
        may_abandon=not rules.why_not(close, view.progress, vertebra, defer=False),
        may_defer=not rules.why_not(close, view.progress, vertebra, defer=True),
        may_reopen=level.status in (LevelStatus.ABANDONED, LevelStatus.DEFERRED)
        and not rules.why_not(level_rules.check_reopen_level, view.progress, vertebra),
    )
