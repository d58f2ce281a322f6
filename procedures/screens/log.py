"""The case log: one row a case, the figures above, what is filtered and what else could be."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import QueryDict
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from procedures import caselog, clock, directory
from procedures.caselog import Filters, Tiles
from procedures.definitions import VERTEBRAE, Measure, Role, age_on
from procedures.models import Case, CaseTeam, SavedView, User
from procedures.models.case import INDICATIONS, STATUS_LABELS, CaseQuerySet
from procedures.rules import MAY, Act
from procedures.state import CaseStatus
from procedures.statistics import wilson

from .log_filters import Chip, Choice, Names, only
from .parts import role_words

# What the bar of a row is made of: the time on the table, from the line and the monitors to the dressing.
BAR = ("room", "needle", "balloon", "cement", "hardened", "after")
STRETCH_WORDS = {
    "before": gettext_lazy("Ward"),
    "room": gettext_lazy("Room, until draped"),
    "needle": gettext_lazy("Needle"),
    "balloon": gettext_lazy("Balloon"),
    "cement": gettext_lazy("Cement"),
    "hardened": gettext_lazy("Hardening"),
    "after": gettext_lazy("Images, counts, dressing"),
    "recovery": gettext_lazy("Recovery"),
    "discharge": gettext_lazy("Discharge"),
}
COLUMNS = {
    "date": gettext_lazy("Date"),
    "patient": gettext_lazy("Patient"),
    "levels": gettext_lazy("Levels"),
    "operator": gettext_lazy("Operator"),
    "indication": gettext_lazy("Indication"),
    "": gettext_lazy("Where the time went"),
    "skin": gettext_lazy("Skin to skin"),
    "cement": gettext_lazy("Cement"),
    "complications": gettext_lazy("Leak, complications"),
    "status": gettext_lazy("Status"),
}
ASCENDING_FIRST = {"patient", "operator", "indication", "status"}


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the bar: its name, where it begins and how wide it is, in 1000ths of the longest bar of the page."""

    name: str
    word: str
    x: int
    width: int
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case. `tone` and `status_word` are the pill; `flags` what a reader should know."""

    id: UUID
    at: datetime
    patient: str
    about: str
    room: str
    levels: str
    operator: str
    operator_name: str
    indication: str
    bar: list[Segment]
    bar_minutes: int
    skin: str
    cement: str
    marks: list[str]
    tone: str
    status_word: str
    flags: list[str]


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure with its words."""

    figure: str
    unit: str
    words: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A heading: `query` sorts by it; `sorted`: ascending, descending or nothing."""

    name: str
    label: str
    query: str
    sorted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FiguresScreen:
    """The figures above the log; `tiles` have no figure yet where they are asked for by themselves (`later`)."""

    tiles: list[Tile]
    query: str
    later: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogScreen:
    """All that case_log.html draws. `may_sign`: views of one's own signatures are offered."""

    role: str
    filters: Filters
    columns: list[Column]
    rows: list[Row]
    figures: FiguresScreen
    following: str
    before: str
    problems: list[str]
    chips: list[Chip]
    main: list[Choice]
    more: list[Choice]
    levels: list[tuple[str, bool]]
    flags: list[tuple[str, str, bool]]
    legend: list[tuple[str, str]]
    views: list[SavedView]
    may_sign: bool
    query: str
    sort: str


def build(user: User, filters: Filters, data: QueryDict) -> LogScreen:
    """The page that the address asks for: four statements.

    The figures of all that fit are asked for by the page itself, once its rows stand: among very many cases that takes
    longer than a page. An address that ends with `figures=1` has them at once (without scripts).
    """
    found, query = caselog.Found.of(user, filters), filters.query.urlencode()
    memberships = found.reach.memberships
    names = Names(filters, memberships)
    page = caselog.page(found, data)
    return LogScreen(
        role=role_words(dict.fromkeys(m.role for m in memberships)),
        filters=filters,
        columns=[_column(name, str(label), page.sort, filters) for name, label in COLUMNS.items()],
        rows=_rows(page.rows),
        figures=_of(found.cases, filters)
        if data.get("figures")
        else FiguresScreen(tiles=_BLANK, query=query, later=True),
        following=_with(filters.query, page.sort, page.following) if page.following else "",
        before=_with(filters.query, page.sort, page.before) if page.before else "",
        problems=[*names.problems(), *([page.problem] if page.problem else [])],
        chips=names.chips(),
        main=names.main(),
        more=names.more(),
        levels=[(level, level in filters.levels) for level in VERTEBRAE],
        flags=[(flag, str(label), flag in filters.flags) for flag, label in caselog.FLAGS.items()],
        legend=[(name, str(STRETCH_WORDS[name])) for name in BAR],
        views=caselog.views(user),
        may_sign=_may_sign(found.reach),
        query=query,
        sort=page.sort,
    )


def _may_sign(reach: caselog.Reach) -> bool:
    """Whether somebody can sign at all: by their role in a unit, or in the team of a case elsewhere."""
    if any(Role(one.role) in MAY[Act.SIGN] for one in reach.memberships):
        return True
    teams = CaseTeam.objects.filter(user=reach.user, role__in=MAY[Act.SIGN])
    return reach.elsewhere and teams.exists()


def in_words(user: User, filters: Filters) -> tuple[list[str], list[str]]:
    """The filters that are on, in words; and what could not be understood."""
    names = Names(filters, caselog.Reach.of(user).memberships)
    return [chip.words for chip in names.chips()], names.problems()


def kept_words(user: User, filters: Filters) -> str:
    """The filters that are on, in words to be kept with what was taken away."""
    return Names(filters, caselog.Reach.of(user).memberships).kept(user.display_name)


def figures(user: User, filters: Filters) -> FiguresScreen:
    """The figures of all the cases that fit: two statements."""
    return _of(caselog.Found.of(user, filters).cases, filters)


# Rows -----------------------------------------------------------------------------------------------------------------


def _rows(cases: Iterable[Case]) -> list[Row]:
    cases = list(cases)
    lengths = [sum(_stretches(case).get(name, 0) for name in BAR) for case in cases]
    longest = max(lengths, default=0)
    return [_row(case, longest) for case in cases]


def _row(case: Case, longest: int) -> Row:
    person = case.patient
    age = age_on(person.birth_date, localtime(case.scheduled_at).date())
    tone, word = _status(case)
    bar = _bar(_stretches(case), longest)
    return Row(
        id=case.pk,
        at=case.scheduled_at,
        patient=str(person),
        about=f"{age} · {person.mrn}",
        room=case.room,
        levels=", ".join(case.levels),
        operator=case.operator.initials if case.operator else "",
        operator_name=case.operator.display_name if case.operator else "",
        indication=str(INDICATIONS[case.indication]),
        bar=bar,
        bar_minutes=sum(segment.minutes for segment in bar),
        skin=duration(case.skin_seconds),
        cement=f"{case.cement_ml} mL" if case.treated else "",
        marks=_marks(case),
        tone=tone,
        status_word=word,
        flags=[
            str(label)
            for name, label in caselog.FLAGS.items()
            if _worth(name) and f"flag:{name}" in case.facets
        ],
    )


def _marks(case: Case) -> list[str]:
    """What went wrong, in words: "Leak: Disc (D)", "Bleeding, haematoma"."""
    kinds = _chosen(case, Measure.LEAK)
    leak = [_("Leak: %(kinds)s") % {"kinds": ", ".join(kinds)}] if kinds else [_("Leak")] if case.leak else []
    return leak + _chosen(case, Measure.COMPLICATION)


def _chosen(case: Case, measure: Measure) -> list[str]:
    words = dict(directory.options(measure))
    codes = (facet.partition(":") for facet in case.facets)
    return [words.get(code, code) for name, _colon, code in codes if name == measure and code != "none"]


def _worth(flag: str) -> bool:
    """What the pill does not say already."""
    return flag in ("late", "offline", "paper", "out_of_order", "overridden", "corrected", "expired")


def _stretches(case: Case) -> dict[str, int]:
    found: dict[str, int] = case.account.get("stretches", {})
    return found


def _bar(stretches: dict[str, int], longest: int) -> list[Segment]:
    found, x = [], 0
    for name in BAR:
        if seconds := stretches.get(name, 0):
            width = round(1000 * seconds / longest)
            found.append(Segment(name, str(STRETCH_WORDS[name]), x, max(width - 4, 2), round(seconds / 60)))
            x += width
    return found


def duration(seconds: float | None) -> str:
    """Minutes, from an hour on with the hours: "46 min", "1 h 12"."""
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02}"


def _status(case: Case) -> tuple[str, str]:
    """The pill of a row: its tone, and in words how far the record is."""
    if case.signed_at:
        if case.cosign_by_id and not case.cosigned_at:
            return "now", _("Signed, co-signature asked")
        if case.addenda:
            return "done", _("Signed · %(number)s added") % {"number": case.addenda}
        return "done", _("Signed")
    if case.to_sign:
        return "warn", _("To be signed · %(age)s") % {"age": _age(case)}
    tone = "now" if case.status in (CaseStatus.IN_PROGRESS, CaseStatus.RECOVERY) else ""
    return tone, str(STATUS_LABELS[CaseStatus(case.status)])


def _age(case: Case) -> str:
    """For how long the note has been waiting."""
    since = case.last_needle_out_at or case.ended_at or case.scheduled_at
    days = (clock.now() - since).days
    return _("today") if days < 1 else _("%(days)s d") % {"days": days}


# Figures --------------------------------------------------------------------------------------------------------------


def _count(figures: Tiles) -> str:
    return f"{figures.cases:,}+" if figures.more else f"{figures.cases:,}"


_BLANK = [Tile("", "", "")] * 5


def _of(found: CaseQuerySet, filters: Filters) -> FiguresScreen:
    return FiguresScreen(
        tiles=_tiles(caselog.tiles(found, filters.levels), filters.levels), query=filters.query.urlencode()
    )


def _tiles(figures: Tiles, levels: Sequence[str]) -> list[Tile]:
    rate = wilson(figures.leaks, figures.answered)
    return [
        Tile(_count(figures), "", ngettext("case", "cases", figures.cases)),
        Tile(f"{figures.treated:,}", "", only(_("vertebrae with cement"), levels)),
        Tile(duration(figures.skin_seconds) or "–", "", _("median skin to skin")),
        Tile(
            "–" if figures.cement_ml is None else f"{figures.cement_ml:.1f}",
            "mL",
            only(_("median cement a vertebra"), levels),
        ),
        Tile(
            "–" if rate.rate is None else f"{100 * rate.rate:.1f}",
            "%",
            only(_("cases with a cement leak"), levels),
            ""
            if rate.low is None or rate.high is None
            else ngettext(
                "95 %% interval %(low).0f to %(high).0f, %(n)s case",
                "95 %% interval %(low).0f to %(high).0f, %(n)s cases",
                figures.answered,
            )
            % {"low": 100 * rate.low, "high": 100 * rate.high, "n": figures.answered},
        ),
    ]


# Addresses ------------------------------------------------------------------------------------------------------------


def _with(query: QueryDict, sort: str = "", at: str = "") -> str:
    found = query.copy()
    if sort and sort != "-date":
        found["sort"] = sort
    if at:
        found["at"] = at
    return found.urlencode()


def _column(name: str, label: str, sort: str, filters: Filters) -> Column:
    if not name:
        return Column("", label, "", "")
    now = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
    first = name if name in ASCENDING_FIRST else f"-{name}"
    turned = {"ascending": f"-{name}", "descending": name}.get(now, first)
    return Column(name, label, _with(filters.query, turned) or "sort=-date", now)
