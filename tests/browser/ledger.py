"""What a test entered, as its own record: the page's Record is compared with it, value by value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from procedures.definitions import Field, FieldType, Step
from tests.sheet import SHIPPED

BUTTONS = {step.button: step for step in SHIPPED.steps}


@dataclass(frozen=True)
class Shown:
    """A value that the record shows otherwise than it was typed: with its conversion, or as a number of the record."""

    typed: str
    shown: str


@dataclass(frozen=True)
class Stepped:
    """A number reached by so many taps on +; typed where there is no script."""

    typed: str
    taps: int


type Value = str | list[str] | dict[str, str] | Shown | Stepped
type Values = Mapping[str, Value]


def key_of(title: str) -> tuple[str, Step]:
    """The key of a step in words: "Balloon in, L1 left" is K09a-L1-left."""
    button, _comma, where = title.rpartition(", ")
    if button not in BUTTONS:
        button, where = title, ""
    return "-".join([BUTTONS[button].code, *where.split()]), BUTTONS[button]


def in_words(definition: Step, label: str, value: Value) -> str:
    """How the record is to show what was entered."""
    known: Field = next(f for f in definition.fields if f.label == label)
    match value:
        case Shown():
            return value.shown
        case Stepped():
            return value.typed
        case list():
            return ", ".join(value)
        case dict():
            return f"{value['Which']}, lot {value['Lot']}, expires {_day(value['Expires'])}"
    if known.type is FieldType.YESNO:
        return value.lower()
    if known.type is FieldType.DATE:
        return _day(value)
    if known.type is FieldType.TIME:
        return f"{datetime.fromisoformat(value):%-d %b %Y %H:%M}"
    return value


def _day(text: str) -> str:
    """A day as people read it."""
    return f"{date.fromisoformat(text):%-d %b %Y}"


@dataclass
class Entered:
    """One act as the test entered it. `seconds`: between which two moments the server was asked to record it."""

    title: str
    values: dict[str, str]
    by: str
    recorded_by: str
    seconds: tuple[datetime, datetime]
    at: datetime | None = None
    flags: set[str] = field(default_factory=set)
    lacks: list[str] = field(default_factory=list)
    why: list[str] = field(default_factory=list)
    verified_by: str = ""
    taken_back: bool = False

    def happened(self, moment: datetime) -> bool:
        """Whether this is the moment at which it was done: the minute that was typed, or now at the time."""
        if self.at:
            return moment == self.at
        first, last = self.seconds
        return first - timedelta(milliseconds=5) <= moment <= last + timedelta(milliseconds=5)


@dataclass(frozen=True)
class Happened:
    """One event of the log as the test caused it."""

    sentence: str
    by: str
    recorded_by: str
    reason: str = ""


@dataclass
class Ledger:
    """Every act by its step's key, and every event in order."""

    entries: dict[str, list[Entered]] = field(default_factory=dict)
    events: list[Happened] = field(default_factory=list)

    def note(self, sentence: str, by: str, recorded_by: str = "", reason: str = "") -> None:
        """One more event."""
        self.events.append(Happened(sentence, by, recorded_by or by, reason))

    def last(self, title: str) -> Entered:
        """The last entry of a step that was not taken back."""
        return [e for e in self.entries[key_of(title)[0]] if not e.taken_back][-1]


def now() -> datetime:
    """This second's clock: the tests and the server share one."""
    return datetime.now(UTC)
