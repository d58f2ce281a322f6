"""What a table reads of a page of cases: five statements for a page, whatever its cases hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from procedures import directory
from procedures.definitions import VERTEBRAE, FieldType, Measure, Phase, Protocol
from procedures.definitions import Step as Definition
from procedures.models import Case, CaseTeam, Level, Step
from procedures.models.case import CaseQuerySet
from procedures.protocols import frozen
from procedures.state import LevelStatus, StepStatus

type Entry = dict[str, Any]


@dataclass(frozen=True)
class Facts:
    """One case as a table reads it. `entries`: what counts of each row that was read, by its key."""

    case: Case
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    team: list[tuple[int, str]] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)

    @cached_property
    def protocol(self) -> Protocol:
        """The protocol that the case was done by."""
        return frozen.protocol(self.case.protocol_id)

    def of(self, code: str) -> Iterator[tuple[str, Entry]]:
        """The entries of a step, wherever it stands, with the key of the row."""
        for key, entries in self.entries.items():
            if key == code or key.startswith(f"{code}-"):
                yield from ((key, entry) for entry in entries)


def with_parts(found: CaseQuerySet) -> CaseQuerySet:
    """The cases with what stands beside each in its row."""
    return found.select_related("patient", "unit").defer("words", "timers", "spine")


def load(cases: Sequence[Case]) -> list[Facts]:
    """What is known of these cases."""
    facts = {case.pk: Facts(case) for case in cases}
    wanted = {d.code for one in facts.values() for d in one.protocol.steps if is_read(d)}
    rows = Step.objects.filter(case__in=list(facts), code__in=wanted).order_by("pk")
    for case_id, key, entries in rows.values_list("case_id", "key", "entries"):
        if live := [e for e in entries if e["mark"] == StepStatus.DONE and "void" not in e]:
            facts[case_id].entries[key] = live
    for case_id, user, role in (
        CaseTeam.objects.filter(case__in=list(facts))
        .order_by("since", "pk")
        .values_list("case", "user", "role")
    ):
        facts[case_id].team.append((user, role))
    for level in Level.objects.filter(case__in=list(facts)).exclude(state=LevelStatus.WITHDRAWN):
        facts[level.case_id].levels.append(level)
    for one in facts.values():
        one.levels.sort(key=lambda level: VERTEBRAE.index(level.vertebra))
    return list(facts.values())


def is_read(definition: Definition) -> bool:
    """Whether a table reads this step: it stands at a vertebra, or something was used in it."""
    return definition.phase is Phase.LEVEL or any(
        f.type is FieldType.PRODUCT or f.measures is Measure.LOT for f in definition.fields
    )


def people_in(facts: Sequence[Facts]) -> dict[int, str]:
    """The names of everybody whom a table may name, one statement for those not known yet."""
    ids: set[int] = set()
    for one in facts:
        case = one.case
        ids |= {user for user, _role in one.team}
        ids |= {i for i in (case.operator_id, case.signed_by_id, case.cosigned_by_id) if i}
        ids |= {entry["by"] for entries in one.entries.values() for entry in entries}
    return {i: person.name for i, person in directory.people(ids).items()}
