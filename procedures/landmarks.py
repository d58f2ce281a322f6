"""Which steps of a protocol say what to a reader of the record: found by what they hold, never by their code. Pure.

Milestones and measures (`definitions.py`) say what a step or a field means to the case. What only a report asks for is
found here: by the kind of product that a field holds, by the partner of a step, and by the keys of fields, which are
the words of the protocol: `drug` and `dose`, `concentration` and `volume`, `fluoro_time`, `blood_loss`, `power_left`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .definitions import Field, FieldType, Milestone, Phase, Protocol, Step
from .progress import Place, Progress
from .state import Entry

type Found = tuple[Place, Entry]

SILENT = ("none",)  # the answer that says that there was none


@dataclass(frozen=True)
class Landmarks:
    """The steps of one protocol that a report asks for."""

    protocol: Protocol

    def holding(self, *keys: str) -> list[Step]:
        """The steps with all these fields."""
        return [s for s in self.protocol.steps if all(s.field(key) for key in keys)]

    def _of_product(self, kind: str) -> Step | None:
        return next((s for s in self.protocol.steps if any(f.product_kind == kind for f in s.fields)), None)

    def _milestone(self, milestone: Milestone) -> Step | None:
        return self.protocol.by_milestone.get(milestone)

    @cached_property
    def balloon(self) -> Step | None:
        """A balloon goes in."""
        return self._of_product("balloon")

    @cached_property
    def balloon_out(self) -> Step | None:
        """A balloon comes out."""
        code = self.balloon.code if self.balloon else ""
        return next((s for s in self.protocol.steps if code and s.pairs_with == code), None)

    @cached_property
    def batch(self) -> Step | None:
        """Cement is mixed."""
        return self._of_product("cement")

    @cached_property
    def needle(self) -> Step | None:
        """A needle goes in."""
        return self._milestone(Milestone.NEEDLE_IN)

    @cached_property
    def needle_out(self) -> Step | None:
        """A needle comes out."""
        return self._milestone(Milestone.NEEDLE_OUT)

    @cached_property
    def cement(self) -> Step | None:
        """Cement goes in."""
        return self._milestone(Milestone.CEMENT)

    @cached_property
    def hardened(self) -> Step | None:
        """Cement is hard."""
        return self._milestone(Milestone.HARDENED)

    @cached_property
    def specimen(self) -> Step | None:
        """Tissue is taken."""
        return next(iter(self.holding("specimen")), None)

    @cached_property
    def images(self) -> Step | None:
        """The final images, with the dose of the X-rays."""
        return next(iter(self.holding("fluoro_time")), None)

    @cached_property
    def local(self) -> Step | None:
        """Local anaesthetic, as a concentration and a volume."""
        return next(iter(self.holding("concentration", "volume")), None)

    @cached_property
    def doses(self) -> list[Step]:
        """The steps that give a drug by its dose."""
        return self.holding("drug", "dose")

    @cached_property
    def antibiotic(self) -> Step | None:
        """The dose that has its place in the order of work: the prophylaxis."""
        return next((s for s in self.doses if s.phase is not Phase.ANY), None)

    @cached_property
    def closure(self) -> Step | None:
        """The skin is closed and the blood loss said."""
        return next((s for s in self.holding("blood_loss") if _is_quantity(s.field("blood_loss"))), None)

    @cached_property
    def checklists(self) -> list[Step]:
        """The spoken lists: those that ask who was there."""
        return [s for s in self.protocol.steps if any(f.type is FieldType.PEOPLE for f in s.fields)]

    @cached_property
    def change(self) -> Step | None:
        """The anaesthesia was changed on the way."""
        return next((s for s in self.protocol.phase(Phase.ANY) if s.field("mode")), None)


def _is_quantity(f: Field | None) -> bool:
    return f is not None and f.type is FieldType.QUANTITY


def entries(progress: Progress, step: Step | None) -> list[Found]:
    """The live entries of a step, everywhere it stands, in the order of time."""
    if step is None:
        return []
    found = [(p, e) for p in progress.by_code.get(step.code, ()) for e in p.step.live]
    return sorted(found, key=lambda pair: (pair[1].performed_at.timestamp(), pair[1].seq))


def at(progress: Progress, step: Step | None, level: str, side: str = "") -> list[Entry]:
    """The live entries of a step at one vertebra, or at one side of it."""
    return [e for p, e in entries(progress, step) if p.key.level == level and side in ("", p.key.side)]


def measured(progress: Progress, measure: str) -> Iterator[tuple[Place, Entry, Any]]:
    """Every live value that feeds a measure, with its entry."""
    for place in progress.places.values():
        for f in place.definition.fields:
            if f.measures == measure:
                yield from ((place, e, e.values[f.key]) for e in place.step.live if f.key in e.values)
