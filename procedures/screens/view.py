"""What every screen of one case stands on: the case, its state, the person who looks, and names."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from procedures import clock, directory, projection, rules, second_person, values
from procedures.definitions import Field, FieldType, Key, Role
from procedures.directory import Person
from procedures.models import Allergy, Case, User
from procedures.progress import Progress
from procedures.protocols import frozen
from procedures.state import CaseState

from .parts import Banner, role_words, status_word

if TYPE_CHECKING:
    from procedures.commands.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One thing that the record still lacks, with where to give it."""

    key: str
    seq: int | None
    sentence: str


def for_screen(user: User, pk: Any) -> Case:
    """The case with all that its screens read, if the user may see it. Raises Case.DoesNotExist."""
    allergies = Allergy.objects.filter(patient=OuterRef("patient"), withdrawn_at=None).order_by("added_at")
    return (
        Case.objects.visible_to(user)
        .select_related("patient", "operator", "unit", "protocol")
        .with_roles(actor_role=user.pk)
        .annotate(
            allergy_list=ArraySubquery(allergies.values_list(JSONObject(id="id", substance="substance"))),
        )
        .get(pk=pk)
    )


class View:
    """One case at one moment, as one person sees it."""

    def __init__(self, case: Case, state: CaseState, progress: Progress, actor: rules.Actor) -> None:
        self.now = clock.now()
        self.case = case
        self.state = state
        self.protocol = progress.protocol
        self.progress = progress
        self.actor = actor

    @classmethod
    def load(cls, user: User, pk: Any) -> Self:
        """From the database: three statements. Raises Case.DoesNotExist."""
        case = for_screen(user, pk)
        state = projection.load(case)
        in_team = (m.role for m in state.team if m.user == user.pk and m.until is None)
        role = case.actor_role or next(in_team, None)  # type: ignore[attr-defined]
        progress = Progress(frozen.protocol(case.protocol_id), state)
        return cls(case, state, progress, rules.Actor(user.pk, Role(role) if role else None))

    @classmethod
    def after(cls, ledger: "Ledger") -> Self:
        """From a command that has just been carried out: nothing is read again. It has no patient to show."""
        return cls(ledger.case, ledger.state, ledger.progress, ledger.actor)

    @cached_property
    def banner(self) -> Banner:
        """Who the patient is."""
        return Banner.of(self.case, localtime(self.now).date())

    @cached_property
    def role(self) -> str:
        """What the person is here, in words."""
        return role_words([self.actor.role]) if self.actor.role else ""

    @cached_property
    def status_word(self) -> str:
        """The status in words."""
        return status_word(self.state.status(self.protocol))

    @cached_property
    def members(self) -> list[tuple[int, str]]:
        """The clinicians who can have done something: the team first, then the unit."""
        team = [m.user for m in self.state.team if m.until is None]
        unit = directory.clinicians(self.case.unit_id)
        outside = [(i, directory.person(i).name) for i in team if i not in dict(unit)]
        return sorted([*outside, *unit], key=lambda row: row[0] not in team)

    @cached_property
    def names(self) -> dict[int, Person]:
        """Everybody whom the rows of the case name."""
        return directory.people(self._ids())

    def _ids(self) -> Iterable[int]:
        yield self.actor.id
        yield from (m.user for m in self.state.team)
        for step in self.state.steps.values():
            for entry in step.entries:
                yield entry.performed_by
                yield entry.recorded_by
                if entry.verified_by:
                    yield entry.verified_by
                if entry.second:
                    yield entry.second["by"]
        if self.state.handover:
            yield self.state.handover.by
            yield self.state.handover.to
        yield from (s.by for s in (self.state.signed, self.state.cosigned) if s)
        if self.state.cosign_by:
            yield self.state.cosign_by

    def hides(self, key: str, seq: int) -> bool:
        """Whether the values of an entry wait for the second person, who has not seen them yet."""
        step, definition = self.state.steps.get(key), self.protocol.by_code.get(Key.parse(key).code)
        entry = step.entry(seq) if step else None
        return bool(entry and definition and second_person.hidden(definition, entry))

    def entries_of(self, code: str) -> list[tuple[str, str]]:
        """The live entries of a step, numbered as the nurse counts them: "Cement batch 2, 10:12"."""
        step, title = self.state.steps.get(code), self.protocol.by_code[code].title
        return [
            (str(e.seq), f"{title} {n}, {localtime(e.performed_at):%H:%M}")
            for n, e in enumerate(step.live if step else (), start=1)
        ]

    def show(self, f: Field, value: Any) -> str:
        """A value in words; an entry of another step by its name."""
        if f.type is FieldType.ENTRY:
            return dict(self.entries_of(f.entry_of)).get(str(value["seq"])) or values.show(f, value)
        return values.show(f, value)

    @staticmethod
    def where(key: Key) -> str:
        """Level and side in words."""
        return f"{key.level} {rules.side_name(key.side)}".strip()

    def missing(self) -> list[Missing]:
        grouped: dict[tuple[Key, int | None], list[str]] = {}
        for deficit in self.progress.deficits:
            what = {
                "verification": _("not yet verified"),
                "dispute": _("the second person found otherwise"),
                "partner": _("one still inside"),
            }.get(deficit.what) or (deficit.field.label if deficit.field else "")
            grouped.setdefault((deficit.key, deficit.seq), []).append(what)
        found = []
        for (key, seq), whats in grouped.items():
            place = self.progress.places[str(key)]
            found.append(Missing(key=str(key), seq=seq, sentence=f"{rules.title(place)}: {', '.join(whats)}"))
        return found
