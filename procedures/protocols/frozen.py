"""Protocol versions as definitions: five queries the first time, then none for a version that is frozen."""

from datetime import timedelta
from decimal import Decimal

from procedures.definitions import (
    Field,
    FieldType,
    Measure,
    Milestone,
    Needed,
    Phase,
    Protocol,
    Quick,
    Repeats,
    Required,
    Requirement,
    Role,
    Scope,
    SecondPerson,
    Step,
    Timer,
    TimerKind,
)
from procedures.models import protocol as rows

from . import dosing

_cache: dict[int, Protocol] = {}


def protocol(version_id: int) -> Protocol:
    """The definitions of a version. Raises ProtocolVersion.DoesNotExist.

    Kept for the life of the process once published: the database lets nobody change it. A draft is read each time.
    """
    found = _cache.get(version_id)
    if found is None:
        version = rows.ProtocolVersion.objects.select_related("protocol").get(pk=version_id)
        found = build(version)
        if version.status != rows.Status.DRAFT:
            _cache[version_id] = found
    return found


def build(version: rows.ProtocolVersion) -> Protocol:
    """The definitions that the rows of a version say now, always read afresh."""
    fields: dict[int, list[Field]] = {}
    for row in rows.FieldDefinition.objects.filter(step__version=version).order_by("position"):
        fields.setdefault(row.step_id, []).append(_field(row))
    requirements: dict[int, list[Requirement]] = {}
    for need in rows.Requirement.objects.filter(step__version=version).order_by("position"):
        requirements.setdefault(need.step_id, []).append(_requirement(need))
    return Protocol(
        code=version.protocol.code,
        number=version.number,
        title=version.title,
        steps=tuple(
            _step(step, tuple(fields.get(step.pk, ())), tuple(requirements.get(step.pk, ())))
            for step in version.steps.order_by("position")
        ),
        timers=tuple(_timer(timer) for timer in version.timers.order_by("position")),
        emergency=tuple(
            Quick(label=row["label"], step=row["step"], values=row["values"]) for row in version.emergency
        ),
        dosing=dosing.from_row(version.dosing),
        late_after=timedelta(minutes=version.late_after_minutes),
    )


def _step(row: rows.StepDefinition, fields: tuple[Field, ...], requirements: tuple[Requirement, ...]) -> Step:
    return Step(
        code=row.code,
        title=row.title,
        button=row.button,
        phase=Phase(row.phase),
        seed=row.seed,
        instruction=row.instruction,
        roles=tuple(Role(role) for role in row.roles),
        required=Required(row.required),
        repeats=Repeats(row.repeats),
        many=row.many,
        pairs_with=row.pairs_with,
        critical=row.critical,
        second_person=SecondPerson(row.second_person),
        milestone=Milestone(row.milestone) if row.milestone else None,
        column=row.column,
        fields=fields,
        requirements=requirements,
    )


def _field(row: rows.FieldDefinition) -> Field:
    return Field(
        key=row.key,
        label=row.label,
        type=FieldType(row.type),
        needed=Needed(row.needed),
        unit=row.unit,
        units={unit: Decimal(factor) for unit, factor in row.units.items()},
        decimals=row.decimals,
        step=row.step_size,
        typical=row.typical,
        refuse_below=row.refuse_below,
        refuse_above=row.refuse_above,
        warn_below=row.warn_below,
        warn_above=row.warn_above,
        options=tuple((code, label) for code, label in row.options),
        product_kind=row.product_kind,
        entry_of=row.entry_of,
        measures=Measure(row.measures) if row.measures else None,
        total_above=row.total_above,
        total_scope=Scope(row.total_scope) if row.total_scope else None,
        unseen=row.unseen,
        help=row.help,
    )


def _requirement(row: rows.Requirement) -> Requirement:
    return Requirement(
        needs=row.needs,
        hard=row.hard,
        scope=Scope(row.scope),
        expects=row.expects,
        only_if_anaesthesia=tuple(row.only_if_anaesthesia),
    )


def _timer(row: rows.TimerDefinition) -> Timer:
    return Timer(
        key=row.key,
        label=row.label,
        kind=TimerKind(row.kind),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        met_by=row.met_by,
        scope=Scope(row.scope),
        minutes=tuple(row.minutes),
        warn_minutes=row.warn_minutes,
        product_bands=row.product_bands,
    )
