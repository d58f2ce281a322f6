"""Words and small shapes that the parts of the record share. Plain text: the page and the PDF draw the same."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.definitions import Field, FieldType
from procedures.progress import Place
from procedures.screens.parts import FLAG_LABELS
from procedures.screens.view import View
from procedures.state import Entry, Flag, LevelStatus, Source
from procedures.values import moment_words

LEVEL_LABELS = {
    LevelStatus.OPEN: gettext_lazy("open"),
    LevelStatus.COMPLETED: gettext_lazy("completed"),
    LevelStatus.ABANDONED: gettext_lazy("abandoned"),
    LevelStatus.DEFERRED: gettext_lazy("deferred"),
    LevelStatus.WITHDRAWN: gettext_lazy("taken off the plan"),
}
SOURCE_LABELS = {Source.OFFLINE: gettext_lazy("without network"), Source.PAPER: gettext_lazy("from paper")}
# What only says that somebody was asked and answered is no flag to look at in a table.
QUIET = frozenset({Flag.OTHER_ROLE, Flag.REPEATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One value or sentence with what must be known about the entry that it comes from."""

    text: str
    seq: int = 0
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who did something and when, and what must be known about it. `recorded_by` is empty where it was the same."""

    seq: int
    key: str
    at: datetime
    by: str
    recorded_by: str
    flags: tuple[str, ...]


def flags(entry: Entry) -> tuple[str, ...]:
    """What a reader must know about an entry, in words: how it came, and its flags."""
    source = SOURCE_LABELS.get(Source(entry.source))
    said = [str(label) for flag, label in FLAG_LABELS.items() if flag in entry.flags and flag not in QUIET]
    return (*([str(source)] if source else []), *said)


def act(view: View, place: Place, entry: Entry) -> Act:
    """Who, when, and the flags."""
    recorder = "" if entry.recorded_by == entry.performed_by else view.names[entry.recorded_by].name
    return Act(
        seq=entry.seq,
        key=place.text,
        at=entry.performed_at,
        by=view.names[entry.performed_by].name,
        recorded_by=recorder,
        flags=flags(entry),
    )


def value(view: View, place: Place, entry: Entry, key: str) -> str:
    """One value of an entry in words with its unit, or nothing."""
    f = place.definition.field(key)
    return view.show(f, entry.values[key]) if f and key in entry.values else ""


def drug(place: Place, entry: Entry) -> str:
    """The name of a drug; what was written where it is another one."""
    f = place.definition.field("drug")
    chosen = entry.values.get("drug", "")
    if chosen in ("", "other"):
        return str(entry.values.get("other_drug", "")) or _("not named")
    return str(dict(f.options).get(chosen, chosen)) if f else str(chosen)


def amount(entry: Entry, key: str) -> Decimal | None:
    """A number in its canonical unit, or None."""
    said = entry.values.get(key)
    return Decimal(said["amount"]) if said else None


def is_number(f: Field) -> bool:
    """Whether a field holds a number."""
    return f.type in (FieldType.NUMBER, FieldType.QUANTITY)


def exact(number: Decimal) -> str:
    """A sum as text, with the decimals of what was entered."""
    return format(number, "f")


def tidy(number: Decimal) -> str:
    """A product as text: no exponent, no zeros at the end."""
    text = exact(number)
    return text.rstrip("0").rstrip(".") if "." in text else text


def moment(at: datetime | None) -> str:
    """A day and a time of the site."""
    return moment_words(at) if at else ""


def clock_time(at: datetime) -> str:
    """A time of the site."""
    return localtime(at).strftime("%H:%M")


def day(at: datetime) -> str:
    """A day of the site, short: "22 Nov"."""
    return date_format(localtime(at), "j M")


def lasted(time: timedelta) -> str:
    """How long something took: "48 min", "2 h 05 min"."""
    minutes = round(time.total_seconds() / 60)
    if minutes >= 48 * 60:
        return _("%(days)s days") % {"days": minutes // (24 * 60)}
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def seconds(amount_s: Decimal) -> str:
    """Seconds as minutes and seconds: "6:30 min"."""
    whole = int(amount_s)
    return f"{whole // 60}:{whole % 60:02} min"
