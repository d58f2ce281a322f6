"""What a complete operative note needs, and whether the record has it. Pure but for gettext.

The lists are those of the operative note of the United States (US), of the operation note of the United Kingdom (UK),
and what a kyphoplasty adds to both. An item that the steps cannot hold is written into the note by hand. What a case
never came to, it does not need: no balloon, no size of a balloon.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import rules
from .definitions import Measure, Milestone, Phase, Role, Step
from .landmarks import SILENT, Landmarks, entries, measured
from .progress import Place, Progress
from .state import CaseStatus, Entry, StepStatus


class Having(StrEnum):
    """Whether the record has an item. `NONE`: the record says that there was none, or the case never came to it."""

    RECORDED = "recorded"
    NONE = "none"
    MISSING = "missing"
    BY_HAND = "by_hand"


class Asks(StrEnum):
    """Who asks for an item."""

    US = "us"
    UK = "uk"
    BOTH = "both"
    KYPHOPLASTY = "kyphoplasty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of the note. `steps`: the keys of the rows that hold it or lack it; `detail`: what is lacking where."""

    key: str
    label: str
    asks: Asks
    having: Having
    steps: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Lack:
    """What is missing. `key` never changes; `step` is the row to go to, empty where there is none; `by_hand`: no step
    can hold it, it is written into the note."""

    key: str
    label: str
    step: str
    by_hand: bool = False
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What was found: the rows that have it, the rows that lack it with what they lack."""

    has: tuple[str, ...] = ()
    lacks: tuple[tuple[str, str], ...] = ()
    having: Having | None = None


type _Check = Callable[[Progress, Landmarks], _Answer]


def items(progress: Progress) -> list[Item]:
    """Every item of the lists with what the record has of it. Empty for a case that was never started."""
    if progress.state.started_at is None:
        return []
    marks = Landmarks(progress.protocol)
    return [
        _item(key, str(label), asks, check(progress, marks) if check else _Answer(having=Having.BY_HAND))
        for key, label, asks, check in _ITEMS
    ]


def missing(progress: Progress) -> list[Lack]:
    """What the note still needs, in the order of the lists: what a step can still give, and what is given by hand."""
    return [
        Lack(i.key, i.label, next(iter(i.steps), ""), i.having is Having.BY_HAND, i.detail)
        for i in items(progress)
        if i.having in (Having.MISSING, Having.BY_HAND)
    ]


def label(key: str) -> str:
    """The name of an item; its key where the lists do not know it any more."""
    return next((str(words) for name, words, _asks, _check in _ITEMS if name == key), key)


def _item(key: str, label: str, asks: Asks, answer: _Answer) -> Item:
    if answer.having is not None:
        having = answer.having
    elif answer.lacks:
        having = Having.MISSING
    else:
        having = Having.RECORDED if answer.has else Having.NONE
    steps = tuple(step for step, _what in answer.lacks if step) if having is Having.MISSING else answer.has
    detail = "; ".join(dict.fromkeys(what for _step, what in answer.lacks if what))
    return Item(key=key, label=label, asks=asks, having=having, steps=steps, detail=detail)


# What the checks are made of --------------------------------------------------------------------------------


def _where(place: Place) -> str:
    return f"{place.key.level} {rules.side_name(place.key.side)}".strip()


def _told(place: Place, labels: Iterable[str]) -> str:
    said, where = ", ".join(labels), _where(place)
    return f"{where}: {said}" if where else said


def _of_entries(progress: Progress, step: Step | None, *keys: str, owed: bool = True) -> _Answer:
    """Each live entry of a step has a value for each of the keys. `owed`: without an entry it is missing."""
    if step is None:
        return _Answer()
    places = progress.by_code.get(step.code, [])
    has: list[str] = []
    lacks: list[tuple[str, str]] = []
    for place in places:
        for entry in place.step.live:
            empty = [f.label for key in keys if (f := step.field(key)) and not _given(entry, key)]
            if empty:
                lacks.append((place.text, _told(place, empty)))
            else:
                has.append(place.text)
        if owed and not place.step.live and _is_due(progress, place):
            lacks.append((place.text, _told(place, [_("not recorded")])))
    return _Answer(tuple(dict.fromkeys(has)), tuple(lacks))


def _given(entry: Entry, key: str) -> bool:
    """Whether the entry has the value. "Other" is no drug without its name."""
    value = entry.values.get(key)
    if key == "drug" and value == "other":
        value = entry.values.get("other_drug")
    return value not in (None, "", [])


def _is_due(progress: Progress, place: Place) -> bool:
    """Whether a row without an act is missing: it was to be done, and nobody has said that it was not.

    A case that was stopped owes only what follows a needle: how it was closed, the blood loss, the dose.
    """
    if place.step.status is not StepStatus.PENDING or not progress.expected(place):
        return False
    if progress.state.ended in (None, CaseStatus.COMPLETED):
        return True
    followed = place.definition.phase in (Phase.AFTER, Phase.RECOVERY)
    return followed and bool(entries(progress, Landmarks(progress.protocol).needle))


def _in_team(progress: Progress, *roles: Role) -> bool:
    return any(member.role in roles for member in progress.state.team)


def _yes(has: bool) -> _Answer:
    return _Answer(having=Having.RECORDED if has else Having.MISSING)


def _merged(*answers: _Answer) -> _Answer:
    return _Answer(
        tuple(dict.fromkeys(step for a in answers for step in a.has)),
        tuple(lack for a in answers for lack in a.lacks),
    )


# The checks -------------------------------------------------------------------------------------------------


def _operator(progress: Progress, _marks: Landmarks) -> _Answer:
    return _yes(_in_team(progress, Role.OPERATOR))


def _assistants(progress: Progress, _marks: Landmarks) -> _Answer:
    return _Answer(having=Having.RECORDED if _in_team(progress, Role.ASSISTANT) else Having.NONE)


def _anaesthetist(progress: Progress, marks: Landmarks) -> _Answer:
    """Who gave the sedation or the anaesthesia; nobody need have, where there was none."""
    if _in_team(progress, Role.ANAESTHETIST, Role.SEDATION_NURSE):
        return _yes(has=True)
    modes = [value for _p, _e, value in measured(progress, Measure.ANAESTHESIA)]
    if modes and set(modes) <= set(SILENT):
        return _Answer(having=Having.NONE)
    step = progress.protocol.by_milestone.get(Milestone.SEDATION)
    return _Answer(lacks=((step.code if step else "", ""),))


def _procedure(progress: Progress, marks: Landmarks) -> _Answer:
    """What was done at which vertebra: needle, balloon or cement, or the reason why nothing was."""
    done = [*entries(progress, marks.needle), *entries(progress, marks.cement)]
    if done or progress.state.ended:
        return _Answer(tuple(dict.fromkeys(place.text for place, _entry in done)), having=Having.RECORDED)
    rows = progress.by_code.get(marks.needle.code, []) if marks.needle else []
    return _Answer(lacks=tuple((place.text, _told(place, [_("not recorded")])) for place in rows[:1]))


def _times(progress: Progress, marks: Landmarks) -> _Answer:
    """The beginning stands with the case; the end is when the last needle is out."""
    return _of_entries(progress, marks.needle_out)


def _specimens(progress: Progress, marks: Landmarks) -> _Answer:
    return _of_entries(progress, marks.specimen, "specimen", "labelled", owed=False)


def _implants(progress: Progress, marks: Landmarks) -> _Answer:
    """Cement stays in the body: product and lot of the powder, and the lot of the liquid, for each batch."""
    step = marks.batch
    if step is None:
        return _Answer()
    product = next(f for f in step.fields if f.product_kind == "cement")
    answer = _of_entries(
        progress, step, product.key, "liquid_lot", owed=bool(entries(progress, marks.cement))
    )
    unnamed = tuple(
        (place.text, _("lot of the cement"))
        for place, entry in entries(progress, step)
        if (value := entry.values.get(product.key)) and not value.get("lot")
    )
    return _merged(answer, _Answer(lacks=unnamed))


def _antibiotic(progress: Progress, marks: Landmarks) -> _Answer:
    """Given, or the reason why not."""
    return _of_entries(progress, marks.antibiotic, "drug", "dose")


def _complications(progress: Progress, _marks: Landmarks) -> _Answer:
    step = progress.protocol.by_milestone.get(Milestone.COMPLICATION)
    return _of_entries(progress, step, "symptomatic", "action", "outcome", owed=False)


def _extra(progress: Progress, _marks: Landmarks) -> _Answer:
    """A vertebra that was not planned, which is added with its reason, and every deviation with its own."""
    added = any(not level.planned for level in progress.state.in_order())
    deviations = [s for s in progress.protocol.phase(Phase.ANY) if s.field("what") and s.field("reason")]
    answer = _merged(*(_of_entries(progress, s, "what", "reason", owed=False) for s in deviations))
    return _Answer(having=Having.RECORDED) if added and not answer.lacks else answer


def _closure(progress: Progress, marks: Landmarks) -> _Answer:
    return _of_entries(progress, marks.closure, "closure")


def _blood_loss(progress: Progress, marks: Landmarks) -> _Answer:
    return _of_entries(progress, marks.closure, "blood_loss")


def _instructions(progress: Progress, _marks: Landmarks) -> _Answer:
    """What recovery was told; the surgeon's own orders go into the note by hand beside it."""
    step = next((s for s in progress.protocol.phase(Phase.RECOVERY) if s.field("concerns")), None)
    rows = _of_entries(progress, step, "concerns", owed=False)
    return _Answer(rows.has, having=Having.BY_HAND)


def _access(progress: Progress, marks: Landmarks) -> _Answer:
    return _of_entries(progress, marks.needle, "approach", "gauge")


def _level_check(progress: Progress, _marks: Landmarks) -> _Answer:
    step = next(
        (s for s in progress.protocol.phase(Phase.LEVEL) for f in s.fields if f.measures is Measure.LEVEL),
        None,
    )
    return _of_entries(progress, step, "level_read", "count_method")


def _balloons(progress: Progress, marks: Landmarks) -> _Answer:
    step = marks.balloon
    product = next((f.key for f in step.fields if f.product_kind == "balloon"), "") if step else ""
    return _of_entries(progress, step, product, "size", "pressure", "volume", "stop_reason")


def _cement(progress: Progress, marks: Landmarks) -> _Answer:
    return _of_entries(progress, marks.cement, "batch", "volume", "stop_reason")


def _leaks(progress: Progress, marks: Landmarks) -> _Answer:
    at_levels = _of_entries(progress, marks.cement, "leak")
    return (
        _merged(at_levels, _on_images(progress, marks, "leak"))
        if entries(progress, marks.cement)
        else at_levels
    )


def _on_images(progress: Progress, marks: Landmarks, *keys: str) -> _Answer:
    """What the images say: it is enough that one of them says it."""
    answer = _of_entries(progress, marks.images, *keys)
    return _Answer(answer.has) if answer.has else answer


def _final_images(progress: Progress, marks: Landmarks) -> _Answer:
    return _on_images(progress, marks, "modality")


def _fluoroscopy(progress: Progress, marks: Landmarks) -> _Answer:
    return _on_images(progress, marks, "fluoro_time")


def _dose_area(progress: Progress, marks: Landmarks) -> _Answer:
    return _on_images(progress, marks, "dap")


def _anaesthesia(progress: Progress, _marks: Landmarks) -> _Answer:
    return _of_entries(progress, progress.protocol.by_milestone.get(Milestone.SEDATION), "mode")


def _drugs(progress: Progress, marks: Landmarks) -> _Answer:
    given = [_of_entries(progress, s, "drug", "dose", "route", owed=False) for s in marks.doses]
    local = _of_entries(progress, marks.local, "drug", "concentration", "volume")
    return _merged(*given, local)


def _legs_after(progress: Progress, marks: Landmarks) -> _Answer:
    """The legs were looked at after the patient had been turned."""
    steps = [s for s in marks.holding("power_left", "power_right") if s.phase is Phase.RECOVERY]
    answer = _merged(*(_of_entries(progress, s, "power_left", "power_right", "sensation") for s in steps))
    return _Answer(answer.has) if answer.has else answer


def _checklist(progress: Progress, _marks: Landmarks, *, milestone: Milestone) -> _Answer:
    return _of_entries(progress, progress.protocol.by_milestone.get(milestone), "present")


_ITEMS: tuple[tuple[str, object, Asks, _Check | None], ...] = (
    ("operator", gettext_lazy("Operator"), Asks.BOTH, _operator),
    ("assistants", gettext_lazy("Assistants"), Asks.BOTH, _assistants),
    ("anaesthetist", gettext_lazy("Who gave the anaesthesia"), Asks.UK, _anaesthetist),
    ("times", gettext_lazy("Date, beginning and end"), Asks.UK, _times),
    ("urgency", gettext_lazy("Elective or emergency"), Asks.UK, None),
    ("procedure", gettext_lazy("Procedure"), Asks.BOTH, _procedure),
    ("imaging", gettext_lazy("Indication: which imaging, and of when"), Asks.KYPHOPLASTY, None),
    ("diagnosis", gettext_lazy("Diagnosis after the operation"), Asks.BOTH, None),
    ("incision", gettext_lazy("Incision"), Asks.UK, None),
    ("findings", gettext_lazy("Findings"), Asks.BOTH, None),
    ("anaesthesia", gettext_lazy("Kind of anaesthesia"), Asks.KYPHOPLASTY, _anaesthesia),
    ("drugs", gettext_lazy("Drugs with dose"), Asks.KYPHOPLASTY, _drugs),
    ("antibiotic", gettext_lazy("Antibiotic"), Asks.UK, _antibiotic),
    ("clots", gettext_lazy("Prevention of clots"), Asks.UK, None),
    ("time_out", gettext_lazy("Time-out, and who was there"), Asks.KYPHOPLASTY,
     partial(_checklist, milestone=Milestone.TIME_OUT)),
    ("levels", gettext_lazy("Level confirmed on X-ray"), Asks.KYPHOPLASTY, _level_check),
    ("access", gettext_lazy("Access: approach and needle"), Asks.KYPHOPLASTY, _access),
    ("balloons", gettext_lazy("Balloons: size, pressure, volume"), Asks.KYPHOPLASTY, _balloons),
    ("implants", gettext_lazy("Cement: product and lots"), Asks.BOTH, _implants),
    ("cement", gettext_lazy("Cement: volume for each access"), Asks.KYPHOPLASTY, _cement),
    ("leaks", gettext_lazy("Cement leaks by kind"), Asks.KYPHOPLASTY, _leaks),
    ("complications", gettext_lazy("Complications"), Asks.UK, _complications),
    ("extra", gettext_lazy("Anything beyond the plan, with its reason"), Asks.UK, _extra),
    ("specimens", gettext_lazy("Specimens"), Asks.BOTH, _specimens),
    ("final_images", gettext_lazy("Final images"), Asks.KYPHOPLASTY, _final_images),
    ("fluoroscopy", gettext_lazy("Fluoroscopy time"), Asks.KYPHOPLASTY, _fluoroscopy),
    ("dose_area", gettext_lazy("Dose-area product"), Asks.KYPHOPLASTY, _dose_area),
    ("closure", gettext_lazy("Closure"), Asks.UK, _closure),
    ("blood_loss", gettext_lazy("Blood loss"), Asks.BOTH, _blood_loss),
    ("sign_out", gettext_lazy("Sign-out, and who was there"), Asks.KYPHOPLASTY,
     partial(_checklist, milestone=Milestone.SIGN_OUT)),
    ("legs_after", gettext_lazy("Legs after the procedure"), Asks.KYPHOPLASTY, _legs_after),
    ("instructions", gettext_lazy("Instructions for afterwards"), Asks.UK, _instructions),
)  # fmt: skip
