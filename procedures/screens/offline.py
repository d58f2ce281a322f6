"""The page that a tablet keeps of a case: no values, no notes, and of the patient only what tells two apart."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.templatetags.static import static
from django.utils.timezone import localtime

from procedures import rules
from procedures.definitions import Phase, Repeats, Step
from procedures.models import User
from procedures.progress import Place

from .hand import offered
from .parts import PHASE_LABELS, FieldView
from .view import View

SIDES = ("left", "right")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineRow:
    """One line: the step's code chooses its form. `sides`: the side is to be chosen in the form."""

    key: str
    code: str
    title: str
    seed: int | None
    done: bool
    due: bool
    sides: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflinePhase:
    """A stretch of the procedure; of the level phase one for each vertebra."""

    label: str
    rows: list[OfflineRow]

    any_time: bool

    @property
    def done(self) -> bool:
        """Whether nothing in it is due any more, so that it folds to one line."""
        return not self.any_time and not any(row.due for row in self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineForm:
    """The form of one step, to be filled in for any of its rows."""

    code: str
    title: str
    instruction: str
    may_skip: bool
    fields: list[FieldView]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineScreen:
    """All that the page holds."""

    case: Any
    role: str
    initials: str
    birth_year: int
    mrn_end: str
    allergies: list[str]
    levels: str
    room: str
    may_record: bool
    phases: list[OfflinePhase]
    forms: list[OfflineForm]
    performers: list[tuple[int, str]]
    made_at: str


def build(user: User, pk: Any) -> OfflineScreen | None:
    """The page for a case that is not over, else None. Raises Case.DoesNotExist."""
    view = View.load(user, pk)
    if view.state.ended:
        return None
    patient = view.case.patient
    return OfflineScreen(
        case=view.case,
        role=view.role,
        initials="".join(part[:1] for part in (patient.given_name, patient.family_name)),
        birth_year=patient.birth_date.year,
        mrn_end=patient.mrn[-4:],
        allergies=[substance for _id, substance in view.banner.allergies],
        levels=", ".join(level.vertebra for level in view.state.in_order()),
        room=view.case.room,
        may_record=view.actor.may(rules.Act.RECORD),
        phases=_phases(view),
        forms=[_form(view, step) for step in view.protocol.steps],
        performers=view.members,
        made_at=f"{localtime(view.now):%H:%M}",
    )


def _phases(view: View) -> list[OfflinePhase]:
    groups: dict[str, list[OfflineRow]] = {}
    for place in view.progress.places.values():
        phase = place.definition.phase
        label = str(PHASE_LABELS[phase])
        if phase is Phase.LEVEL and place.key.level:
            label = place.key.level
        groups.setdefault(label, []).append(_row(view, place))
    return [
        OfflinePhase(label=label, rows=rows, any_time=label == str(PHASE_LABELS[Phase.ANY]))
        for label, rows in groups.items()
    ]


def _row(view: View, place: Place) -> OfflineRow:
    return OfflineRow(
        key=place.text,
        code=place.definition.code,
        title=rules.title(place),
        seed=place.definition.seed,
        done=place.step.mark is not None,
        due=view.progress.expected(place) and not view.progress.settled(place),
        sides=place.definition.repeats is Repeats.ACCESS and not place.key.side,
    )


def _form(view: View, step: Step) -> OfflineForm:
    return OfflineForm(
        code=step.code,
        title=step.title,
        instruction=step.instruction,
        may_skip=step.phase is not Phase.ANY and not step.critical,
        fields=offered(view, step),
    )


@cache
def shell() -> tuple[str, ...]:
    """The addresses of the files that make the interface, under their hashed names."""
    root = Path(settings.BASE_DIR) / "static"
    names = sorted(
        p.relative_to(root).as_posix() for p in root.rglob("*") if p.suffix in (".css", ".js", ".svg")
    )
    return tuple(static(name) for name in names)


def version(files: tuple[str, ...]) -> str:
    """Changes with any file, since their names hold their hashes."""
    return sha256("\n".join(files).encode()).hexdigest()[:12]
