"""Whether a protocol makes sense. Pure; the same check for the built-in file and for what a hospital drafts.

Each check raises ProtocolError with the place and the sentence that an editor needs to put it right.
"""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from itertools import combinations, pairwise

from procedures.definitions import (
    VERTEBRAE,
    Field,
    FieldType,
    Measure,
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
from .errors import ProtocolError
from .units import KNOWN, factor_problem

PRODUCT_KINDS = ("cement", "balloon", "needle")
PLANNED_ANAESTHESIA = ("local", "sedation", "general")
SEEDS = range(1, 12)
LONGEST = {"code": 20, "title": 120, "button": 40, "column": 20, "key": 40, "label": 80}
MOST_DECIMALS = 4
MOST_MINUTES = 24 * 60
LIMITS = ("refuse_below", "warn_below", "warn_above", "refuse_above")
NUMERIC = (FieldType.NUMBER, FieldType.QUANTITY)
CHOOSING = (FieldType.CHOICE, FieldType.CHOICES)
_CODE = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_OPTION = re.compile(r"[A-Za-z0-9_/]+")


def check(protocol: Protocol) -> None:
    """Raise ProtocolError for the first thing that makes no sense."""
    if not protocol.steps:
        raise ProtocolError("file", "there is no step")
    if not _KEY.fullmatch(protocol.code):
        raise ProtocolError("file", f"code {protocol.code!r} must be small letters, digits and _")
    _within("file", title=protocol.title)
    if not timedelta(minutes=1) <= protocol.late_after <= timedelta(minutes=MOST_MINUTES):
        raise ProtocolError("file", f"late_after_minutes must be 1 to {MOST_MINUTES}")
    _once((f"step {s.code}", "code", s.code) for s in protocol.steps)
    _once((f"step {s.code}", "milestone", s.milestone) for s in protocol.steps if s.milestone)
    _once((f"timer {t.key}", "key", t.key) for t in protocol.timers)
    for step in protocol.steps:
        _check_step(protocol, step)
    for timer in protocol.timers:
        _check_timer(protocol, timer)
    for quick in protocol.emergency:
        _check_quick(protocol, quick)
    _check_no_cycle(protocol)
    dosing.check(protocol)


def _within(place: str, **texts: str) -> None:
    """Each text is given and fits its column."""
    for name, text in texts.items():
        if not text.strip():
            raise ProtocolError(place, f"{name} is empty")
        if len(text) > LONGEST[name]:
            raise ProtocolError(place, f"{name} is longer than {LONGEST[name]} characters")


def _once(found: Iterable[tuple[str, str, str]]) -> None:
    """No value stands twice; each is (place, what it is, value)."""
    seen: Counter[str] = Counter()
    for place, name, value in found:
        seen[value] += 1
        if seen[value] > 1:
            raise ProtocolError(place, f"{name} {value} stands twice")


def _known(protocol: Protocol, place: str, name: str, code: str) -> Step:
    """The step that a text names."""
    step = protocol.by_code.get(code)
    if step is None:
        raise ProtocolError(place, f"{name} names the step {code!r}, which does not exist")
    return step


# Steps --------------------------------------------------------------------------------------------------------------


def _check_step(protocol: Protocol, step: Step) -> None:
    place = f"step {step.code}"
    if not _CODE.fullmatch(step.code):
        raise ProtocolError(place, "a code is letters and digits, in parts joined by -")
    _within(place, code=step.code, title=step.title, button=step.button)
    if step.seed is not None and step.seed not in SEEDS:
        raise ProtocolError(place, f"seed {step.seed} is not 1 to {SEEDS[-1]}")
    if Role.ADMINISTRATOR in step.roles:
        raise ProtocolError(place, "an administrator never records a step")
    _once((place, "role", role) for role in step.roles)
    _check_repeats(place, step)
    _once((f"{place}, field {f.key}", "key", f.key) for f in step.fields)
    _once((f"{place}, field {f.key}", "measure", f.measures) for f in step.fields if f.measures)
    for field in step.fields:
        _check_field(protocol, f"{place}, field {field.key}", field)
    _once((f"{place}, needs {r.needs}", "requirement", f"{r.needs} ({r.scope})") for r in step.requirements)
    for requirement in step.requirements:
        _check_requirement(protocol, step, requirement)
    _check_pair(protocol, place, step)


def _check_repeats(place: str, step: Step) -> None:
    if step.repeats is not Repeats.ONCE and step.phase is not Phase.LEVEL:
        raise ProtocolError(place, f"it repeats for each {step.repeats}, so its phase must be level")
    if step.column and step.repeats is Repeats.ONCE:
        raise ProtocolError(place, "it has a column of the grid but does not repeat for a level or access")
    if len(step.column) > LONGEST["column"]:
        raise ProtocolError(place, f"column is longer than {LONGEST['column']} characters")
    if step.phase is Phase.ANY and not (step.many and step.required is Required.OPTIONAL):
        raise ProtocolError(place, "a step of the phase any must be optional and many")
    unseen = any(f.unseen for f in step.fields)
    if (step.second_person is SecondPerson.INDEPENDENT) is not unseen:
        raise ProtocolError(place, "an independent second person, and no other, has a field that is unseen")
    local = any(r.hard and r.scope in (Scope.LEVEL, Scope.ACCESS) for r in step.requirements)
    if step.required is Required.STARTED and not local:
        raise ProtocolError(place, "if_started needs a hard requirement at the same level or access")


def _check_pair(protocol: Protocol, place: str, step: Step) -> None:
    if not step.pairs_with:
        return
    partner = _known(protocol, place, "pairs_with", step.pairs_with)
    if partner.code == step.code:
        raise ProtocolError(place, "it pairs with itself")
    if partner.repeats is not step.repeats or partner.many is not step.many:
        raise ProtocolError(
            place, f"it pairs with {partner.code}, so repeats and many must be the same there"
        )


# Requirements -------------------------------------------------------------------------------------------------------


def _check_requirement(protocol: Protocol, step: Step, requirement: Requirement) -> None:
    place = f"step {step.code}, needs {requirement.needs}"
    needed = _known(protocol, place, "it", requirement.needs)
    local = (Repeats.LEVEL, Repeats.ACCESS)
    fits = {
        Scope.CASE: needed.repeats is Repeats.ONCE,
        Scope.LEVEL: step.repeats in local and needed.repeats in local,
        Scope.ACCESS: step.repeats is Repeats.ACCESS and needed.repeats is Repeats.ACCESS,
        Scope.EVERY_LEVEL: needed.repeats in local,
    }
    if not fits[requirement.scope]:
        raise ProtocolError(
            place,
            f"the scope {requirement.scope} does not fit: {step.code} repeats {step.repeats}, "
            f"{needed.code} repeats {needed.repeats}",
        )
    if unknown := set(requirement.only_if_anaesthesia) - set(PLANNED_ANAESTHESIA):
        raise ProtocolError(place, f"only_if_anaesthesia does not know {min(unknown)!r}")
    for key, value in requirement.expects.items():
        _check_expected(place, needed, key, value)


def _check_expected(place: str, needed: Step, key: str, value: object) -> None:
    field = needed.field(key)
    if field is None:
        raise ProtocolError(place, f"expects names the field {key!r}, which {needed.code} does not have")
    match field.type:
        case FieldType.YESNO if isinstance(value, bool):
            return
        case FieldType.CHOICE if value in dict(field.options):
            return
    raise ProtocolError(place, f"expects {key} = {value!r}, which is no answer of a {field.type} field there")


def _check_no_cycle(protocol: Protocol) -> None:
    """No step waits, by hard requirements, for itself."""
    needs = {s.code: [r.needs for r in s.requirements if r.hard] for s in protocol.steps}
    settled: set[str] = set()

    def follow(code: str, path: tuple[str, ...]) -> None:
        if code in path:
            around = " → ".join((*path[path.index(code) :], code))
            raise ProtocolError(f"step {code}", f"it waits for itself: {around}")
        if code not in settled:
            for other in needs[code]:
                follow(other, (*path, code))
            settled.add(code)

    for code in needs:
        follow(code, ())


# Fields -------------------------------------------------------------------------------------------------------------


def _check_field(protocol: Protocol, place: str, field: Field) -> None:
    if not _KEY.fullmatch(field.key):
        raise ProtocolError(place, "a key is small letters, digits and _")
    _within(place, key=field.key, label=field.label)
    if field.type in NUMERIC:
        _check_number(place, field)
    elif field.decimals or any(getattr(field, name) is not None for name in (*LIMITS, "step", "typical")):
        raise ProtocolError(place, f"a {field.type} field has no limits, decimals, step or typical value")
    _check_units(place, field)
    _check_options(place, field)
    if (field.product_kind in PRODUCT_KINDS) is not (field.type is FieldType.PRODUCT):
        raise ProtocolError(
            place, f"a product field, and no other, has a product_kind: {' or '.join(PRODUCT_KINDS)}"
        )
    if bool(field.entry_of) is not (field.type is FieldType.ENTRY):
        raise ProtocolError(place, "an entry field, and no other, has entry_of")
    if field.entry_of:
        _known(protocol, place, "entry_of", field.entry_of)
    _check_measure(place, field)
    _check_total(place, field)
    plain = (*NUMERIC, FieldType.CHOICE, FieldType.CHOICES, FieldType.YESNO)
    if field.unseen and field.type not in plain:
        raise ProtocolError(place, f"a {field.type} field cannot be compared, so it is not unseen")


def _check_total(place: str, field: Field) -> None:
    """A total is asked about: of a number, at one level or in the whole case."""
    if (field.total_above is None) is not (field.total_scope is None):
        raise ProtocolError(place, "total_above and total_scope belong together")
    if field.total_above is None:
        return
    if field.type is not FieldType.QUANTITY:
        raise ProtocolError(place, "only a quantity has a total")
    if field.total_scope not in (Scope.LEVEL, Scope.CASE):
        raise ProtocolError(place, "total_scope must be level or case")


def _check_number(place: str, field: Field) -> None:
    if not 0 <= field.decimals <= MOST_DECIMALS:
        raise ProtocolError(place, f"decimals must be 0 to {MOST_DECIMALS}")
    unit = f" {field.unit}" if field.unit else ""
    given = {name: value for name in LIMITS if (value := getattr(field, name)) is not None}
    for (low, below), (high, above) in combinations(given.items(), 2):
        if below > above:
            raise ProtocolError(place, f"{low} {below} is above {high} {above}{unit}")
    if field.typical is not None:
        for name, limit in given.items():
            if field.typical < limit if name.endswith("below") else field.typical > limit:
                side = "below" if name.endswith("below") else "above"
                raise ProtocolError(place, f"typical {field.typical} is {side} {name} {limit}{unit}")
    if field.step is not None and field.step <= 0:
        raise ProtocolError(place, f"step {field.step} must be above 0")
    for name, value in (*given.items(), ("step", field.step), ("typical", field.typical)):
        if value is not None and _places(value) > field.decimals:
            raise ProtocolError(place, f"{name} {value} has more than {field.decimals} decimals")


def _places(number: Decimal) -> int:
    """How many decimal places a number needs."""
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _check_units(place: str, field: Field) -> None:
    if field.type is not FieldType.QUANTITY:
        if field.unit or field.units:
            raise ProtocolError(place, f"a {field.type} field has no unit: make it a quantity")
        return
    if not field.unit:
        raise ProtocolError(place, "a quantity needs a unit")
    for unit in (field.unit, *field.units):
        if unit not in KNOWN:
            raise ProtocolError(
                place, f"the unit {unit!r} is not known (UCUM, such as {', '.join(list(KNOWN)[:4])})"
            )
    for unit, factor in field.units.items():
        if unit == field.unit:
            raise ProtocolError(place, f"the unit {unit} stands twice")
        if factor <= 0:
            raise ProtocolError(place, f"the factor of {unit} must be above 0, not {factor}")
        if problem := factor_problem(field.unit, unit, factor):
            raise ProtocolError(place, problem)


def _check_options(place: str, field: Field) -> None:
    if field.type not in CHOOSING:
        if field.options:
            raise ProtocolError(place, f"a {field.type} field has no options")
        return
    if len(field.options) < 2:
        raise ProtocolError(place, "a choice needs two options or more")
    for code, label in field.options:
        if not _OPTION.fullmatch(code):
            raise ProtocolError(place, f"the option {code!r} must be letters, digits, _ and /")
        _within(f"{place}, option {code}", key=code, label=label)


RADIATION = {Measure.FLUORO_S: "s", Measure.DAP: "Gy.cm2", Measure.KERMA: "mGy"}


def _check_measure(place: str, field: Field) -> None:
    match field.measures:
        case Measure.CEMENT_ML if field.type is not FieldType.QUANTITY or field.unit != "mL":
            raise ProtocolError(place, "cement_ml is measured by a quantity in mL")
        case Measure.LEAK if field.type is not FieldType.CHOICES or "none" not in dict(field.options):
            raise ProtocolError(place, "leak is measured by choices that have an option none")
        case Measure.ANAESTHESIA | Measure.APPROACH | Measure.COMPLICATION if (
            field.type is not FieldType.CHOICE
        ):
            raise ProtocolError(place, f"{field.measures} is measured by a choice")
        case Measure.FLUORO_S | Measure.DAP | Measure.KERMA if field.unit != RADIATION[field.measures]:
            raise ProtocolError(
                place, f"{field.measures} is measured by a quantity in {RADIATION[field.measures]}"
            )
        case Measure.LOT if field.type is not FieldType.TEXT:
            raise ProtocolError(place, "lot is measured by a text")
        case Measure.LEVEL if field.type not in CHOOSING or not set(dict(field.options)) <= set(VERTEBRAE):
            raise ProtocolError(place, "level is measured by a choice among vertebrae")


# The emergency log --------------------------------------------------------------------------------------------------


def _check_quick(protocol: Protocol, quick: Quick) -> None:
    """One tap is enough: the step can be recorded at any time with the values of the button alone."""
    place = f"emergency button {quick.label!r}"
    _within(place, label=quick.label)
    step = _known(protocol, place, "it", quick.step)
    if step.phase is not Phase.ANY:
        raise ProtocolError(place, f"{step.code} is not a step of the phase any")
    for key, value in quick.values.items():
        field = step.field(key)
        if field is None:
            raise ProtocolError(place, f"{step.code} has no field {key!r}")
        choice = field.type is FieldType.CHOICE and value in dict(field.options)
        text = field.type is FieldType.TEXT and isinstance(value, str) and value.strip()
        if not choice and not text:
            raise ProtocolError(place, f"{value!r} is no answer of {key}")
    if lacking := [f.key for f in step.fields if f.needed is Needed.NOW and f.key not in quick.values]:
        raise ProtocolError(place, f"{step.code} needs {lacking[0]} now")


# Timers -------------------------------------------------------------------------------------------------------------


def _check_timer(protocol: Protocol, timer: Timer) -> None:
    place = f"timer {timer.key}"
    if not _KEY.fullmatch(timer.key):
        raise ProtocolError(place, "a key is small letters, digits and _")
    _within(place, key=timer.key, label=timer.label)
    start = _known(protocol, place, "starts_on", timer.starts_on)
    for name in ("ends_on", "met_by"):
        if code := getattr(timer, name):
            _known(protocol, place, name, code)
    fits = {
        Scope.CASE: True,
        Scope.LEVEL: start.repeats in (Repeats.LEVEL, Repeats.ACCESS),
        Scope.ACCESS: start.repeats is Repeats.ACCESS,
    }
    if not fits.get(timer.scope, False):
        raise ProtocolError(
            place, f"the scope {timer.scope} does not fit: {start.code} repeats {start.repeats}"
        )
    if bool(timer.met_by) is not (timer.kind is TimerKind.SCHEDULE):
        raise ProtocolError(place, "a schedule, and no other timer, has met_by")
    if timer.product_bands and not any(f.type is FieldType.PRODUCT for f in start.fields):
        raise ProtocolError(place, f"product_bands needs a product field in {start.code}")
    _check_minutes(place, timer)


def _check_minutes(place: str, timer: Timer) -> None:
    minutes = timer.minutes
    for minute in (*minutes, *([timer.warn_minutes] if timer.warn_minutes is not None else [])):
        if not 1 <= minute <= MOST_MINUTES:
            raise ProtocolError(place, f"{minute} minutes is not 1 to {MOST_MINUTES}")
    if timer.warn_minutes is not None and (
        timer.kind is not TimerKind.WINDOW or timer.warn_minutes >= max(minutes, default=0)
    ):
        raise ProtocolError(place, "warn_minutes belongs to a window and comes before its end")
    match timer.kind:
        case TimerKind.WINDOW if len(minutes) != 1 or not timer.ends_on:
            raise ProtocolError(place, "a window has one number of minutes and ends_on")
        case TimerKind.WAIT if len(minutes) not in (1, 2) or not timer.ends_on:
            raise ProtocolError(place, "a wait has one or two numbers of minutes and ends_on")
        case TimerKind.SCHEDULE if not minutes or not timer.ends_on:
            raise ProtocolError(place, "a schedule has intervals in minutes and ends_on")
        case TimerKind.COUNT_UP if minutes and timer.product_bands:
            raise ProtocolError(place, "a count_up has minutes or product_bands, not both")
    if timer.kind is not TimerKind.SCHEDULE and any(first >= then for first, then in pairwise(minutes)):
        raise ProtocolError(place, "the minutes must rise")
    if timer.product_bands and timer.kind is not TimerKind.COUNT_UP:
        raise ProtocolError(place, "product_bands belongs to a count_up")
