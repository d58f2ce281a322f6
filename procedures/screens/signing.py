"""The page on which an operator finishes the note and signs it: sections, what the record lacks, who co-signs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures import completeness, drafting, rules, signing_rules
from procedures.drafting import KeptNote
from procedures.models import Case, NoteDraft
from procedures.operative_note import SECTIONS
from procedures.signin import Way
from procedures.signing_rules import Opened, kept_sign
from procedures.state import StepStatus

from .note import MEANINGS, draft, operators
from .parts import FLAG_LABELS, Banner, flag_words, new_command_id
from .view import View

# Words that may be put into a section with one tap; the surgeon's answer, never the program's.
PICKS = {
    "urgency": (
        gettext_lazy("Elective."),
        gettext_lazy("Expedited."),
        gettext_lazy("Urgent."),
        gettext_lazy("Emergency."),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section as typed. `seen`: the sign of the record's words that its author has seen; `now`: those words, where
    they have become others; `asks`: what has to be written by hand; `said`: whether something was."""

    key: str
    title: str
    text: str
    seen: str
    now: str
    asks: list[str]
    said: bool
    picks: list[str]
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """Something that a complete note has. `step`: where it can still be given; `section`: where it is written."""

    key: str
    label: str
    detail: str
    step: str
    section: str
    section_title: str
    said: bool
    why: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """A newer draft, kept by another open page. `sign`: of the moment it was kept; `texts`: where both differ, the
    title, what was kept and what is typed here."""

    kept_at: datetime
    sign: str
    texts: list[tuple[str, str, str]]


@dataclass(slots=True, kw_only=True)
class SigningScreen:
    """All that sign.html draws. `flags`: a flag in words with the entries that have it (title, key, seq).

    `since`: how many entries came after the draft was made; `kept_at`: when it was kept, None where nothing is.
    `page`, `kept`: the sign of this page, and of the draft that it was drawn from; `elsewhere`: what stands kept, where
    that is newer.
    `operator`: whose case it is, where that is somebody else; `instead`: why they do not sign.
    """

    case: Case
    banner: Banner
    status_word: str
    role: str
    sections: list[Section]
    lacks: list[Lacking]
    flags: list[tuple[str, list[tuple[str, str, int]]]]
    candidates: list[tuple[int, str]]
    cosign_by: int | None
    seq: int
    since: int
    kept_at: datetime | None
    page: str
    kept: str
    elsewhere: Elsewhere | None
    why_not: str
    operator: str
    instead: str
    meaning: str
    way: Way
    errors: Mapping[str, str] = field(default_factory=dict)
    notice: str = ""
    command_id: str = field(default_factory=new_command_id)

    @property
    def changed(self) -> list[Section]:
        """The sections for which the record has other words by now."""
        return [section for section in self.sections if section.now]


def build(
    view: View,
    way: Way,
    typed: KeptNote | None = None,
    errors: Mapping[str, str] | None = None,
    notice: str = "",
    opened: Opened | None = None,
) -> SigningScreen:
    """The page with what was just typed (in the page `opened`), else with the draft, else with the words of the record.

    Raises Refused for whoever never signs.
    """
    rules.check_may(view.actor, rules.Act.SIGN)
    drafted, row = draft(view), NoteDraft.objects.filter(case=view.case, author=view.actor.id).first()
    kept = typed or _kept(row) or fresh(view, drafted)
    missing = errors or {}
    if typed is None or opened is None:
        opened = Opened(None, kept_sign(row.updated_at) if row else "")
    return SigningScreen(
        case=view.case,
        banner=view.banner,
        status_word=view.status_word,
        role=view.role,
        sections=_sections(view, kept, drafted, missing),
        lacks=_lacks(view, kept, drafted, missing),
        flags=_flags(view),
        candidates=_candidates(view),
        cosign_by=kept.cosign_by,
        seq=kept.seq,
        since=max(view.state.last_seq - kept.seq, 0),
        kept_at=row.updated_at if row else None,
        page=str(opened.page or new_command_id()),
        kept=opened.kept,
        elsewhere=_elsewhere(view, row, kept, opened),
        why_not=rules.why_not(signing_rules.check_sign, view.progress, view.actor),
        operator=_passed_over(view),
        instead=kept.explained.get("instead", ""),
        meaning=str(MEANINGS["instead" if _passed_over(view) else "author"]),
        way=way,
        errors=missing,
        notice=notice,
    )


def fresh(view: View, drafted: Mapping[str, str]) -> KeptNote:
    """A note in which nobody has written yet."""
    seen = {key: drafting.digest(text) for key, text in drafted.items()}
    return KeptNote(sections=drafted, seen=seen, seq=view.state.last_seq)


def kept(view: View, typed: KeptNote, take: str = "", leave: str = "") -> KeptNote:
    """What is kept of what was typed. `take`: this section gets the words that the record has by now; `leave`: this one
    stays as it was written, and its author has seen the others."""
    drafted = draft(view)
    sections, seen = dict(typed.sections), dict(typed.seen)
    if take in drafted:
        sections[take] = drafted[take]
    for key, text in drafted.items():
        sign = drafting.digest(text)
        if key in (take, leave) or drafting.digest(sections.get(key, "")) == sign:
            seen[key] = sign
    even = all(seen.get(key) == drafting.digest(text) for key, text in drafted.items())
    return KeptNote(
        sections=sections,
        seen=seen,
        seq=view.state.last_seq if even else min(typed.seq, view.state.last_seq),
        explained=typed.explained,
        cosign_by=typed.cosign_by,
    )


def ready(view: View, typed: KeptNote, opened: Opened) -> frozenset[str]:
    """Whether this can be signed, before a password is asked for. Returns the sections written by the program alone.

    Raises Refused or Invalid with all that is still wrong.
    """
    signing_rules.check_sign(view.progress, view.actor)
    if row := NoteDraft.objects.filter(case=view.case, author=view.actor.id).first():
        name = view.names[view.actor.id].name
        signing_rules.check_same_draft(opened, row.page, row.updated_at, name)
    drafted = draft(view)
    if any(
        typed.seen.get(key) != drafting.digest(text)
        for key, text in drafted.items()
        if not _same(typed, key, text)
    ):
        raise rules.Refused("changed", signing_rules.changed())
    said = signing_rules.check_note(typed.sections, SECTIONS)
    untouched = _untouched(typed, drafted)
    lacks = signing_rules.lacking(view.progress, said, untouched)
    wrong: dict[str, str] = {}
    for check in (
        lambda: signing_rules.check_explained(lacks, typed.explained),
        lambda: signing_rules.check_instead(view.state, view.actor, typed.explained.get("instead", "")),
    ):
        try:
            check()
        except rules.Invalid as invalid:
            wrong |= invalid.errors
    if wrong:
        raise rules.Invalid(wrong)
    return untouched


def check_cosign(view: View, read_up_to: int | None) -> None:
    """Whether this person can sign beside the author, before a password is asked for. Raises Refused."""
    signing_rules.check_cosign(view.progress, view.actor)
    signing_rules.check_read(view.state, read_up_to)


def _same(typed: KeptNote, key: str, text: str) -> bool:
    return drafting.digest(typed.sections.get(key, "")) == drafting.digest(text)


def _untouched(note: KeptNote, drafted: Mapping[str, str]) -> frozenset[str]:
    """The sections that say what the record says, or said when its author looked, and not a word more."""
    signs = {key: {note.seen.get(key), drafting.digest(text)} for key, text in drafted.items()}
    return frozenset(key for key in signs if drafting.digest(note.sections.get(key, "")) in signs[key])


def _passed_over(view: View) -> str:
    """The operators of the case, where the reader was none of them."""
    if not signing_rules.passes_over(view.state, view.actor):
        return ""
    return ", ".join(view.names[user].name for user in signing_rules.operators(view.state))


def _elsewhere(view: View, row: NoteDraft | None, note: KeptNote, opened: Opened) -> Elsewhere | None:
    """What stands kept, where that is newer than what this page was drawn from."""
    theirs = _kept(row)
    if row is None or theirs is None or not newer(row, opened):
        return None
    texts = [
        (str(title), theirs.sections.get(key, ""), note.sections.get(key, ""))
        for key, title in SECTIONS.items()
    ]
    texts += [
        (
            _("Why you sign in the operator's place")
            if key == "instead"
            else _("Why this is missing: %(item)s") % {"item": completeness.label(key)},
            theirs.explained.get(key, ""),
            note.explained.get(key, ""),
        )
        for key in {**theirs.explained, **note.explained}
    ]
    texts = [words for words in texts if words[1].strip() != words[2].strip()]
    if theirs.cosign_by != note.cosign_by:
        names: dict[int | None, str] = dict(_candidates(view))
        texts.append((_("Co-signature"), names.get(theirs.cosign_by, ""), names.get(note.cosign_by, "")))
    return Elsewhere(kept_at=row.updated_at, sign=kept_sign(row.updated_at), texts=texts)


def newer(row: NoteDraft, opened: Opened) -> bool:
    """Whether another open page has kept this draft since."""
    return bool(rules.why_not(signing_rules.check_same_draft, opened, row.page, row.updated_at, ""))


def _kept(row: NoteDraft | None) -> KeptNote | None:
    if row is None:
        return None
    return KeptNote(
        sections=row.sections,
        seen=row.seen,
        seq=row.seq,
        explained=row.explained,
        cosign_by=row.cosign_by_id,
    )


def _by_hand(view: View) -> dict[str, list[completeness.Lack]]:
    """What no step can hold, by the section that it is written into."""
    found: dict[str, list[completeness.Lack]] = {}
    for lack in completeness.missing(view.progress):
        if lack.by_hand:
            found.setdefault(signing_rules.SAID_IN[lack.key], []).append(lack)
    return found


def _sections(
    view: View, note: KeptNote, drafted: Mapping[str, str], errors: Mapping[str, str]
) -> list[Section]:
    by_hand, untouched = _by_hand(view), _untouched(note, drafted)
    found = []
    for key, title in SECTIONS.items():
        text, now = note.sections.get(key, drafted[key]), drafted[key]
        seen = note.seen.get(key, "")
        news = seen != drafting.digest(now) and drafting.digest(text) != drafting.digest(now)
        found.append(
            Section(
                key=key,
                title=str(title),
                text=text,
                seen=seen if news else drafting.digest(now),
                now=(now or _("(nothing)")) if news else "",
                asks=[lack.label for lack in by_hand.get(key, ())],
                said=bool(text.strip()) and key not in untouched,
                picks=[str(word) for word in PICKS.get(key, ())],
                error=errors.get(key) or errors.get(f"s_{key}", ""),
            )
        )
    return found


def _lacks(
    view: View, note: KeptNote, drafted: Mapping[str, str], errors: Mapping[str, str]
) -> list[Lacking]:
    """Everything that may have to be explained; what is written by hand among it, whether it is written yet or not."""
    untouched = _untouched(note, drafted)
    found = []
    for lack in completeness.missing(view.progress):
        section = signing_rules.SAID_IN.get(lack.key, "") if lack.by_hand else ""
        found.append(
            Lacking(
                key=lack.key,
                label=lack.label,
                detail=lack.detail if lack.detail.casefold() != lack.label.casefold() else "",
                step="" if lack.by_hand else lack.step,
                section=section,
                section_title=str(SECTIONS[section]) if section else "",
                said=bool(section and note.sections.get(section, "").strip() and section not in untouched),
                why=note.explained.get(lack.key, ""),
                error=errors.get(f"why_{lack.key}", ""),
            )
        )
    return found


def _flags(view: View) -> list[tuple[str, list[tuple[str, str, int]]]]:
    """Flag by flag, the entries that count and have it."""
    found: dict[str, list[tuple[str, str, int]]] = {str(label): [] for label in FLAG_LABELS.values()}
    for place in view.progress.places.values():
        for entry in place.step.entries:
            if entry.live and entry.mark is StepStatus.DONE:
                for word in flag_words(entry):
                    found[word].append((rules.title(place), place.text, entry.seq))
    return [(word, entries) for word, entries in found.items() if entries]


def _candidates(view: View) -> list[tuple[int, str]]:
    """The other operators of the unit."""
    return [row for row in operators(view) if row[0] != view.actor.id]
