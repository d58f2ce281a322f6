"""The writing of a case: lock, answer a repeated command, append events, keep the projections, wake the others.

A command is a function whose first parameter is the open `Ledger`; the decorator `command` gives callers a function
that takes a `Command` instead and returns a `Receipt`. Everything happens in one transaction.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, cast
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from procedures import canonical, clock, live, projection, rules
from procedures.definitions import Protocol, Role
from procedures.fold import apply
from procedures.models import Case, Event, User
from procedures.progress import Progress
from procedures.protocols import frozen
from procedures.state import CaseState, EventKind, Source, Values
from procedures.state import Event as Happening


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Who records, in which case, under which id; and who did it, where that is somebody else.

    `via`: whose session it came through, where the recorder gave a PIN in somebody else's; `tablet`: the enrolled
    tablet. What waited in a queue has `device_at` and `offset_ms` (see `state.Event`).
    """

    case_id: UUID
    by: User
    command_id: UUID
    performed_by: int | None = None
    source: Source = Source.LIVE
    via: int | None = None
    tablet: int | None = None
    device_at: datetime | None = None
    offset_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a command did: the events `first` to `last` of the case. `repeated`: it had been done before."""

    case_id: UUID
    first: int
    last: int
    repeated: bool = False
    ledger: "Ledger | None" = None


class Ledger:
    """One locked case during one command. `before`: its state, where that is known already; else it is read."""

    def __init__(
        self,
        case: Case,
        context: projection.Context,
        command: Command,
        actor: rules.Actor,
        performer: rules.Actor,
        before: CaseState | None = None,
    ) -> None:
        self.case = case
        self.context = context
        self.command = command
        self.actor = actor
        self.performer = performer
        self.now = clock.now()
        self.protocol: Protocol = frozen.protocol(case.protocol_id)
        if before is None:
            before = projection.load(case, context) if case.last_seq else CaseState()
        self.before = before
        self.state = self.before
        self.written: list[Happening] = []

    @property
    def progress(self) -> Progress:
        """Questions to the state as it is now."""
        if self._progress is None or self._progress.state is not self.state:
            self._progress = Progress(self.protocol, self.state)
        return self._progress

    _progress: Progress | None = None

    def write(
        self,
        kind: EventKind,
        *,
        step_key: str = "",
        about: int | None = None,
        values: Values | None = None,
        flags: Iterable[str] = (),
        reason: str = "",
        performed_at: datetime | None = None,
        performed_by: int | None = None,
    ) -> Happening:
        """Append one event and fold it into the state. Without a time it is done now, without a person by the actor."""
        event = Happening(
            seq=self.state.last_seq + 1,
            kind=kind,
            step_key=step_key,
            about=about,
            values=values or {},
            flags=tuple(sorted(flags)),
            reason=reason,
            performed_by=performed_by or self.actor.id,
            recorded_by=self.actor.id,
            performed_at=performed_at or self.now,
            recorded_at=self.now,
            source=self.command.source,
            command_id=self.command.command_id,
            part=len(self.written),
            via=self.command.via,
            tablet=self.command.tablet,
            device_at=self.command.device_at,
            offset_ms=self.command.offset_ms,
        )
        self.state = apply(self.protocol, self.state, event)
        self.written.append(event)
        return event

    def save(self, input_digest: bytes) -> Receipt:
        """Store what was written: events with their chain, changed projections, summary; then announce."""
        rows, head = self.chained(input_digest)
        Event.objects.bulk_create(rows)
        projection.save(self.case, self.context, self.before, self.progress, head)
        live.announce(self.case.unit_id, self.case.pk, self.state.last_seq)
        return Receipt(self.case.pk, self.before.last_seq + 1, self.state.last_seq, ledger=self)

    def chained(self, input_digest: bytes) -> tuple[list[Event], bytes]:
        """The rows of what was written, each standing on the one before, and the hash of the last."""
        head = bytes(self.case.head_hash)
        rows = []
        for event in self.written:
            text = canonical.encode(self.case.pk, event)
            previous, head = head, canonical.chain(head, text)
            rows.append(_event_row(self.case, event, text, previous, head, input_digest))
        return rows, head


def command[**P](
    function: Callable[Concatenate[Ledger, P], None],
) -> Callable[Concatenate[Command, P], Receipt]:
    """Make a command of a function that writes into an open ledger.

    The same id with the same input answers as the first time and writes nothing; with other input it raises
    Invalid. A case that the user may not see raises Case.DoesNotExist. What the function raises undoes everything.
    """
    name = function.__name__

    @wraps(function)
    def run(command: Command, *args: P.args, **kwargs: P.kwargs) -> Receipt:
        asked = asked_of(name, command, args, kwargs)
        with transaction.atomic():
            case = lock(command)
            context = projection.context(case.pk, command.command_id)
            if context.seen:
                return answered(command, asked)
            ledger = Ledger(case, context, command, *people(case, context, command))
            function(ledger, *args, **kwargs)
            return ledger.save(asked)

    return cast("Callable[Concatenate[Command, P], Receipt]", run)


def asked_of(name: str, command: Command, args: Iterable[Any], inputs: Mapping[str, Any]) -> bytes:
    """The fingerprint of what a command of that name was asked, by whom."""
    people = {"by": command.by.pk, "performed_by": command.performed_by}
    return canonical.digest(name, {"args": tuple(args), **inputs, **people})


def lock(command: Command) -> Case:
    """The case as it is, held until the transaction ends, with the roles of the two people in its unit."""
    wanted = {"actor_role": command.by.pk}
    if command.performed_by not in (None, command.by.pk):
        wanted["performer_role"] = command.performed_by
    return (
        Case.objects.visible_to(command.by)
        .select_for_update(of=("self",))
        .with_roles(**wanted)
        .get(pk=command.case_id)
    )


def people(case: Case, context: projection.Context, command: Command) -> tuple[rules.Actor, rules.Actor]:
    """The recording person and the performing one, each with the role in the unit or else in the case's team."""
    actor = _actor(command.by.pk, case.actor_role, context)  # type: ignore[attr-defined]
    if command.performed_by in (None, command.by.pk):
        return actor, actor
    return actor, _actor(command.performed_by or 0, case.performer_role, context)  # type: ignore[attr-defined]


def _actor(user_id: int, role: str | None, context: projection.Context) -> rules.Actor:
    in_team = (m["role"] for m in context.team if m["user_id"] == user_id and m["until"] is None)
    found = role or next(in_team, None)
    return rules.Actor(user_id, Role(found) if found else None)


def answered(command: Command, asked: bytes) -> Receipt:
    """The receipt of a command that was carried out before. Invalid where the id was used for something else.

    A tablet that did not hear the answer to a live tick queues it under the same id, now with the time of its own
    clock: for what it sends, the id of its own person alone decides.
    """
    rows = Event.objects.filter(case=command.case_id, command_id=command.command_id).order_by("seq")
    seen = list(rows.values_list("seq", "input_digest", "recorded_by"))
    own = rules.was_queued(command.source) and seen[0][2] == command.by.pk
    if bytes(seen[0][1]) != asked and not own:
        raise rules.Invalid(
            {"command_id": _("This form was already sent with other values. Open the page again.")}
        )
    return Receipt(command.case_id, seen[0][0], seen[-1][0], repeated=True)


def _event_row(
    case: Case, event: Happening, text: str, previous: bytes, head: bytes, input_digest: bytes
) -> Event:
    return Event(
        case=case,
        seq=event.seq,
        kind=event.kind,
        step_key=event.step_key,
        about=event.about,
        performed_by_id=event.performed_by,
        recorded_by_id=event.recorded_by,
        performed_at=event.performed_at,
        recorded_at=event.recorded_at,
        source=event.source,
        command_id=event.command_id,
        part=event.part,
        via_id=event.via,
        tablet_id=event.tablet,
        input_digest=input_digest,
        canonical=text,
        prev_hash=previous,
        hash=head,
    )
