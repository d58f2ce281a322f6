"""What the case log and the statistics know of one case, beyond its summary: where the time went, what each vertebra
got, the radiation, and the words by which it is found. Folded with the summary and kept on the case. Pure.

Time: the stretch between two successive acts belongs to the step that ends it. So the parts add up to the whole, and no
part depends on when somebody found a hand to tap. What may happen at any time ends no stretch, nor does what was added
after signing or what was done to the procedure once the patient had left the table (a CT on the next day).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from .definitions import FieldType, Measure, Milestone, Phase, Step
from .letters import plain
from .progress import Place, Progress
from .state import CaseStatus, Entry, Flag, LevelState, Source

STRETCHES = ("before", "room", "needle", "balloon", "cement", "hardened", "after", "recovery", "discharge")
IN_ROOM = (Phase.BEFORE, Phase.ROOM, Phase.LEVEL, Phase.AFTER)
RADIATION = (Measure.FLUORO_S, Measure.DAP, Measure.KERMA)
# While the patient is on the table a tick costs what it must: nobody asks yet where the time went.
WHOLE = (CaseStatus.RECOVERY, CaseStatus.COMPLETED, CaseStatus.STOPPED)
MOST_WORDS, LONGEST_WORD = 200, 60
_LEAKED = {True: "yes", False: "no", None: "unknown"}
_WORD = re.compile(r"[^\s,;:()\[\]\"“”!?]+")


@dataclass(frozen=True, slots=True)
class Account:
    """Columns of the case of the same names. `words` are lower case; `facets` are `level:L1`, `flag:late`, `lot:…`;
    `skin_seconds`: from the first needle in to the last needle out; `treated`: vertebrae that got cement."""

    account: dict[str, Any]
    facets: list[str]
    words: list[str]
    skin_seconds: int | None
    treated: int
    cement_by_level: list[Decimal]
    to_sign: bool


class _Reader:
    """One pass over what was recorded and still counts."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.state = progress.state
        self.entries = [(place, entry) for place in progress.places.values() for entry in place.step.live]

    def measured(self, measure: Measure) -> Iterator[tuple[Place, Entry, Any]]:
        """The values that say this to the case."""
        for place, entry in self.entries:
            if (field := place.definition.measuring(measure)) and field.key in entry.values:
                yield place, entry, entry.values[field.key]

    # Where the time went ------------------------------------------------------------------------------------

    def times(self) -> tuple[dict[str, int], dict[str, int]]:
        """Seconds of each stretch and of each step."""
        stretches: dict[str, int] = {}
        steps: dict[str, int] = {}
        before = self.state.started_at
        for place, entry in timed_acts(self.progress):
            moment, definition = entry.performed_at, place.definition
            if before and moment > before:
                seconds = round((moment - before).total_seconds())
                name = stretch(definition)
                stretches[name] = stretches.get(name, 0) + seconds
                steps[definition.code] = steps.get(definition.code, 0) + seconds
                before = moment
            elif before:
                steps.setdefault(definition.code, 0)
        return {name: stretches[name] for name in STRETCHES if name in stretches}, steps

    # Level by level -----------------------------------------------------------------------------------------

    @cached_property
    def levels(self) -> dict[str, dict[str, Any]]:
        """What each vertebra got: cement in mL, leaks (None: nobody answered), sides, approaches."""
        return {level.vertebra: self._level(level) for level in self.state.in_order()}

    def _level(self, level: LevelState) -> dict[str, Any]:
        here = level.vertebra
        amounts = [
            Decimal(v["amount"]) for p, _e, v in self.measured(Measure.CEMENT_ML) if p.key.level == here
        ]
        answers = [v for p, _e, v in self.measured(Measure.LEAK) if p.key.level == here]
        leaks = sorted({answer for given in answers for answer in given} - {"none"})
        approaches = {v for p, _e, v in self.measured(Measure.APPROACH) if p.key.level == here}
        return {
            "cement": format(sum(amounts, Decimal()), "f") if amounts else None,
            "leak": leaks if answers else None,
            "sides": list(level.sides),
            "approach": sorted(approaches),
        }

    # The rest -----------------------------------------------------------------------------------------------

    def account(self) -> dict[str, Any]:
        """The figures; radiation in s, Gy·cm² and mGy, all images together."""
        stretches, steps = self.times()
        found: dict[str, Any] = {"stretches": stretches, "steps": steps, "levels": self.levels}
        for measure in RADIATION:
            if amounts := [Decimal(value["amount"]) for _p, _e, value in self.measured(measure)]:
                found[measure.value] = format(sum(amounts, Decimal()), "f")
        if mode := self.mode():
            found["mode"] = mode
        late = sum(1 for _p, entry in self.entries if Flag.LATE in entry.flags)
        return {**found, "entries": len(self.entries), "late": late}

    def mode(self) -> str:
        """The anaesthesia that it came to; empty where none was recorded."""
        given = ((e.performed_at, e.seq, value) for _p, e, value in self.measured(Measure.ANAESTHESIA))
        return max(given, default=(None, 0, ""))[2]

    def lots(self) -> set[str]:
        """The lots of all that was used, as they are written."""
        found = {str(value) for _p, _e, value in self.measured(Measure.LOT)}
        for place, entry in self.entries:
            for field in place.definition.fields:
                if field.type is FieldType.PRODUCT and (value := entry.values.get(field.key)):
                    found.add(str(value.get("lot") or ""))
        return found - {""}

    def products(self) -> set[int]:
        """The products of the catalogue that were used, by their ids."""
        return {
            value["id"]
            for place, entry in self.entries
            for field in place.definition.fields
            if field.type is FieldType.PRODUCT and (value := entry.values.get(field.key)) and value.get("id")
        }

    def facets(self, *, to_sign: bool, leak: bool | None) -> list[str]:
        """What the case log can ask for."""
        state, found = self.state, set[str]()
        found |= {f"level:{vertebra}" for vertebra in self.levels}
        found |= {f"{m.role}:{m.user}" for m in state.team if m.role in ("operator", "assistant")}
        found |= {f"approach:{name}" for level in self.levels.values() for name in level["approach"]}
        found |= {f"sides:{len(level['sides'])}" for level in self.levels.values() if level["sides"]}
        found |= {f"complication:{value}" for _p, _e, value in self.measured(Measure.COMPLICATION)}
        found |= {f"leak:{kind}" for _p, _e, given in self.measured(Measure.LEAK) for kind in given}
        found |= {f"lot:{lot.lower()}" for lot in self.lots()}
        found |= {f"product:{number}" for number in self.products()}
        if mode := self.mode():
            found.add(f"mode:{mode}")
        found.add(f"planned:{state.plan['anaesthesia']}")
        found.add(f"leaked:{_LEAKED[leak]}")
        for _place, entry in self.entries:
            found |= {f"flag:{flag}" for flag in entry.flags}
            if entry.source != Source.LIVE:
                found.add(f"flag:{entry.source}")
        marks = {
            "unsigned": to_sign,
            "signed": state.signed,
            "cosign": state.cosign_by and not state.cosigned,
            "addendum": state.addenda,
            "deficits": self.progress.deficits,
        }
        return sorted(found | {f"flag:{name}" for name, is_so in marks.items() if is_so})

    def words(self) -> list[str]:
        """The words of what was written down, and the lots: what the free search finds, apart from the patient."""
        found = dict.fromkeys(plain(lot) for lot in sorted(self.lots()))
        for place, entry in self.entries:
            for field in place.definition.fields:
                if field.type is FieldType.TEXT and (value := entry.values.get(field.key)):
                    found.update(dict.fromkeys(words_of(str(value))))
        return [word[:LONGEST_WORD] for word in list(found)[:MOST_WORDS]]


def timed_acts(progress: Progress) -> list[tuple[Place, Entry]]:
    """The acts between which the time of a case is divided, in the order of time."""
    rows = [p for p in progress.places.values() if p.definition.phase is not Phase.ANY]
    found = [(p, e) for p in rows for e in p.step.live if not e.added]
    turned = min(
        (e.performed_at for p, e in found if p.definition.milestone is Milestone.TURNED), default=None
    )
    on_table = [
        (p, e) for p, e in found if not (turned and p.definition.phase in IN_ROOM and e.performed_at > turned)
    ]
    return sorted(on_table, key=lambda pair: (pair[1].performed_at, pair[1].seq))


def stretch(definition: Step) -> str:
    """The part of the case that a step belongs to; at the vertebra its column in the grid, a batch the cement's."""
    if definition.phase is not Phase.LEVEL:
        return definition.phase.value
    column = definition.column.lower()
    return column if column in STRETCHES else "cement"


def words_of(text: str) -> list[str]:
    """The words of a text as they are looked for, without what stands around them."""
    words = (plain(found.strip(".-'’‘")) for found in _WORD.findall(text))
    return [word for word in words if any(sign.isalnum() for sign in word)]


def to_sign(progress: Progress) -> bool:
    """Whether the operative note is due: the team has signed out or the case was stopped, and nobody has signed it."""
    state = progress.state
    if state.signed or state.ended in (CaseStatus.CANCELLED, CaseStatus.VOIDED):
        return False
    step = progress.protocol.by_milestone.get(Milestone.SIGN_OUT)
    signed_out = bool(step and (row := state.steps.get(step.code)) and row.live)
    return signed_out or state.ended is not None


def account(progress: Progress) -> Account:
    """What is kept on the case. Times and figures only from the recovery on (`WHOLE`), what a vertebra got from its
    first cement on, the rest always."""
    reader, due = _Reader(progress), to_sign(progress)
    amounts = [Decimal(level["cement"]) for level in reader.levels.values() if level["cement"]]
    summary = progress.summary()
    first, last = summary.first_needle_at, summary.last_needle_out_at
    whole = summary.status in WHOLE
    begun = any(level["cement"] or level["leak"] is not None for level in reader.levels.values())
    return Account(
        account=reader.account() if whole else {"levels": reader.levels} if begun else {},
        facets=reader.facets(to_sign=due, leak=summary.leak),
        words=reader.words(),
        skin_seconds=round((last - first).total_seconds()) if first and last and last >= first else None,
        treated=len(amounts),
        cement_by_level=amounts,
        to_sign=due,
    )
