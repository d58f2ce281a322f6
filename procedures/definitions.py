"""What a protocol version says, as frozen data: the language that the fold, the rules and the screens speak.

Pure: imports the standard library only. Rows of a published version become these objects once per process
(`protocols/frozen.py`), and the built-in file becomes rows (`protocols/loader.py`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

VERTEBRAE: tuple[str, ...] = (*(f"T{n}" for n in range(1, 13)), *(f"L{n}" for n in range(1, 6)), "S1")
SIDES: tuple[str, ...] = ("left", "right")
_KEY = re.compile(
    rf"(?P<code>.+?)(?:-(?P<level>{'|'.join(sorted(VERTEBRAE, key=len, reverse=True))})(?:-(?P<side>left|right))?)?"
)


class Role(StrEnum):
    """What somebody is in a unit (domain.md 1.1); the administrator never ticks."""

    WARD_NURSE = "ward_nurse"
    CIRCULATING_NURSE = "circulating_nurse"
    SEDATION_NURSE = "sedation_nurse"
    ANAESTHETIST = "anaesthetist"
    SCRUB_NURSE = "scrub_nurse"
    RADIOGRAPHER = "radiographer"
    OPERATOR = "operator"
    ASSISTANT = "assistant"
    RECOVERY_NURSE = "recovery_nurse"
    ADMINISTRATOR = "administrator"


class Phase(StrEnum):
    """The stretches of a case, in the order of the screen; `ANY` steps have no place in that order."""

    BEFORE = "before"
    ROOM = "room"
    LEVEL = "level"
    AFTER = "after"
    RECOVERY = "recovery"
    DISCHARGE = "discharge"
    ANY = "any"


class Repeats(StrEnum):
    """How often a step stands in a case: once, for each vertebra, or for each access (vertebra and side)."""

    ONCE = "once"
    LEVEL = "level"
    ACCESS = "access"


class Required(StrEnum):
    """`STARTED`: owed only once a step that it needs in the same level or access has been done."""

    ALWAYS = "always"
    STARTED = "if_started"
    OPTIONAL = "optional"


class SecondPerson(StrEnum):
    """Whether another clinician verifies the step; `INDEPENDENT`: before seeing the first value."""

    NONE = "none"
    CONFIRM = "confirm"
    INDEPENDENT = "independent"


class Needed(StrEnum):
    """When a field is needed: `NOW` there is no tick without it; `COMPLETION` it is a deficit until given."""

    NOW = "now"
    COMPLETION = "by_completion"
    OPTIONAL = "optional"


class FieldType(StrEnum):
    """How a value is entered and stored (see `values.py` for the stored shapes)."""

    NUMBER = "number"
    QUANTITY = "quantity"
    CHOICE = "choice"
    CHOICES = "choices"
    TEXT = "text"
    YESNO = "yesno"
    TIME = "time"
    DATE = "date"
    PRODUCT = "product"
    PERSON = "person"
    PEOPLE = "people"
    ENTRY = "entry"


class Scope(StrEnum):
    """Where a requirement looks for the needed step."""

    CASE = "case"
    LEVEL = "level"
    ACCESS = "access"
    EVERY_LEVEL = "every_level"


class TimerKind(StrEnum):
    """`WINDOW` must end within; `WAIT` must not end before; `COUNT_UP` shows bands; `SCHEDULE` repeats."""

    WINDOW = "window"
    WAIT = "wait"
    COUNT_UP = "count_up"
    SCHEDULE = "schedule"


class Milestone(StrEnum):
    """What a step means to the case beyond its own row, so that no code of a step stands in the program."""

    SEDATION = "sedation"
    TIME_OUT = "time_out"
    NEEDLE_IN = "needle_in"
    NEEDLE_OUT = "needle_out"
    CEMENT = "cement"
    HARDENED = "hardened"
    SIGN_OUT = "sign_out"
    TURNED = "turned"
    COMPLICATION = "complication"
    VITALS = "vitals"
    DRUG = "drug"
    DEVICE = "device"
    NOTE = "note"


class Measure(StrEnum):
    """What a field says to the case: cement volume in mL, whether cement leaked, the anaesthesia, the vertebrae that
    were read aloud or counted, how the needle went, what went wrong, the radiation, the lot of a device that is no
    product of the catalogue."""

    CEMENT_ML = "cement_ml"
    LEAK = "leak"
    ANAESTHESIA = "anaesthesia"
    LEVEL = "level"
    APPROACH = "approach"
    COMPLICATION = "complication"
    FLUORO_S = "fluoro_s"
    DAP = "dap"
    KERMA = "kerma"
    LOT = "lot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value that a step asks for. Limits are in `unit` (UCUM), the canonical one.

    `units` maps each further unit that may be entered to its factor: canonical = entered × factor. `total_above`: asked
    about when all entries of the field together, at one level or in the whole case (`total_scope`), come to more.
    `unseen`: the independent second person enters it without seeing the first value.
    """

    key: str
    label: str
    type: FieldType
    needed: Needed = Needed.OPTIONAL
    unit: str = ""
    units: Mapping[str, Decimal] = field(default_factory=dict)
    decimals: int = 0
    step: Decimal | None = None
    typical: Decimal | None = None
    refuse_below: Decimal | None = None
    refuse_above: Decimal | None = None
    warn_below: Decimal | None = None
    warn_above: Decimal | None = None
    options: tuple[tuple[str, str], ...] = ()
    product_kind: str = ""
    entry_of: str = ""
    measures: Measure | None = None
    total_above: Decimal | None = None
    total_scope: Scope | None = None
    unseen: bool = False
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """The step needs another first. `hard` blocks (with an override), soft warns.

    `expects`: the live entry of the needed step must hold these values; `only_if_anaesthesia`: it applies
    only when the planned anaesthesia is one of these.
    """

    needs: str
    hard: bool = True
    scope: Scope = Scope.CASE
    expects: Mapping[str, object] = field(default_factory=dict)
    only_if_anaesthesia: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quick:
    """One button of the emergency log: an entry of a step of the phase "any time" with these values, in one tap."""

    label: str
    step: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A clock between two steps, in minutes; `product_bands`: the bands come from the product in use.

    A schedule with one interval repeats it until `ends_on`; with several it runs through them once. Each due
    time of a schedule is met by an entry of the step `met_by`.
    """

    key: str
    label: str
    kind: TimerKind
    starts_on: str
    ends_on: str = ""
    met_by: str = ""
    scope: Scope = Scope.CASE
    minutes: tuple[int, ...] = ()
    warn_minutes: int | None = None
    product_bands: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseLimit:
    """From where on a site asks about a drug: mg for each kg of the patient, and mg for anybody.

    `when`: the answers that every entry of the drug must have given for this limit to count.
    """

    drug: str
    mg_per_kg: Decimal
    max_mg: Decimal
    when: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dosing:
    """A step whose entries are added up to milligrams: its fields for drug, volume (mL) and concentration (per cent).

    `weight_step` and `weight`: the step and its field in which the patient's weight in kg is recorded.
    """

    step: str
    drug: str
    volume: str
    concentration: str
    weight_step: str
    weight: str
    limits: tuple[DoseLimit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the protocol (design.md section 3)."""

    code: str
    title: str
    button: str
    phase: Phase
    seed: int | None = None
    instruction: str = ""
    roles: tuple[Role, ...] = ()
    required: Required = Required.ALWAYS
    repeats: Repeats = Repeats.ONCE
    many: bool = False
    pairs_with: str = ""
    critical: bool = False
    second_person: SecondPerson = SecondPerson.NONE
    milestone: Milestone | None = None
    column: str = ""
    fields: tuple[Field, ...] = ()
    requirements: tuple[Requirement, ...] = ()

    def field(self, key: str) -> Field | None:
        """The field with that key, or None."""
        return next((f for f in self.fields if f.key == key), None)

    def measuring(self, measure: Measure) -> Field | None:
        """The field that feeds that measure of the summary, or None."""
        return next((f for f in self.fields if f.measures is measure), None)


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A whole protocol version, its steps in order."""

    code: str
    number: int
    title: str
    steps: tuple[Step, ...]
    timers: tuple[Timer, ...] = ()
    emergency: tuple[Quick, ...] = ()
    dosing: Dosing | None = None
    late_after: timedelta = timedelta(minutes=15)

    @cached_property
    def by_code(self) -> dict[str, Step]:
        """Every step by its code."""
        return {step.code: step for step in self.steps}

    @cached_property
    def by_milestone(self) -> dict[Milestone, Step]:
        """The step that carries each milestone (at most one each, the loader sees to it)."""
        return {step.milestone: step for step in self.steps if step.milestone}

    def phase(self, phase: Phase) -> Iterator[Step]:
        """The steps of one phase, in order."""
        return (step for step in self.steps if step.phase is phase)


@dataclass(frozen=True, slots=True)
class Key:
    """Which row of a case: a step's code, with its level and side where the step repeats."""

    code: str
    level: str = ""
    side: str = ""

    def __str__(self) -> str:
        return "-".join(part for part in (self.code, self.level, self.side) if part)

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Read `K09a-L1-left`. Every text is some key; whether the protocol has it, the state says."""
        match = _KEY.fullmatch(text)
        return cls(*(part or "" for part in match.groups())) if match else cls(text)


def age_on(birth_date: date, day: date) -> int:
    """Whole years of age on a day."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))
