"""The columns of an export: of the case, of the patient as far as they may be told, of the product used."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from django.utils.timezone import get_current_timezone_name, localtime
from django.utils.translation import gettext as _

from procedures.definitions import Measure, Role, age_on
from procedures.models.case import ANAESTHESIA, INDICATIONS, STATUS_LABELS
from procedures.screens.record.course import STRETCHES
from procedures.state import CaseStatus

from .loading import Facts
from .tables import OLDEST, Away, Cell, Column, Row, Table, minutes
from .uses import of_case

# A lot as makers print it. Anything else that was typed there might be a sentence, and goes along with names only.
_LOT = re.compile(r"(?=.*\d)[\w./-]{1,20}", re.ASCII)


def zone() -> str:
    """The time zone of the site, as headings and cells say it."""
    return get_current_timezone_name()


def _at(label: str, read: Callable[[Row], Any]) -> Column:
    return Column(f"{label} ({zone()})", read)


def _of_case(label: str, name: str) -> Column:
    return Column(label, lambda row: getattr(row.facts.case, name))


# Who ------------------------------------------------------------------------------------------------------------------


def who(away: Away) -> list[Column]:
    """The case and its patient: with names, or by signs with the year of birth and the age."""
    if away.identified:
        return [
            Column(_("Case"), lambda row: str(row.facts.case.pk)),
            Column(_("MRN"), lambda row: row.facts.case.patient.mrn),
            Column(_("Family name"), lambda row: row.facts.case.patient.family_name),
            Column(_("Given name"), lambda row: row.facts.case.patient.given_name),
            Column(_("Birth date"), lambda row: row.facts.case.patient.birth_date),
            Column(_("Age, years"), _age),
            Column(_("Sex"), lambda row: row.facts.case.patient.get_sex_display()),
            Column(_("Unit"), lambda row: row.facts.case.unit.name),
            _of_case(_("Room"), "room"),
        ]
    return [
        Column(_("Case"), lambda row: f"C-{row.away.sign('case', row.facts.case.pk)}"),
        Column(_("Patient"), lambda row: f"M-{row.away.sign('patient', row.facts.case.patient_id)}"),
        Column(_("Birth year (none from the age of 90)"), _birth_year),
        Column(_("Age, years (90: 90 or more)"), lambda row: min(_age(row), OLDEST)),
        Column(_("Sex"), lambda row: row.facts.case.patient.get_sex_display()),
    ]


def _age(row: Row) -> int:
    case = row.facts.case
    return age_on(case.patient.birth_date, localtime(case.scheduled_at).date())


def _birth_year(row: Row) -> Cell:
    return row.facts.case.patient.birth_date.year if _age(row) < OLDEST else None


def heading() -> list[Column]:
    """What every table says of a case, whatever its rows are."""
    return [
        _at(_("Scheduled"), lambda row: row.facts.case.scheduled_at),
        Column(_("Status"), lambda row: str(STATUS_LABELS[CaseStatus(row.facts.case.status)])),
        Column(_("Operator"), lambda row: row.away.person(row.facts.case.operator_id)),
        Column(_("Indication"), lambda row: str(INDICATIONS[row.facts.case.indication])),
    ]


def closing() -> list[Column]:
    """By which protocol, and in which zone the times are."""
    return [
        Column(_("Protocol version"), lambda row: f"{row.facts.protocol.title} v{row.facts.protocol.number}"),
        Column(_("Time zone"), lambda _row: zone()),
    ]


# One row a case -------------------------------------------------------------------------------------------------------


def of_cases(away: Away) -> Table:
    """One row a case."""
    columns = [*who(away), *heading(), *_course(), *_findings(), *_devices(), *_log(away), *closing()]
    return Table(_("Cases"), columns, lambda facts, by: iter([Row(facts, by)]))


def _course() -> Iterator[Column]:
    yield Column(_("Assistants"), _assistants)
    yield Column(_("Planned anaesthesia"), lambda row: str(ANAESTHESIA[row.facts.case.anaesthesia]))
    yield Column(_("Anaesthesia"), _anaesthesia)
    moments = {
        "started_at": _("Started"),
        "first_needle_at": _("First needle in"),
        "last_needle_out_at": _("Last needle out"),
        "ended_at": _("Ended"),
    }
    for name, label in moments.items():
        yield Column(f"{label} ({zone()})", lambda row, name=name: getattr(row.facts.case, name))  # type: ignore[misc]
    yield Column(_("Skin to skin, min"), lambda row: minutes(row.facts.case.skin_seconds))
    for key, part in STRETCHES.items():
        yield Column(
            _("%(part)s, min") % {"part": part},
            lambda row, key=key: minutes(row.facts.case.account.get("stretches", {}).get(key)),  # type: ignore[misc]
        )


def _assistants(row: Row) -> str:
    users = [user for user, role in row.facts.team if role == Role.ASSISTANT]
    return ", ".join(row.away.person(user) for user in dict.fromkeys(users))


def _anaesthesia(row: Row) -> str:
    """What it came to, in the words of the protocol."""
    mode = row.facts.case.account.get("mode", "")
    fields = (s.measuring(Measure.ANAESTHESIA) for s in row.facts.protocol.steps)
    words: dict[str, str] = {value: label for f in fields if f for value, label in f.options}
    return str(words.get(mode, mode))


def _findings() -> list[Column]:
    return [
        Column(_("Vertebrae"), lambda row: " ".join(row.facts.case.levels)),
        _of_case(_("Vertebrae with cement"), "treated"),
        Column(_("Sides"), lambda row: " ".join(_facet(row, "sides"))),
        Column(_("Approach"), lambda row: ", ".join(_facet(row, "approach"))),
        Column(
            _("Cement in all, mL"), lambda row: row.facts.case.cement_ml if row.facts.case.treated else None
        ),
        _of_case(_("Cement leak"), "leak"),
        Column(_("Kinds of leak"), lambda row: ", ".join(k for k in _facet(row, "leak") if k != "none")),
        _of_case(_("Complications"), "complications"),
        Column(_("Kinds of complication"), lambda row: ", ".join(_facet(row, "complication"))),
        Column(_("Fluoroscopy time, s"), lambda row: _amount(row, Measure.FLUORO_S)),
        Column(_("Dose-area product, Gy·cm²"), lambda row: _amount(row, Measure.DAP)),
        Column(_("Air kerma, mGy"), lambda row: _amount(row, Measure.KERMA)),
    ]


def _facet(row: Row, name: str) -> list[str]:
    """What the case is found by under a name (`account.py`)."""
    found = (facet.split(":", 1) for facet in row.facts.case.facets)
    return [value for key, value in found if key == name]


def _amount(row: Row, measure: Measure) -> Decimal | None:
    said = row.facts.case.account.get(measure.value)
    return None if said is None else Decimal(said)


def _devices() -> list[Column]:
    return [
        Column(_("Products used"), lambda row: " | ".join(dict.fromkeys(filter(None, _products(row))))),
        Column(_("Lots"), lambda row: " | ".join(dict.fromkeys(filter(None, _lots(row))))),
    ]


def _products(row: Row) -> Iterator[str]:
    for use in of_case(row.facts):
        yield told_name(row.away, use.product, use.name)


def _lots(row: Row) -> Iterator[str]:
    for use in of_case(row.facts):
        yield told_lot(row.away, use.lot)


def told_name(away: Away, product: int | None, name: str) -> str:
    """The name of a product: of the catalogue, or with names as it was typed."""
    return name if away.identified or product is not None else ""


def told_lot(away: Away, lot: str) -> str:
    """A lot, where it looks like one."""
    return lot if away.identified or _LOT.fullmatch(lot) else ""


def _log(away: Away) -> Iterator[Column]:
    yield Column(_("Entries"), lambda row: row.facts.case.account.get("entries"))
    yield Column(_("Late entries"), lambda row: row.facts.case.account.get("late"))
    yield _of_case(_("Missing details"), "deficits")
    yield Column(_("Flags"), lambda row: ", ".join(_facet(row, "flag")))
    yield _at(_("Signed"), lambda row: row.facts.case.signed_at)
    yield Column(_("Signed by"), lambda row: row.away.person(row.facts.case.signed_by_id))
    yield Column(_("Co-signed by"), lambda row: row.away.person(row.facts.case.cosigned_by_id))
    yield _of_case(_("Addenda"), "addenda")
    if away.identified:
        yield _of_case(_("Why it ended"), "end_reason")


# One row a product used -----------------------------------------------------------------------------------------------


def of_uses(away: Away, lot: str, product: int | None) -> Table:
    """One row a product used; with a question only those that fit it."""

    def rows(facts: Facts, by: Away) -> Iterator[Row]:
        return (Row(facts, by, use=use) for use in of_case(facts) if use.fits(lot, product))

    return Table(_("Products used"), [*who(away), *heading(), *_use(away), *closing()], rows)


def _use(away: Away) -> Iterator[Column]:
    yield Column(_("Kind"), lambda row: row.use.kind)
    yield Column(_("Product"), lambda row: told_name(row.away, row.use.product, row.use.name))
    yield Column(_("Lot"), lambda row: told_lot(row.away, row.use.lot))
    yield Column(_("GTIN"), lambda row: row.use.gtin)
    if away.identified:
        yield Column(_("Serial number"), lambda row: row.use.serial)
    yield Column(_("Expires"), lambda row: row.use.expires)
    yield Column(_("Where"), lambda row: ", ".join(row.use.places))
    yield _at(_("Used"), lambda row: row.use.at)
    yield Column(_("Used by"), lambda row: row.away.person(row.use.by))
