"""From the text of a protocol file to definitions. Pure; what the definitions say is judged in `checking.py`."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Any

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

from . import dosing
from .checking import check
from .errors import ProtocolError

BUILT_IN = Path(__file__).parent / "kyphoplasty.toml"

type Options = Mapping[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Document:
    """A file as read: the protocol (its number is 0 until it is loaded) and the notes of its editors."""

    protocol: Protocol
    notes: str


class Table:
    """One table of the file. Each key is taken once and by type; `done` refuses what nobody asked for."""

    def __init__(self, place: str, data: object) -> None:
        if not isinstance(data, dict):
            raise ProtocolError(place, f"a table is expected, not {data!r}")
        self.place = place
        self.data: dict[str, Any] = dict(data)

    def wrong(self, key: str, expected: str, found: object) -> ProtocolError:
        """The error for a value of the wrong kind."""
        return ProtocolError(self.place, f"{key} must be {expected}, not {found!r}")

    def text(self, key: str, default: str | None = None) -> str:
        """A text without control characters. Raises ProtocolError where it is missing without a default."""
        value = self.data.pop(key, default)
        if value is None:
            raise ProtocolError(self.place, f"{key} is missing")
        if not isinstance(value, str) or any(ord(c) < 32 and c != "\n" for c in value):
            raise self.wrong(key, "text", value)
        return value

    def flag(self, key: str) -> bool:
        """True or false; false where it is missing."""
        value = self.data.pop(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false", value)
        return value

    def whole(self, key: str, default: int | None = None) -> int | None:
        """A whole number, or the default."""
        value = self.data.pop(key, default)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise self.wrong(key, "a whole number", value)
        return value

    def decimal(self, key: str) -> Decimal | None:
        """A finite number, exactly as written, or None."""
        value = self.data.pop(key, None)
        return None if value is None else self.exactly(key, value)

    def exactly(self, key: str, value: object) -> Decimal:
        """The value as a finite number below a million million."""
        if not isinstance(value, int | Decimal) or isinstance(value, bool):
            raise self.wrong(key, "a number", value)
        number = Decimal(value)
        if not number.is_finite() or abs(number) >= 10**12:
            raise self.wrong(key, "a number of a sensible size", value)
        return number

    def word[Word: StrEnum](self, key: str, words: type[Word], default: Word | None = None) -> Word:
        """One of the words of the enum."""
        text = self.text(key, default)
        try:
            return words(text)
        except ValueError:
            raise self.wrong(key, " or ".join(words), text) from None

    def maybe[Word: StrEnum](self, key: str, words: type[Word]) -> Word | None:
        """One of the words of the enum, or None where it is missing."""
        return self.word(key, words) if key in self.data else None

    def several(self, key: str) -> list[Any]:
        """A list, empty where it is missing."""
        value = self.data.pop(key, [])
        if not isinstance(value, list):
            raise self.wrong(key, "a list", value)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        values = self.several(key)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(key, "a list of texts", values)
        return tuple(values)

    def tables(self, key: str, kind: str) -> Iterator["Table"]:
        """A list of tables, each placed by its number until it has a name."""
        for number, data in enumerate(self.several(key), start=1):
            yield Table(f"{self.place}, {kind} {number}" if self.place else f"{kind} {number}", data)

    def done(self) -> None:
        """Raise ProtocolError for a key that nobody asked for: a slip of the pen must not be passed over."""
        if self.data:
            raise ProtocolError(self.place or "file", f"unknown key {next(iter(self.data))}")


def read(source: Path | str | bytes) -> Protocol:
    """The protocol in a file (a path) or in the bytes of one. Raises ProtocolError, which names the place."""
    return read_document(source).protocol


def read_document(source: Path | str | bytes) -> Document:
    """As `read`, with the notes."""
    content = source if isinstance(source, bytes) else Path(source).read_bytes()
    try:
        data = tomllib.loads(content.decode(), parse_float=Decimal)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, InvalidOperation, RecursionError) as problem:
        raise ProtocolError("file", str(problem) or "not a TOML file") from None
    document = _document(Table("", data))
    check(document.protocol)
    return document


def _document(file: Table) -> Document:
    file.place = "file"
    code, title, notes = file.text("code"), file.text("title"), file.text("notes", "")
    late_after = timedelta(minutes=file.whole("late_after_minutes", 15) or 0)
    file.place = ""
    options = _named_options(Table("options", file.data.pop("options", {})))
    groups = _groups(Table("groups", file.data.pop("groups", {})), options)
    steps = tuple(_step(table, options, groups) for table in file.tables("steps", "step"))
    timers = tuple(_timer(table) for table in file.tables("timers", "timer"))
    emergency = tuple(_quick(table) for table in file.tables("emergency", "emergency button"))
    limited = file.data.pop("dosing", None)
    doses = None if limited is None else dosing.from_file(Table(dosing.PLACE, limited))
    file.done()
    protocol = Protocol(
        code=code,
        number=0,
        title=title,
        steps=steps,
        timers=timers,
        emergency=emergency,
        dosing=doses,
        late_after=late_after,
    )
    return Document(protocol, notes)


def _named_options(table: Table) -> Options:
    return {name: _option_list(f"options {name}", value) for name, value in table.data.items()}


def _option_list(place: str, value: object) -> tuple[tuple[str, str], ...]:
    table = Table(place, value)
    return tuple((code, table.text(code)) for code in list(table.data))


def _groups(table: Table, options: Options) -> dict[str, tuple[Field, ...]]:
    found = {}
    for name in list(table.data):
        fields = Table(f"group {name}", {"fields": table.data[name]})
        found[name] = tuple(
            _field(f"group {name}", field, options) for field in fields.tables("fields", "field")
        )
    return found


def _step(table: Table, options: Options, groups: Mapping[str, tuple[Field, ...]]) -> Step:
    code = table.text("code")
    table.place = f"step {code}"
    step = Step(
        code=code,
        title=table.text("title"),
        button=table.text("button"),
        phase=table.word("phase", Phase),
        seed=table.whole("seed"),
        instruction=table.text("instruction", ""),
        roles=tuple(Table(table.place, {"roles": role}).word("roles", Role) for role in table.texts("roles")),
        required=table.word("required", Required, Required.ALWAYS),
        repeats=table.word("repeats", Repeats, Repeats.ONCE),
        many=table.flag("many"),
        pairs_with=table.text("pairs_with", ""),
        critical=table.flag("critical"),
        second_person=table.word("second_person", SecondPerson, SecondPerson.NONE),
        milestone=table.maybe("milestone", Milestone),
        column=table.text("column", ""),
        fields=tuple(
            field
            for part in table.tables("fields", "field")
            for field in _fields(table.place, part, options, groups)
        ),
        requirements=(*_requirements(table, "hard"), *_requirements(table, "soft")),
    )
    table.done()
    return step


def _fields(
    place: str, table: Table, options: Options, groups: Mapping[str, tuple[Field, ...]]
) -> tuple[Field, ...]:
    """A field, or the fields of a group that the step uses."""
    if "use" not in table.data:
        return (_field(place, table, options),)
    name, needed = table.text("use"), table.texts("by_completion")
    table.done()
    if name not in groups:
        raise ProtocolError(table.place, f"there is no group {name}")
    if unknown := set(needed) - {field.key for field in groups[name]}:
        raise ProtocolError(table.place, f"group {name} has no field {min(unknown)}")
    return tuple(replace(f, needed=Needed.COMPLETION) if f.key in needed else f for f in groups[name])


def _field(place: str, table: Table, options: Options) -> Field:
    key = table.text("key")
    table.place = f"{place}, field {key}"
    further = Table(f"{table.place}, units", table.data.pop("units", {}))
    field = Field(
        key=key,
        label=table.text("label"),
        type=table.word("type", FieldType),
        needed=table.word("needed", Needed, Needed.OPTIONAL),
        unit=table.text("unit", ""),
        units={unit: further.exactly(unit, factor) for unit, factor in further.data.items()},
        decimals=table.whole("decimals", 0) or 0,
        step=table.decimal("step"),
        typical=table.decimal("typical"),
        refuse_below=table.decimal("refuse_below"),
        refuse_above=table.decimal("refuse_above"),
        warn_below=table.decimal("warn_below"),
        warn_above=table.decimal("warn_above"),
        options=_options(table, options),
        product_kind=table.text("product_kind", ""),
        entry_of=table.text("entry_of", ""),
        measures=table.maybe("measures", Measure),
        total_above=table.decimal("total_above"),
        total_scope=table.maybe("total_scope", Scope),
        unseen=table.flag("unseen"),
        help=table.text("help", ""),
    )
    table.done()
    return field


def _options(table: Table, options: Options) -> tuple[tuple[str, str], ...]:
    """The answers of a field: a list by name, or its own."""
    value = table.data.pop("options", {})
    if not isinstance(value, str):
        return _option_list(f"{table.place}, options", value)
    if value not in options:
        raise ProtocolError(table.place, f"there are no options {value}")
    return options[value]


def _requirements(table: Table, key: str) -> Iterator[Requirement]:
    for part in table.several(key):
        inner = Table(table.place, {"step": part} if isinstance(part, str) else part)
        needs = inner.text("step")
        inner.place = f"{table.place}, needs {needs}"
        expects = Table(f"{inner.place}, expects", inner.data.pop("expects", {})).data
        yield Requirement(
            needs=needs,
            hard=key == "hard",
            scope=inner.word("scope", Scope, Scope.CASE),
            expects=expects,
            only_if_anaesthesia=inner.texts("only_if_anaesthesia"),
        )
        inner.done()


def _quick(table: Table) -> Quick:
    quick = Quick(
        label=table.text("label"),
        step=table.text("step"),
        values=Table(f"{table.place}, values", table.data.pop("values", {})).data,
    )
    table.done()
    return quick


def _timer(table: Table) -> Timer:
    key = table.text("key")
    table.place = f"timer {key}"
    minutes = table.several("minutes")
    if not all(isinstance(minute, int) and not isinstance(minute, bool) for minute in minutes):
        raise table.wrong("minutes", "a list of whole numbers", minutes)
    timer = Timer(
        key=key,
        label=table.text("label"),
        kind=table.word("kind", TimerKind),
        starts_on=table.text("starts_on"),
        ends_on=table.text("ends_on", ""),
        met_by=table.text("met_by", ""),
        scope=table.word("scope", Scope, Scope.CASE),
        minutes=tuple(minutes),
        warn_minutes=table.whole("warn_minutes"),
        product_bands=table.flag("product_bands"),
    )
    table.done()
    return timer
