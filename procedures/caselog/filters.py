"""What the case log is asked for, as it stands in the address; what of it is impossible; what a case must be to
fit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import BooleanField, Func, Q, Value
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from procedures.account import words_of
from procedures.definitions import VERTEBRAE
from procedures.letters import plain
from procedures.models import User
from procedures.models.case import ANAESTHESIA, INDICATIONS
from procedures.state import CaseStatus

from . import sealed

LONGEST_WORDS, MOST_WORDS = 100, 5
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)
FLAGS = {
    "unsigned": gettext_lazy("to be signed"),
    "cosign": gettext_lazy("to be co-signed"),
    "signed": gettext_lazy("signed"),
    "addendum": gettext_lazy("with an addendum"),
    "deficits": gettext_lazy("with missing details"),
    "late": gettext_lazy("late entries"),
    "offline": gettext_lazy("entries made without network"),
    "paper": gettext_lazy("transcribed from paper"),
    "out_of_order": gettext_lazy("out of order"),
    "overridden": gettext_lazy("overridden"),
    "corrected": gettext_lazy("corrected"),
    "expired": gettext_lazy("a product past its date"),
}
APPROACHES = {
    "transpedicular": gettext_lazy("Through the pedicle"),
    "extrapedicular": gettext_lazy("Beside the pedicle"),
    "1": gettext_lazy("From one side"),
    "2": gettext_lazy("From both sides"),
}
LEAKS = {
    "yes": gettext_lazy("Leak"),
    "no": gettext_lazy("No leak seen"),
    "unknown": gettext_lazy("Not answered"),
}
# What may stand in the address of the log, beside the order and the place.
NAMES = (
    "find", "since", "until", "operator", "unit", "room", "level", "approach", "indication", "status", "complication",
    "leak", "anaesthesia", "version", "flag", "lot", "sign", "cosign",
)  # fmt: skip
# What was planned stands in the address with a name of its own: "general" is also what was given.
PLANNED = {f"planned-{kind}": f"planned:{kind}" for kind in ANAESTHESIA}
MODES = ("none", "minimal", "moderate", "deep", "general", "regional")


@dataclass(slots=True, kw_only=True)
class Filters:
    """What is asked for. `words`: the free text; `problems`: what could not be understood, by its name in the address.

    `query` is the address without what has no meaning, to link on with.
    """

    words: str = ""
    since: date | None = None
    until: date | None = None
    person: int | None = None
    unit: int | None = None
    room: str = ""
    levels: list[str] = field(default_factory=list)
    approach: str = ""
    indication: str = ""
    status: str = ""
    complication: str = ""
    leak: str = ""
    anaesthesia: str = ""
    version: int | None = None
    flags: list[str] = field(default_factory=list)
    lot: str = ""
    mine_to_sign: bool = False
    mine_to_cosign: bool = False
    problems: dict[str, str] = field(default_factory=dict)
    query: QueryDict = field(default_factory=lambda: QueryDict(mutable=True))

    @classmethod
    def read(cls, data: QueryDict, user: User) -> "Filters":
        """From an address. What is impossible is named in `problems` and left out; the rest holds."""
        found = cls()
        reader = _Reader(data, found)
        reader.take("find", "words", _words_of_token)
        reader.take("since", "since", _day)
        reader.take("until", "until", _day)
        reader.take("operator", "person", lambda text: user.pk if text == "me" else _number(text))
        reader.take("unit", "unit", _number)
        reader.take("room", "room", _text)
        reader.take_all("level", "levels", VERTEBRAE)
        reader.take("approach", "approach", _one_of(APPROACHES))
        reader.take("indication", "indication", _one_of(INDICATIONS))
        reader.take("status", "status", _one_of(tuple(CaseStatus)))
        reader.take("complication", "complication", _slug)
        reader.take("leak", "leak", _one_of(LEAKS))
        reader.take("anaesthesia", "anaesthesia", _one_of((*PLANNED, *MODES)))
        reader.take("version", "version", _number)
        reader.take_all("flag", "flags", tuple(FLAGS))
        reader.take("lot", "lot", _text)
        reader.take("sign", "mine_to_sign", _one_of(("me",)))
        reader.take("cosign", "mine_to_cosign", _one_of(("me",)))
        if found.since and found.until and found.since > found.until:
            found.problems["until"] = _("The last day lies before the first.")
            found.until = None
            found.query.pop("until", None)
        return found

    @property
    def any(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.query)

    def facets(self, user: int) -> list[str]:
        """What a case must have, all of it, as words of `Case.facets`."""
        found = [f"flag:{flag}" for flag in self.flags]
        if self.mine_to_sign:
            found += ["flag:unsigned", f"operator:{user}"]
        if self.mine_to_cosign:
            found.append("flag:cosign")
        if self.approach:
            found.append(f"sides:{self.approach}" if self.approach.isdigit() else f"approach:{self.approach}")
        if self.complication and self.complication != "any":
            found.append(f"complication:{self.complication}")
        if self.leak:
            found.append(f"leaked:{self.leak}")
        if self.anaesthesia:
            found.append(PLANNED.get(self.anaesthesia) or f"mode:{self.anaesthesia}")
        if self.lot:
            found.append(f"lot:{self.lot.lower()}")
        return found


class _Reader:
    """Takes values out of an address, one by one, and keeps what was wrong."""

    def __init__(self, data: QueryDict, found: Filters) -> None:
        self.data, self.found = data, found

    def take(self, name: str, field: str, read: Callable[[str], Any]) -> None:
        """One value, where there is one."""
        text = self.data.get(name, "").strip()
        if not text:
            return
        try:
            setattr(self.found, field, read(text))
        except ValueError as problem:
            self.found.problems[name] = str(problem)
        else:
            self.found.query[name] = text

    def take_all(self, name: str, field: str, known: tuple[str, ...]) -> None:
        """Each of several values."""
        given = list(dict.fromkeys(text for text in self.data.getlist(name) if text))
        good = [text for text in given if text in known]
        if len(good) < len(given):
            self.found.problems[name] = _("This choice is not known.")
        if good:
            setattr(self.found, field, good)
            self.found.query.setlist(name, good)


def _words_of_token(token: str) -> str:
    try:
        return str(sealed.unseal(token))
    except ValueError:
        raise ValueError(_("This search is no longer known. Enter the words again.")) from None


def words_problem(text: str) -> str:
    """Why a free text cannot be looked for, or nothing."""
    if "\x00" in text or len(text) > LONGEST_WORDS:
        return _("At most %(limit)s letters, please.") % {"limit": LONGEST_WORDS}
    if len(words_of(text)) > MOST_WORDS:
        return _("At most %(limit)s words, please.") % {"limit": MOST_WORDS}
    return ""


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ValueError(_("This is no date. Enter it as 2026-11-25.")) from None
    if not FIRST_DAY <= found <= LAST_DAY:
        raise ValueError(_("This day lies outside the record."))
    return found


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(_("This choice is not known."))
    return int(text)


def _text(text: str) -> str:
    if "\x00" in text or len(text) > LONGEST_WORDS:
        raise ValueError(_("At most %(limit)s letters, please.") % {"limit": LONGEST_WORDS})
    return text


def _slug(text: str) -> str:
    if len(text) > 40 or not text.replace("_", "").isalnum() or not text.isascii():
        raise ValueError(_("This choice is not known."))
    return text


def _one_of(known: Mapping[str, Any] | tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in known:
            raise ValueError(_("This choice is not known."))
        return text

    return read


# What fits ---------------------------------------------------------------------------------------------------------


def condition(filters: Filters, user: int) -> Q:
    """What a case must be to fit; a voided one fits only where it is asked for.

    A person is looked for as operator and as assistant; a note is for its operator to sign. Whatever is no column with
    an index of its own is a word of `facets` or of `search`, so that it is found without reading the table.
    """
    found = Q(status=filters.status) if filters.status else ~Q(status=CaseStatus.VOIDED)
    found &= days(filters)
    same = {
        "unit": filters.unit,
        "room": filters.room,
        "indication": filters.indication,
        "protocol": filters.version,
    }
    found &= Q(**{name: value for name, value in same.items() if value})
    if filters.complication == "any":
        found &= Q(complications__gt=0)
    if filters.mine_to_cosign:
        found &= Q(cosign_by=user)
    if facets := filters.facets(user):
        found &= Q(facets__contains=facets)
    if filters.levels:
        found &= Q(facets__overlap=[f"level:{level}" for level in filters.levels])
    if filters.person:
        found &= Q(facets__overlap=[f"operator:{filters.person}", f"assistant:{filters.person}"])
    for word in words_of(filters.words)[:MOST_WORDS]:
        found &= Q(_Begins("search", word))
    return found


def days(filters: Filters) -> Q:
    """The days that are asked for."""
    found = Q()
    if filters.since:
        found &= Q(scheduled_at__gte=_midnight(filters.since))
    if filters.until:
        found &= Q(scheduled_at__lt=_midnight(filters.until + timedelta(days=1)))
    return found


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


class _Begins(Func):
    """Words of which one begins like this."""

    template = "%(expressions)s::tsquery"
    arg_joiner = " @@ "
    output_field = BooleanField()

    def __init__(self, words: str, beginning: str) -> None:
        quoted = plain(beginning).replace("\\", "\\\\")
        super().__init__(words, Value(f"'{quoted}':*"))
