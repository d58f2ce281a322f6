"""The Record: a case that a surgeon reads in a minute, and every entry and event behind it. Read-only.

`build` gives a `RecordScreen`: frozen parts in plain text, numbers with their units, nothing of HTML, so that the page,
the print and the PDF show the same.

| part                          | from         | what                                                            |
|-------------------------------|--------------|-----------------------------------------------------------------|
| title, figures, facts         | heading.py   | the procedure in words, the numbers to look at first            |
| timeline                      | course.py    | everything on one axis of time (`procedures/timeline.py`)       |
| levels                        | levels.py    | vertebra by vertebra and side by side                           |
| drugs, local, radiation       | doses.py     | what was given, with sums                                       |
| devices                       | devices.py   | implants and devices with all that identifies them              |
| people, checks, complications | people.py    | who, the spoken lists, what went wrong                          |
| flags, bursts, corrections    | marks.py     | what a reader must look at                                      |
| signing                       | signatures.py | who signed which note, and what was added later                 |
| items                         |              | what a complete operative note needs (`procedures/completeness.py`) |
| parts, lines                  | steps.py     | every entry step by step; every event in order (`feed.py`)      |
"""

from dataclasses import dataclass
from typing import Any

from procedures import completeness
from procedures.completeness import Having, Item
from procedures.models import Case, User
from procedures.screens import clocks, feed, vitals
from procedures.screens.parts import Banner
from procedures.screens.view import Missing, View
from procedures.state import EventKind
from procedures.timeline import Timeline

from . import course, devices, doses, heading, levels, marks, people, signatures, steps
from .steps import RecordPart, RecordStep

__all__ = ["RecordPart", "RecordScreen", "RecordStep", "build", "of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordScreen:
    """All that record.html draws. `corrected` and `voided` are the seqs of events that later ones changed.

    `missing` are details that entries still lack; `items` what the operative note needs, whether it is there or not.
    """

    case: Case
    banner: Banner
    status_word: str
    role: str
    title: str
    figures: list[heading.Figure]
    facts: list[tuple[str, str]]
    signing: signatures.SignatureBlock
    items: list[Item]
    missing: list[Missing]
    flags: list[marks.FlagCount]
    bursts: list[marks.Burst]
    timeline: Timeline | None
    levels: levels.LevelTable | None
    drugs: list[doses.Drug]
    local: list[doses.Local]
    local_totals: list[doses.LocalTotal]
    radiation: list[doses.Radiation]
    images: list[doses.Image]
    devices: list[devices.Device]
    complications: list[people.Complication]
    checks: list[people.Check]
    people: list[people.Member]
    corrections: list[marks.Correction]
    timings: list[clocks.TimingLine]
    vitals: vitals.VitalsView | None
    parts: list[RecordPart]
    lines: list[feed.Line]
    voided: set[int]
    moved: set[int]
    corrected: set[int]

    @property
    def lacking(self) -> list[Item]:
        """What the note needs, a step could hold, and the record does not have."""
        return [item for item in self.items if item.having is Having.MISSING]

    @property
    def by_hand(self) -> list[Item]:
        """What the note needs and no step can hold."""
        return [item for item in self.items if item.having is Having.BY_HAND]

    @property
    def there(self) -> int:
        """How many items of the note the record has, or knows that there was none of."""
        return len(self.items) - len(self.lacking) - len(self.by_hand)

    @property
    def asks(self) -> bool:
        """Whether what is missing should still be given: nothing more is to come, and nobody has signed."""
        return bool(self.lacking) and not self.running and not self.signing.signatures

    @property
    def running(self) -> bool:
        """Whether more is still to come."""
        return self.case.ended_at is None


def build(user: User, pk: Any) -> RecordScreen:
    """The record for this person. Raises Case.DoesNotExist."""
    return of(View.load(user, pk))


def of(view: View) -> RecordScreen:
    """The record of a case as a view knows it: one statement for its events, one for the names in them."""
    events = list(reversed(feed.since(view.case, 0)))
    lines = feed.lines(events, view, whole=True)
    moved = {e.about for e in events if e.about and e.kind is EventKind.EVENT_MOVED and "to" in e.values}
    voided = {e.about for e in events if e.about and e.kind is EventKind.EVENT_VOIDED}
    radiation, local = doses.radiation(view), doses.local(view)
    return RecordScreen(
        case=view.case,
        banner=view.banner,
        status_word=view.status_word,
        role=view.role,
        title=heading.title(view),
        figures=list(heading.figures(view, radiation)),
        facts=heading.facts(view),
        signing=signatures.block(view, events),
        items=completeness.items(view.progress),
        missing=view.missing(),
        flags=marks.flag_counts(view),
        bursts=marks.burst_views(view, events),
        timeline=course.plot(view, events),
        levels=levels.table(view),
        drugs=doses.drugs(view),
        local=local,
        local_totals=doses.local_totals(view, local),
        radiation=radiation,
        images=doses.images(view),
        devices=devices.devices(view),
        complications=people.complications(view),
        checks=people.checks(view),
        people=people.people(view),
        corrections=marks.corrections(lines),
        timings=clocks.timings(view.progress, course.until(view)),
        vitals=vitals.view(view.progress, limit=None),
        parts=steps.parts(view),
        lines=lines,
        voided=voided | moved,
        moved=moved,
        corrected={line.about for line in lines if line.kind == "step.corrected" and line.about},
    )
