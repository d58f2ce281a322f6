"""Who may sign the operative note and when, who signs beside, and what may be added afterwards."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn
from uuid import UUID

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from . import completeness
from .account import to_sign
from .completeness import Lack
from .definitions import Role
from .progress import Place, Progress
from .rules import Act, Actor, Invalid, Refused, check_may
from .state import CaseState, Entry, LevelStatus, StepStatus

NOTE_LIMIT = 20_000  # characters of all sections of a note together
WORDS_LIMIT = 4_000  # of the words of an addendum
# What no step can hold is said in a section of the note (`operative_note.SECTIONS`).
SAID_IN = {
    "urgency": "urgency",
    "imaging": "indication",
    "diagnosis": "diagnosis_after",
    "incision": "position",
    "findings": "findings",
    "clots": "prophylaxis",
    "instructions": "instructions",
}


@dataclass(frozen=True, slots=True)
class Opened:
    """The open page in which a note is written: its own sign, and when the draft that it was drawn from was kept
    (`kept_sign`; empty where there was none)."""

    page: UUID | None = None
    kept: str = ""


def kept_sign(kept_at: datetime) -> str:
    """The moment at which a draft was kept, as a page sends it back."""
    return kept_at.astimezone(UTC).isoformat(timespec="microseconds")


def check_sign(progress: Progress, actor: Actor) -> None:
    """An operator signs once the team has signed out or the case was stopped, and no vertebra is left open."""
    check_may(actor, Act.SIGN)
    state = progress.state
    if state.signed:
        raise Refused("signed", _("This record is already signed."))
    if not to_sign(progress):
        raise Refused("not_signed_out", _("The operative note can be signed after the sign-out."))
    if state.emergency_at and not state.ended:
        raise Refused("emergency", _("Switch the emergency off first."))
    open_levels = [
        level.vertebra for level in state.in_order() if progress.level_status(level) is LevelStatus.OPEN
    ]
    if open_levels:
        said = {"levels": ", ".join(open_levels)}
        raise Refused("open_levels", _("Still open: %(levels)s. Complete or abandon it first.") % said)


def operators(state: CaseState) -> list[int]:
    """Who has been the operator of the case, in their order: whoever signs the note as its author."""
    return list(dict.fromkeys(m.user for m in state.team if m.role == Role.OPERATOR))


def passes_over(state: CaseState, actor: Actor) -> bool:
    """Whether this signature would stand in the place of the operator's own."""
    found = operators(state)
    return bool(found) and actor.id not in found


def check_instead(state: CaseState, actor: Actor, reason: str) -> str:
    """Another operator of the unit signs only with the reason why the operator of the case does not. Returns it; for
    the operator nothing."""
    if not passes_over(state, actor):
        return ""
    reason = reason.strip()
    if not reason:
        raise Invalid({"why_instead": _("Say why the operator of this case cannot sign.")})
    if len(reason) > 500:
        raise Invalid({"why_instead": _("At most 500 characters.")})
    return reason


def check_note(sections: Mapping[str, str], known: Collection[str]) -> dict[str, str]:
    """The note has no other sections than these, and something in it. Returns it without what is empty."""
    note = {key: text.strip() for key, text in sections.items() if text.strip()}
    if unknown := set(note) - set(known):
        raise Invalid({key: _("The note has no such section.") for key in unknown})
    if not note:
        raise Invalid({"": _("The note is empty.")})
    if sum(map(len, note.values())) > NOTE_LIMIT:
        raise Invalid({"": _("At most %(limit)s characters in all.") % {"limit": NOTE_LIMIT}})
    return note


def check_draft(sections: Mapping[str, str], known: Collection[str]) -> dict[str, str]:
    """What is kept of a note that is not signed yet: its sections as they were typed, empty ones among them."""
    if unknown := set(sections) - set(known):
        raise Invalid({key: _("The note has no such section.") for key in unknown})
    if sum(map(len, sections.values())) > NOTE_LIMIT:
        raise Invalid({"": _("At most %(limit)s characters in all.") % {"limit": NOTE_LIMIT}})
    return dict(sections)


def check_same_draft(opened: Opened, page: UUID | None, kept_at: datetime, name: str) -> None:
    """The draft that is kept (by the open page `page`, at `kept_at`, by its author `name`) is the one that this page
    was drawn from or has kept itself: what was typed elsewhere since is not written over unseen."""
    if kept_sign(kept_at) == opened.kept or (page is not None and page == opened.page):
        return
    moment = localtime(kept_at)
    when = {"name": name, "date": date_format(moment, "j F"), "time": f"{moment:%H:%M:%S}"}
    raise Refused(
        "elsewhere",
        _(
            "%(name)s kept this draft in another window or on another device on %(date)s at %(time)s, after this page "
            "was opened. Choose with which text you go on."
        )
        % when,
    )


def changed() -> str:
    """Why a note that was read before the last entries cannot be signed as it is."""
    return _("The record has changed since you read this note. Look at what changed, then sign.")


def added_to() -> str:
    """Why other values of an entry that was changed meanwhile are not taken as they were typed."""
    return _(
        "Somebody has added to this entry since you opened it. Look at what stands there, then add yours."
    )


def lacking(progress: Progress, note: Mapping[str, str], untouched: Collection[str] = ()) -> dict[str, Lack]:
    """What a complete note lacks, by its key: what a step could still give, and what the note itself does not say.

    `untouched`: the sections in which nothing was written by hand, whatever the program wrote there.
    """
    said = {key for key, text in note.items() if text.strip() and key not in untouched}
    return {
        lack.key: lack
        for lack in completeness.missing(progress)
        if not lack.by_hand or SAID_IN[lack.key] not in said
    }


def check_explained(lacking: Collection[str], explained: Mapping[str, str]) -> dict[str, str]:
    """Each thing that is missing has its reason. Returns the reasons of what is missing, and of nothing else."""
    given = {key: explained.get(key, "").strip() for key in lacking}
    errors = {f"why_{key}": _("Say why this is missing.") for key, reason in given.items() if not reason}
    errors |= {
        f"why_{key}": _("At most 500 characters.") for key, reason in given.items() if len(reason) > 500
    }
    if errors:
        raise Invalid(errors)
    return given


def check_cosign(progress: Progress, actor: Actor) -> None:
    """Another operator signs beside the one who signed: the one who was asked, where somebody was."""
    check_may(actor, Act.SIGN)
    state = progress.state
    if state.signed is None:
        raise Refused("not_signed", _("There is no signature yet to sign beside."))
    if state.cosigned:
        raise Refused("cosigned", _("This record is already co-signed."))
    if actor.id == state.signed.by:
        raise Refused("same_person", _("Somebody else has to co-sign: you signed this record."))
    if state.cosign_by not in (None, actor.id):
        raise Refused("not_yours", _("Another operator was asked to co-sign this record."))


def check_move(progress: Progress, actor: Actor) -> None:
    """Whoever signed, or an operator of the unit, may ask another co-signer, while the one who was asked has not
    signed: a colleague who left would hold the record open for ever."""
    state = progress.state
    own = state.signed is not None and state.signed.by == actor.id
    if not (own and actor.may(Act.RECORD)):
        check_may(actor, Act.SIGN)
    if state.signed is None:
        raise Refused("not_signed", _("There is no signature yet to sign beside."))
    if state.cosigned:
        raise Refused("cosigned", _("This record is already co-signed."))
    if state.cosign_by is None:
        raise Refused("nobody_asked", _("Nobody was asked: any other operator can co-sign this record."))


def check_read(state: CaseState, read_up_to: int | None) -> None:
    """Whoever signs beside has seen the record to its end, for it is what the signature stands on."""
    if read_up_to != state.last_seq:
        raise Refused(
            "changed", _("The record has gone on since you opened this note. See what is new, then co-sign.")
        )


def refuse_no_step() -> NoReturn:
    """The step is none of this case."""
    raise Refused("no_step", _("This case has no such step. Say it in words."))


def check_addendum(
    progress: Progress, actor: Actor, place: Place | None, about: int | None
) -> tuple[Place | None, Entry | None]:
    """A clinician adds to a signed record: in words, or to a step, one of whose entries may be meant."""
    check_may(actor, Act.RECORD)
    if progress.state.signed is None:
        raise Refused("not_signed", _("This record is not signed: correct it instead."))
    if place is None:
        return None, None
    if place.text not in progress.places or place.needs_side:
        refuse_no_step()
    if about is None:
        if place.step.mark and (not place.definition.many or place.step.mark.mark is not StepStatus.DONE):
            raise Refused(
                "already_done", _("This step has its entry. Choose that entry, or say it in words.")
            )
        return place, None
    entry = place.step.entry(about)
    if entry is None or not entry.live or entry.mark is not StepStatus.DONE:
        raise Refused("no_entry", _("There is no such entry. Open the case again."))
    return place, entry
