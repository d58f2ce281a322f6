"""The Case screen: the whole procedure, the level grid, the step in hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Subquery
from django.db.models.functions import JSONObject
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from procedures import clock, projection, rules
from procedures.definitions import FieldType, Key, Milestone, Phase, Repeats, Role, SecondPerson
from procedures.directory import Person, people
from procedures.models import Allergy, Case, Membership, Product, User
from procedures.progress import Place, Progress
from procedures.protocols import frozen
from procedures.state import CaseState, Entry, LevelStatus, StepStatus

from . import feed
from .parts import (
    PHASE_LABELS,
    Banner,
    EntryView,
    FieldView,
    entry_view,
    field_view,
    flag_words,
    local_input,
    new_command_id,
    role_words,
    short_values,
    status_word,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the checklist. `state`: pending, done, not_done, not_applicable; `flags` are words."""

    key: str
    seed: int | None
    title: str
    where: str
    state: str
    current: bool
    summary: str
    at: datetime | None
    initials: str
    flags: list[str]
    entries: int
    missing: int
    unverified: bool
    owed: bool
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseView:
    """A stretch of the procedure. `settled`: nothing open in it, so it folds to one line."""

    code: str
    label: str
    rows: list[Row]
    done: int
    total: int
    settled: bool
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """One side of a cell of the level grid (`side` empty: the whole cell). `key`: the inner step to open."""

    side: str
    side_name: str
    key: str
    state: str
    current: bool
    text: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One column of a vertebra in the grid."""

    label: str
    halves: list[Half]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelView:
    """A vertebra: its cells, its rows, and its state in words."""

    vertebra: str
    state: str
    planned: bool
    reason: str
    sides: list[str]
    cells: list[Cell]
    rows: list[Row]
    open_side: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One thing that the record still lacks, with where to give it."""

    key: str
    seq: int | None
    sentence: str


@dataclass(slots=True, kw_only=True)
class Hand:
    """The step in hand. `mode`: record (a new entry), entry (one entry in view), none (nothing to do), start.

    `blocked` is the hard requirement in words, `warning` the soft one; `refusal` why nobody here may record it.
    """

    mode: str
    key: str = ""
    title: str = ""
    chip: str = ""
    instruction: str = ""
    button: str = ""
    fields: list[FieldView] = field(default_factory=list)
    sides: list[tuple[str, str]] = field(default_factory=list)
    side: str = ""
    performers: list[tuple[int, str]] = field(default_factory=list)
    performer: int = 0
    performed_at: str = ""
    blocked: str = ""
    may_override: bool = False
    override_reason: str = ""
    warning: str = ""
    refusal: str = ""
    critical: bool = False
    second_person: bool = False
    may_mark: bool = False
    further: bool = False
    entries: list[EntryView] = field(default_factory=list)
    entry: EntryView | None = None
    details: list[FieldView] = field(default_factory=list)
    corrections: list[FieldView] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)
    typed: Mapping[str, Any] = field(default_factory=dict)
    notice: str = ""
    now: str = ""
    command_id: str = field(default_factory=new_command_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """The offer to take back one's own last entry, until a minute after it was recorded."""

    key: str
    seq: int
    title: str
    seconds_left: int
    command_id: str


@dataclass(slots=True, kw_only=True)
class CaseScreen:
    """All that case.html draws."""

    case: Case
    banner: Banner
    levels_text: str
    operator: str
    protocol: str
    status: str
    status_word: str
    role: str
    may_record: bool
    done: int
    total: int
    phases: list[PhaseView]
    columns: list[str]
    levels: list[LevelView]
    hand: Hand
    any_time: list[tuple[str, str]]
    missing: list[Missing]
    feed: list[feed.Line]
    undo: Undo | None
    seen: int
    may_pause: bool
    changed: set[str] = field(default_factory=set)
    command_ids: dict[str, str] = field(default_factory=dict)


def for_screen(user: User, pk: Any) -> Case:
    """The case with all that its screens read, if the user may see it. Raises Case.DoesNotExist."""
    role = Membership.objects.filter(unit=OuterRef("unit"), user=user.pk).values("role")
    allergies = Allergy.objects.filter(patient=OuterRef("patient"), withdrawn_at=None).order_by("added_at")
    return (
        Case.objects.visible_to(user)
        .select_related("patient", "operator", "unit", "protocol")
        .annotate(
            actor_role=Subquery(role),
            allergy_list=ArraySubquery(allergies.values_list(JSONObject(id="id", substance="substance"))),
        )
        .get(pk=pk)
    )


class Builder:
    """Builds the Case screen of one person at one moment."""

    def __init__(self, user: User, pk: Any, state: CaseState | None = None) -> None:
        self.now = clock.now()
        self.case = for_screen(user, pk)
        self.context = projection.context(self.case.pk)
        self.state = projection.load(self.case, self.context)
        self.protocol = frozen.protocol(self.case.protocol_id)
        self.progress = Progress(self.protocol, self.state)
        self.actor = rules.Actor(user.pk, self._role(user))
        self.members = self._members()
        self.names = self._names(user)

    def _role(self, user: User) -> Role | None:
        role = self.case.actor_role  # type: ignore[attr-defined]
        in_team = (m.role for m in self.state.team if m.user == user.pk and m.until is None)
        found = role or next(in_team, None)
        return Role(found) if found else None

    def _members(self) -> list[tuple[int, str]]:
        """The clinicians who can have done something: the team first, then the unit."""
        rows = Membership.objects.filter(
            unit=self.case.unit_id, role__in=rules.CLINICIANS, user__is_active=True
        )
        unit = rows.order_by("user__display_name").values_list("user", "user__display_name")
        team = [m.user for m in self.state.team if m.until is None]
        return sorted(unit, key=lambda row: row[0] not in team)

    def _names(self, user: User) -> dict[int, Person]:
        ids = {user.pk} | {m.user for m in self.state.team}
        for step in self.state.steps.values():
            for entry in step.entries:
                ids |= {entry.performed_by, entry.recorded_by}
                if entry.verified_by:
                    ids.add(entry.verified_by)
        return people(ids)

    # The whole ----------------------------------------------------------------------------------------------

    def build(self, hand: Hand, since: int | None = None) -> CaseScreen:
        """The screen around a step in hand. `since`: mark as changed the rows that later events touched."""
        progress, case = self.progress, self.case
        summary = progress.summary()
        levels = [self._level(level.vertebra, hand.key) for level in self.state.in_order()]
        return CaseScreen(
            case=case,
            banner=Banner.of(case, localtime(self.now).date()),
            levels_text=", ".join(summary.levels),
            operator=case.operator.display_name if case.operator else "",
            protocol=f"{self.protocol.title} v{self.protocol.number}",
            status=summary.status.value,
            status_word=status_word(summary.status),
            role=role_words([self.actor.role]) if self.actor.role else "",
            may_record=self.actor.may(rules.Act.RECORD),
            done=summary.done,
            total=summary.total,
            phases=[self._phase(phase, hand.key) for phase in Phase if phase is not Phase.ANY],
            columns=self._columns(),
            levels=levels,
            hand=hand,
            any_time=[(step.code, step.button) for step in self.protocol.phase(Phase.ANY)],
            missing=self.missing(),
            feed=feed.latest(self.case, self.protocol, self.names),
            undo=self._undo(),
            seen=self.state.last_seq,
            may_pause=not rules.why_not(rules.check_running, self.state),
            changed={k for k, s in self.state.steps.items() if since is not None and s.last_seq > since},
            command_ids={
                name: new_command_id() for name in ("start", "pause", "resume", "emergency", "complete")
            },
        )

    def _phase(self, phase: Phase, current: str) -> PhaseView:
        places = [p for p in self.progress.places.values() if p.definition.phase is phase]
        expected = [p for p in places if self.progress.expected(p)]
        settled = sum(self.progress.settled(p) for p in expected)
        rows = [self._row(p, current) for p in places if not p.key.level]
        return PhaseView(
            code=phase.value,
            label=str(PHASE_LABELS[phase]),
            rows=rows,
            done=settled,
            total=len(expected),
            settled=bool(expected) and settled == len(expected),
            current=any(str(p.key) == current for p in places),
        )

    def _row(self, place: Place, current: str) -> Row:
        mark = place.step.mark
        deficits = [d for d in self.progress.deficits if d.key == place.key]
        return Row(
            key=str(place.key),
            seed=place.definition.seed,
            title=place.definition.title,
            where=self.where(place.key),
            state=place.step.status.value,
            current=str(place.key) == current,
            summary=short_values(place),
            at=mark.performed_at if mark else None,
            initials=self.names[mark.performed_by].initials if mark else "",
            flags=flag_words(mark) if mark else [],
            entries=len(place.step.live),
            missing=sum(d.what == "field" for d in deficits),
            unverified=any(d.what == "verification" for d in deficits),
            owed=self.progress.behind_partner(place),
            optional=not self.progress.expected(place),
        )

    @staticmethod
    def where(key: Key) -> str:
        return f"{key.level} {rules.side_name(key.side)}".strip()

    # The grid -----------------------------------------------------------------------------------------------

    def _columns(self) -> list[str]:
        return list(dict.fromkeys(step.column for step in self.protocol.steps if step.column))

    def _level(self, vertebra: str, current: str) -> LevelView:
        level = self.state.levels[vertebra]
        places = [p for p in self.progress.places.values() if p.key.level == vertebra]
        status = self.progress.level_status(level)
        free = [side for side in ("left", "right") if side not in level.sides]
        return LevelView(
            vertebra=vertebra,
            state=status.value,
            planned=level.planned,
            reason=level.reason,
            sides=list(level.sides),
            cells=[self._cell(label, level.sides, places, current) for label in self._columns()],
            rows=[self._row(p, current) for p in places],
            open_side=free[0] if level.sides and free and status is LevelStatus.OPEN else "",
        )

    def _cell(self, label: str, sides: Sequence[str], places: list[Place], current: str) -> Cell:
        inside = [p for p in places if p.definition.column == label]
        by_side = any(p.definition.repeats is Repeats.ACCESS for p in inside)
        halves = sides if by_side and sides else ("",)
        return Cell(label=label, halves=[self._half(side, inside, current) for side in halves])

    def _half(self, side: str, inside: list[Place], current: str) -> Half:
        rows = [p for p in inside if not side or p.key.side in ("", side)]
        expected = [p for p in rows if self.progress.expected(p)]
        open_rows = [p for p in expected if not self.progress.settled(p)]
        last = max(
            (p.step.mark for p in rows if p.step.mark), key=lambda entry: entry.performed_at, default=None
        )
        if not open_rows:
            marks = {p.step.status for p in expected}
            state = "done" if StepStatus.DONE in marks else ("skipped" if marks else "none")
        else:
            state = "begun" if last else "pending"
        target = open_rows[0] if open_rows else rows[-1]
        return Half(
            side=side,
            side_name=rules.side_name(side),
            key=str(target.key),
            state=state,
            current=any(str(p.key) == current for p in rows),
            text=next((text for p in rows if (text := short_values(p))), ""),
            at=last.performed_at if last else None,
        )

    # The rest -----------------------------------------------------------------------------------------------

    def missing(self) -> list[Missing]:
        grouped: dict[tuple[Key, int | None], list[str]] = {}
        for deficit in self.progress.deficits:
            what = {
                "verification": _("not yet verified"),
                "partner": _("one still inside"),
            }.get(deficit.what) or (deficit.field.label if deficit.field else "")
            grouped.setdefault((deficit.key, deficit.seq), []).append(what)
        found = []
        for (key, seq), whats in grouped.items():
            place = self.progress.places[str(key)]
            found.append(Missing(key=str(key), seq=seq, sentence=f"{rules.title(place)}: {', '.join(whats)}"))
        return found

    def _undo(self) -> Undo | None:
        """One's own last entry that still counts, while it can be taken back without a reason."""
        found: tuple[Place, Entry] | None = None
        for place in self.progress.places.values():
            for entry in place.step.entries:
                if (
                    entry.live
                    and entry.recorded_by == self.actor.id
                    and (not found or entry.seq > found[1].seq)
                ):
                    found = place, entry
        if not found or self.state.ended or not rules.is_slip(found[1], self.actor, self.now):
            return None
        left = rules.UNDO_WITHIN - (self.now - found[1].recorded_at)
        return Undo(
            key=str(found[0].key),
            seq=found[1].seq,
            title=rules.title(found[0]),
            seconds_left=int(left.total_seconds()),
            command_id=new_command_id(),
        )

    # The step in hand ---------------------------------------------------------------------------------------

    def next_hand(self, after: str = "", **typed: Any) -> Hand:
        """The step that comes up by itself."""
        if self.state.started_at is None and not self.state.ended:
            return Hand(
                mode="start", title=_("Not started"), refusal=rules.why_not(rules.check_start, self.state)
            )
        place = None if self.state.ended else self.progress.next_place(Key.parse(after) if after else None)
        return self.hand(str(place.key), **typed) if place else Hand(mode="none", title=_("Nothing is open"))

    def hand(
        self,
        key: str,
        *,
        typed: Mapping[str, Any] | None = None,
        errors: Mapping[str, str] | None = None,
        unusual: Mapping[str, str] | None = None,
        notice: str = "",
    ) -> Hand:
        """A step ready to be recorded, with what was typed and what was wrong with it."""
        place = self.progress.place(key)
        if place is None:
            return Hand(mode="none", title=_("This case has no such step."), notice=notice)
        definition, errors, unusual = place.definition, errors or {}, unusual or {}
        typed = typed or {}
        unmet = self.progress.unmet(place)
        hard = next((u for u in unmet if u.requirement.hard), None)
        soft = next((u for u in unmet if not u.requirement.hard), None)
        emergency = bool(self.state.emergency_at)
        done = place.step.mark is not None
        return Hand(
            mode="record",
            key=key,
            title=definition.title,
            chip=self._chip(place),
            instruction=definition.instruction,
            button=rules.title(place),
            fields=self._fields(place, typed, errors, unusual),
            sides=self._sides(place),
            side=str(typed.get("side", place.key.side)),
            performers=self.members,
            performer=self._performer(typed),
            performed_at=str(typed.get("performed_at", "")),
            blocked=rules.order_sentence(hard) if hard and not emergency else "",
            may_override=bool(hard) and self.actor.may(rules.Act.OVERRIDE),
            override_reason=str(typed.get("override_reason", "")),
            warning=rules.order_sentence(soft or hard) if (soft or (hard and emergency)) else "",  # type: ignore[arg-type]
            refusal=self._refusal(),
            critical=definition.critical,
            second_person=definition.second_person is not SecondPerson.NONE,
            may_mark=not done and not rules.why_not(rules.check_mark, self.progress, place, self.actor, "x"),
            further=done and definition.many,
            entries=[entry_view(place, e, self.names, self.actor, self.now) for e in place.step.entries],
            errors={k: v for k, v in errors.items() if definition.field(k) is None},
            typed=typed,
            notice=notice,
            now=local_input(self.now),
        )

    def entry_hand(
        self,
        key: str,
        seq: int,
        *,
        typed: Mapping[str, Any] | None = None,
        errors: Mapping[str, str] | None = None,
        unusual: Mapping[str, str] | None = None,
        notice: str = "",
    ) -> Hand:
        """One entry in view, with the forms to add details, correct, take back or verify it."""
        place = self.progress.place(key)
        entry = place.step.entry(seq) if place else None
        if place is None or entry is None:
            return Hand(mode="none", title=_("There is no such entry."), notice=notice)
        known = {e.seq: e for e in place.step.entries}
        shown = self._fields(place, typed or {}, errors or {}, unusual or {}, known[seq].values)
        hand = self.hand(key, notice=notice)
        hand.mode = "entry"
        hand.entry = entry_view(place, entry, self.names, self.actor, self.now)
        hand.details = [f for f in shown if f.key not in entry.values]
        hand.corrections = shown
        hand.errors = {k: v for k, v in (errors or {}).items() if place.definition.field(k) is None}
        hand.typed = typed or {}
        hand.performer = entry.performed_by
        hand.performed_at = str((typed or {}).get("performed_at", local_input(entry.performed_at)))
        return hand

    def _chip(self, place: Place) -> str:
        parts = []
        if place.definition.seed:
            parts.append(_("Step %(number)s") % {"number": place.definition.seed})
        if where := self.where(place.key):
            parts.append(where)
        if place.definition.roles:
            parts.append(_("done by %(role)s") % {"role": role_words(place.definition.roles[:2])})
        return " · ".join(parts)

    def _sides(self, place: Place) -> list[tuple[str, str]]:
        """The sides to choose from: at the first needle, and where the other side could have the same entry."""
        if place.definition.repeats is not Repeats.ACCESS:
            return []
        level = self.state.levels[place.key.level]
        if not level.sides and place.definition.milestone is Milestone.NEEDLE_IN:
            return [("left", _("Left")), ("both", _("Both sides")), ("right", _("Right"))]
        if len(level.sides) == 2 and not place.step.mark:
            other = self.state.steps[str(Key(place.key.code, place.key.level, _other(place.key.side)))]
            if not other.mark:
                return [("left", _("Left")), ("both", _("Both sides")), ("right", _("Right"))]
        return []

    def _performer(self, typed: Mapping[str, Any]) -> int:
        chosen = str(typed.get("performed_by", ""))
        return int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 10 else self.actor.id

    def _refusal(self) -> str:
        return rules.why_not(rules.check_may, self.actor, rules.Act.RECORD) or rules.why_not(
            rules.check_recordable, self.state
        )

    def _fields(
        self,
        place: Place,
        typed: Mapping[str, Any],
        errors: Mapping[str, str],
        unusual: Mapping[str, str],
        stored: Mapping[str, Any] | None = None,
    ) -> list[FieldView]:
        stored = stored or {}
        kinds = {f.product_kind for f in place.definition.fields if f.type is FieldType.PRODUCT}
        products = list(Product.objects.filter(kind__in=kinds, active=True)) if kinds else []
        found = []
        for f in place.definition.fields:
            choices: list[tuple[str, str]] = []
            if f.type is FieldType.PRODUCT:
                choices = [(str(p.pk), str(p)) for p in products if p.kind == f.product_kind]
            elif f.type is FieldType.PERSON:
                choices = [(str(pk), name) for pk, name in self.members]
            elif f.type is FieldType.ENTRY:
                choices = self._entry_choices(f.entry_of)
            found.append(
                field_view(
                    f,
                    stored=stored.get(f.key),
                    typed=typed or None,
                    choices=choices,
                    error=errors.get(f.key, ""),
                    unusual=unusual.get(f.key, ""),
                )
            )
        return found

    def _entry_choices(self, code: str) -> list[tuple[str, str]]:
        """The live entries of a step, numbered as the nurse counts them: "Cement batch 2, 10:12"."""
        step = self.state.steps.get(code)
        title = self.protocol.by_code[code].button
        return [
            (str(e.seq), f"{title} {n}, {localtime(e.performed_at):%H:%M}")
            for n, e in enumerate(step.live if step else (), start=1)
        ]


def _other(side: str) -> str:
    return "right" if side == "left" else "left"


def missing_words(count: int) -> str:
    """How many details are missing, in words."""
    return ngettext("%(count)s detail missing", "%(count)s details missing", count) % {"count": count}
