"""Between the folded state and its rows. One shape each way, so that a replay can compare."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from . import timers
from .account import Account, account
from .definitions import Key, Protocol
from .models import Case, CaseTeam, Level, Step
from .progress import Progress
from .protocols import frozen
from .state import (
    NOTHING,
    CaseState,
    CaseStatus,
    Entry,
    Handover,
    LevelState,
    LevelStatus,
    Signature,
    StepState,
    StepStatus,
    TeamMember,
)
from .values import stamp

ENDED = {CaseStatus.COMPLETED, CaseStatus.CANCELLED, CaseStatus.STOPPED, CaseStatus.VOIDED}
NO_COMMAND = UUID(int=0)


# To rows ----------------------------------------------------------------------------------------------------


def entry_row(entry: Entry) -> dict[str, Any]:
    """An entry as JSON; what is empty is left out."""
    row: dict[str, Any] = {
        "seq": entry.seq,
        "mark": entry.mark.value,
        "by": entry.performed_by,
        "rec": entry.recorded_by,
        "at": stamp(entry.performed_at),
        "rat": stamp(entry.recorded_at),
        "source": str(entry.source),
    }
    extra = {
        "values": dict(entry.values),
        "flags": list(entry.flags),
        "reason": entry.reason,
        "amended": list(entry.amended),
        "ver": entry.verified_by,
        "verat": stamp(entry.verified_at) if entry.verified_at else None,
        "void": entry.voided,
        "why": entry.void_reason,
        "via": entry.via,
        "sec": dict(entry.second),
        "recon": entry.reconciled,
        "moved": entry.moved,
        "added": entry.added,
    }
    return row | {name: value for name, value in extra.items() if value}


def step_row(step: StepState) -> dict[str, Any]:
    """The columns of a Step."""
    status = step.status
    return {
        "key": str(step.key),
        "code": step.key.code,
        "level": step.key.level or None,
        "side": step.key.side or None,
        "state": status.value,
        "entries": [entry_row(entry) for entry in step.entries],
        "done_at": step.live[-1].performed_at if status is StepStatus.DONE else None,
        "last_seq": step.last_seq,
    }


def level_row(level: LevelState, progress: Progress) -> dict[str, Any]:
    """The columns of a Level."""
    return {
        "vertebra": level.vertebra,
        "planned": level.planned,
        "state": progress.level_status(level).value,
        "reason": level.reason,
        "sides": list(level.sides),
        "closed": level.closed,
    }


def team_row(member: TeamMember) -> dict[str, Any]:
    """The columns of a CaseTeam."""
    return {"user_id": member.user, "role": member.role, "since": member.since, "until": member.until}


def timer_row(run: timers.Run) -> dict[str, Any]:
    """A clock that runs, as JSON: moments only, never what is left of them; what is usual is left out."""
    row: dict[str, Any] = {"key": run.key, "since": stamp(run.since)}
    if run.number > 1:
        row["number"] = run.number
    if run.opens and run.closes:
        row |= {"opens": stamp(run.opens), "closes": stamp(run.closes)}
    if run.met:
        row["met"] = list(run.met)
    return row


def case_row(progress: Progress) -> dict[str, Any]:
    """The columns of a Case that are folded."""
    state, summary = progress.state, progress.summary()
    plan = state.plan
    return {
        **asdict(summary),
        **account_row(account(progress)),
        "timers": [timer_row(run) for run in timers.running(progress)],
        "status": summary.status.value,
        "room": plan["room"],
        "scheduled_at": datetime.fromisoformat(plan["scheduled_at"]),
        "indication": plan["indication"],
        "anaesthesia": plan["anaesthesia"],
        "operator_id": state.operator,
        "opened_at": state.opened_at,
        "started_at": state.started_at,
        "ended_at": state.ended_at,
        "end_reason": state.end_reason,
        "paused_at": state.paused_at,
        "emergency_at": state.emergency_at,
        "handover": handover_row(state.handover),
        **signature_row("signed", state.signed),
        **signature_row("cosigned", state.cosigned),
        "cosign_by_id": state.cosign_by,
        "addenda": state.addenda,
        "last_seq": state.last_seq,
    }


def handover_row(offer: Handover | None) -> dict[str, Any] | None:
    """The column of an open handover."""
    if offer is None:
        return None
    return {"seq": offer.seq, "by": offer.by, "to": offer.to, "at": stamp(offer.at)}


def account_row(found: Account) -> dict[str, Any]:
    """The columns that the case log and the statistics read."""
    return {name: getattr(found, name) for name in Account.__slots__}


def signature_row(name: str, signature: Signature | None) -> dict[str, Any]:
    """The three columns of a signature."""
    at, by, seq = (signature.at, signature.by, signature.seq) if signature else (None, None, None)
    return {f"{name}_at": at, f"{name}_by_id": by, f"{name}_seq": seq}


def save(case: Case, context: "Context", before: CaseState, progress: Progress, head: bytes) -> None:
    """Write the rows that changed: at most one statement a table."""
    after = progress.state
    steps = [
        Step(case=case, **step_row(s)) for key, s in after.steps.items() if before.steps.get(key) is not s
    ]
    _upsert(Step, steps, ["key"], ["state", "entries", "done_at", "last_seq"])
    rows = (level_row(level, progress) for level in after.levels.values())
    levels = [Level(case=case, **row) for row in rows if context.levels.get(row["vertebra"]) != row]
    _upsert(Level, levels, ["vertebra"], ["planned", "state", "reason", "sides", "closed"])
    if before.team != after.team:
        known, unit = set(before.team), case.unit_id
        team = [CaseTeam(case=case, unit_id=unit, **team_row(m)) for m in after.team if m not in known]
        _upsert(CaseTeam, team, ["user", "role", "since"], ["until"])
    row = case_row(progress)
    changed = {name: value for name, value in row.items() if getattr(case, name) != value}
    Case.objects.filter(pk=case.pk).update(**changed, head_hash=head)


def refold(case_id: UUID) -> bool:
    """Write the summary of one case anew from its rows. Returns whether anything was different."""
    with transaction.atomic():
        case = Case.objects.select_for_update(of=("self",)).get(pk=case_id)
        row = case_row(Progress(frozen.protocol(case.protocol_id), load(case)))
        changed = {name: value for name, value in row.items() if getattr(case, name) != value}
        if changed:
            Case.objects.filter(pk=case.pk).update(**changed)
    return bool(changed)


def _upsert(model: Any, rows: list[Any], unique: list[str], update: list[str]) -> None:
    if rows:
        model.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["case", *unique], update_fields=update
        )


# From rows --------------------------------------------------------------------------------------------------


def read_entry(row: Mapping[str, Any]) -> Entry:
    """The entry that `entry_row` wrote."""
    verified_at = row.get("verat")
    return Entry(
        seq=row["seq"],
        mark=StepStatus(row["mark"]),
        performed_by=row["by"],
        recorded_by=row["rec"],
        performed_at=datetime.fromisoformat(row["at"]),
        recorded_at=datetime.fromisoformat(row["rat"]),
        values=row.get("values", {}),
        flags=tuple(row.get("flags", ())),
        reason=row.get("reason", ""),
        source=row["source"],
        amended=tuple(row.get("amended", ())),
        verified_by=row.get("ver"),
        verified_at=datetime.fromisoformat(verified_at) if verified_at else None,
        voided=row.get("void"),
        void_reason=row.get("why", ""),
        via=row.get("via"),
        second=row.get("sec", NOTHING),
        reconciled=row.get("recon"),
        moved=row.get("moved", False),
        added=row.get("added", False),
    )


def read_timers(protocol: Protocol, rows: list[dict[str, Any]]) -> list[timers.Run]:
    """The clocks that `timer_row` wrote."""
    found = []
    for row in rows:
        timer, level, side = timers.named(protocol, row["key"])
        opens, closes = row.get("opens"), row.get("closes")
        found.append(
            timers.Run(
                timer=timer,
                level=level,
                side=side,
                since=datetime.fromisoformat(row["since"]),
                number=row.get("number", 1),
                opens=datetime.fromisoformat(opens) if opens else None,
                closes=datetime.fromisoformat(closes) if closes else None,
                met=tuple(row.get("met", ())),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Context:
    """What a command reads beside the locked case and its steps: levels, team, and its own events if it came before."""

    levels: dict[str, dict[str, Any]]
    team: list[dict[str, Any]]
    seen: list[int]


_CONTEXT = """
SELECT coalesce((SELECT jsonb_agg(to_jsonb(l) - 'id' - 'case_id') FROM procedures_level l
                 WHERE case_id = %(case)s), '[]'),
       coalesce((SELECT jsonb_agg(to_jsonb(t) - 'id' - 'case_id' ORDER BY id) FROM procedures_caseteam t
                 WHERE case_id = %(case)s), '[]'),
       ARRAY(SELECT seq FROM procedures_event WHERE case_id = %(case)s AND command_id = %(command)s ORDER BY seq)
"""


def context(case_id: UUID, command_id: UUID = NO_COMMAND) -> Context:
    """One statement for three small tables; by hand, since every tick sends it and the ORM takes longer to build it."""
    with connection.cursor() as cursor:
        cursor.execute(_CONTEXT, {"case": case_id, "command": command_id})
        levels, team, seen = cursor.fetchone() or ("[]", "[]", [])
    return Context({level["vertebra"]: level for level in json.loads(levels)}, json.loads(team), seen)


def load(case: Case, found: Context | None = None) -> CaseState:
    """The state of a case from its rows: two statements, whatever its size (one where the context is given)."""
    found = found or context(case.pk)
    steps = case.step_rows.values_list("key", "code", "level", "side", "entries", "last_seq")
    return CaseState(
        last_seq=case.last_seq,
        opened_at=case.opened_at,
        plan={
            "room": case.room,
            "scheduled_at": stamp(case.scheduled_at),
            "indication": case.indication,
            "anaesthesia": case.anaesthesia,
        },
        started_at=case.started_at,
        ended=CaseStatus(case.status) if case.status in ENDED else None,
        ended_at=case.ended_at,
        end_reason=case.end_reason,
        paused_at=case.paused_at,
        emergency_at=case.emergency_at,
        handover=_handover(case.handover),
        signed=_signature(case.signed_seq, case.signed_by_id, case.signed_at),
        cosign_by=case.cosign_by_id,
        cosigned=_signature(case.cosigned_seq, case.cosigned_by_id, case.cosigned_at),
        addenda=case.addenda,
        team=tuple(_member(row) for row in found.team),
        levels={vertebra: _level(row) for vertebra, row in found.levels.items()},
        steps={
            key: StepState(Key(code, level or "", side or ""), tuple(read_entry(e) for e in entries), last)
            for key, code, level, side, entries, last in steps
        },
    )


def _handover(row: Mapping[str, Any] | None) -> Handover | None:
    return Handover(row["seq"], row["by"], row["to"], datetime.fromisoformat(row["at"])) if row else None


def _signature(seq: int | None, by: int | None, at: datetime | None) -> Signature | None:
    return Signature(seq, by, at) if seq and by and at else None


def _member(row: Mapping[str, Any]) -> TeamMember:
    until = row["until"]
    return TeamMember(
        row["user_id"],
        row["role"],
        datetime.fromisoformat(row["since"]),
        datetime.fromisoformat(until) if until else None,
    )


def _level(row: Mapping[str, Any]) -> LevelState:
    """A completed level is open to the fold: completion follows from its steps."""
    status = LevelStatus.OPEN if row["state"] == LevelStatus.COMPLETED else LevelStatus(row["state"])
    return LevelState(
        row["vertebra"], row["planned"], status, row["reason"], tuple(row["sides"]), row["closed"]
    )
