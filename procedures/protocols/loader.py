"""From a protocol file to a published version in the database."""

import hashlib
import json
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from procedures import definitions
from procedures.models.people import User
from procedures.models.protocol import (
    FieldDefinition,
    Protocol,
    ProtocolVersion,
    Requirement,
    Status,
    StepDefinition,
    TimerDefinition,
)

from . import dosing
from .errors import ProtocolError
from .reading import BUILT_IN, Document, read, read_document

__all__ = ["BUILT_IN", "ProtocolError", "digest", "load", "read"]


def digest(protocol: definitions.Protocol) -> str:
    """The SHA-256 of the content, in hexadecimal. Its number does not count, nor how its numbers are written."""
    content = {key: value for key, value in asdict(protocol).items() if key != "number"}
    if protocol.dosing is None:  # as versions were counted before there was any
        del content["dosing"]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> str:
    match value:
        case Decimal():
            return f"{value.normalize():f}"
        case timedelta():
            return f"{value // timedelta(minutes=1)} min"
    raise TypeError(f"no plain form of {type(value).__name__}")


@transaction.atomic
def load(
    source: Path | str | bytes, published_by: User | None = None, published_at: datetime | None = None
) -> ProtocolVersion:
    """Publish the protocol of a file as the next version, now or as of a time, and return it.

    Raises ProtocolError, and then nothing is written. Loading the same content again returns the version that has
    it. Versions published before stay usable: which one new cases take is decided where a case is opened.
    """
    document = read_document(source)
    content = digest(document.protocol)
    code, title = document.protocol.code, document.protocol.title
    Protocol.objects.get_or_create(code=code, defaults={"title": title})
    protocol = Protocol.objects.select_for_update().get(code=code)  # two loaders take turns
    same = protocol.versions.filter(digest=content, status=Status.PUBLISHED).order_by("-number").first()
    if same:
        return same
    last = protocol.versions.order_by("-number").first()
    version = _write(protocol, document, last.number + 1 if last else 1)
    version.status = Status.PUBLISHED
    version.digest = content
    version.published_at = published_at or timezone.now()
    version.published_by = published_by
    version.save()
    return version


def _write(protocol: Protocol, document: Document, number: int) -> ProtocolVersion:
    """The rows of a new draft: one insert for each kind of row."""
    read_in = document.protocol
    version = ProtocolVersion.objects.create(
        protocol=protocol,
        number=number,
        title=read_in.title,
        late_after_minutes=read_in.late_after // timedelta(minutes=1),
        notes=document.notes,
        emergency=[
            {"label": quick.label, "step": quick.step, "values": dict(quick.values)}
            for quick in read_in.emergency
        ],
        dosing=dosing.to_row(read_in.dosing),
    )
    steps = StepDefinition.objects.bulk_create(
        _step_row(version, position, step) for position, step in enumerate(read_in.steps, start=1)
    )
    pairs = list(zip(steps, read_in.steps, strict=True))
    FieldDefinition.objects.bulk_create(
        _field_row(row, position, field)
        for row, step in pairs
        for position, field in enumerate(step.fields, start=1)
    )
    Requirement.objects.bulk_create(
        Requirement(
            step=row,
            position=position,
            needs=requirement.needs,
            hard=requirement.hard,
            scope=requirement.scope.value,
            expects=dict(requirement.expects),
            only_if_anaesthesia=list(requirement.only_if_anaesthesia),
        )
        for row, step in pairs
        for position, requirement in enumerate(step.requirements, start=1)
    )
    TimerDefinition.objects.bulk_create(
        _timer_row(version, position, timer) for position, timer in enumerate(read_in.timers, start=1)
    )
    return version


def _step_row(version: ProtocolVersion, position: int, step: definitions.Step) -> StepDefinition:
    return StepDefinition(
        version=version,
        position=position,
        code=step.code,
        seed=step.seed,
        title=step.title,
        button=step.button,
        instruction=step.instruction,
        phase=step.phase.value,
        roles=[role.value for role in step.roles],
        required=step.required.value,
        repeats=step.repeats.value,
        many=step.many,
        pairs_with=step.pairs_with,
        critical=step.critical,
        second_person=step.second_person.value,
        milestone=step.milestone.value if step.milestone else "",
        column=step.column,
    )


def _field_row(step: StepDefinition, position: int, field: definitions.Field) -> FieldDefinition:
    return FieldDefinition(
        step=step,
        position=position,
        key=field.key,
        label=field.label,
        type=field.type.value,
        needed=field.needed.value,
        unit=field.unit,
        units={unit: str(factor) for unit, factor in field.units.items()},
        decimals=field.decimals,
        step_size=field.step,
        typical=field.typical,
        refuse_below=field.refuse_below,
        refuse_above=field.refuse_above,
        warn_below=field.warn_below,
        warn_above=field.warn_above,
        options=[list(option) for option in field.options],
        product_kind=field.product_kind,
        entry_of=field.entry_of,
        measures=field.measures.value if field.measures else "",
        total_above=field.total_above,
        total_scope=field.total_scope.value if field.total_scope else "",
        unseen=field.unseen,
        help=field.help,
    )


def _timer_row(version: ProtocolVersion, position: int, timer: definitions.Timer) -> TimerDefinition:
    return TimerDefinition(
        version=version,
        position=position,
        key=timer.key,
        label=timer.label,
        kind=timer.kind.value,
        starts_on=timer.starts_on,
        ends_on=timer.ends_on,
        met_by=timer.met_by,
        scope=timer.scope.value,
        minutes=list(timer.minutes),
        warn_minutes=timer.warn_minutes,
        product_bands=timer.product_bands,
    )
