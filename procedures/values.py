"""Values of fields: their stored shapes, what is impossible, what is unusual, and how they read.

Pure but for gettext and the zone of the site.

| type             | stored as                                                                             |
|------------------|---------------------------------------------------------------------------------------|
| number, quantity | `{"amount": "3.5", "unit": "mL"}`; `entered`, `entered_unit` too where another was typed |
| choice, text     | text                                                                                  |
| choices          | list of text, in the order of the options                                             |
| yesno            | true or false                                                                         |
| time, date       | ISO 8601 text; times in UTC with microseconds                                         |
| product          | `{"id": 7, "name": …, "lot": …, "expires": "2027-03-31", "how": "scanned"}`; `id` is null |
|                  | when it is not in the catalogue; `how` is scanned, picked or typed; `serial`, `gtin`,  |
|                  | `made` and the raw `scan` stand where they are known                                   |
| person           | `{"id": 7, "name": …}`                                                                |
| people           | list of `{"id": 7, "name": …}`                                                         |
| entry            | `{"seq": 12, "key": "K09c"}`                                                          |
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from .definitions import Field, FieldType

TEXT_LIMIT = 2000


def stamp(moment: datetime) -> str:
    """A moment as it stands in the record: UTC, to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def plain(amount: Decimal) -> str:
    """A number as the record keeps it: no exponent, no trailing zeros beyond those entered, no minus zero."""
    text = format(amount, "f")
    return text.removeprefix("-") if amount == 0 else text


def quantity(field: Field, amount: Decimal, unit: str = "") -> dict[str, str]:
    """A number with its unit, in the canonical unit; the entered one is kept beside it. KeyError: unknown unit."""
    if not unit or unit == field.unit:
        return {"amount": plain(amount), "unit": field.unit}
    canonical = (amount * field.units[unit]).quantize(Decimal(1).scaleb(-max(field.decimals, 3))).normalize()
    return {"amount": plain(canonical), "unit": field.unit, "entered": plain(amount), "entered_unit": unit}


def problem(field: Field, value: Any) -> str | None:
    """Why the value is impossible, in words with the limits and their unit; None where it can be."""
    match field.type:
        case FieldType.NUMBER | FieldType.QUANTITY:
            return _impossible_amount(field, Decimal(value["amount"]))
        case FieldType.CHOICE if value not in dict(field.options):
            return _("Choose one of the answers.")
        case FieldType.CHOICES if not set(value) <= set(dict(field.options)) or len(set(value)) != len(value):
            return _("Choose among the answers.")
        case FieldType.CHOICES if "none" in value and len(value) > 1:
            return _("“None” cannot stand beside another answer.")
        case FieldType.TEXT if len(value) > TEXT_LIMIT:
            return _("At most %(limit)s characters.") % {"limit": TEXT_LIMIT}
    return None


def _impossible_amount(field: Field, amount: Decimal) -> str | None:
    low, high = field.refuse_below, field.refuse_above
    if (low is None or amount >= low) and (high is None or amount <= high):
        return None
    unit = f" {unit_name(field.unit)}" if field.unit else ""
    if low is not None and high is not None:
        return _("Allowed: %(low)s to %(high)s%(unit)s.") % {
            "low": plain(low),
            "high": plain(high),
            "unit": unit,
        }
    if low is not None:
        return _("Allowed: %(low)s%(unit)s or more.") % {"low": plain(low), "unit": unit}
    return _("Allowed: up to %(high)s%(unit)s.") % {
        "high": plain(high) if high is not None else "",
        "unit": unit,
    }


def doubt(field: Field, value: Any) -> str | None:
    """What is unusual about the value, as a question to confirm; None where it is usual."""
    if field.type not in (FieldType.NUMBER, FieldType.QUANTITY):
        return None
    amount, low, high = Decimal(value["amount"]), field.warn_below, field.warn_above
    said = {"value": show(field, value)}
    if low is not None and amount < low:
        return _("%(value)s is unusually low.") % said
    if high is not None and amount > high:
        return _("%(value)s is unusually high.") % said
    return None


UNIT_NAMES = {
    "[psi]": "psi", "mm[Hg]": "mmHg", "Cel": "°C", "[degF]": "°F", "ug": "µg", "10*9/L": "×10⁹/L",
    "Gy.cm2": "Gy·cm²", "cGy.cm2": "cGy·cm²", "dGy.cm2": "dGy·cm²", "mGy.cm2": "mGy·cm²", "uGy.m2": "µGy·m²",
    "{G}": "G", "{score}": "", "{INR}": "", "1": "",
}  # fmt: skip


def unit_name(ucum: str) -> str:
    """A UCUM unit as staff write it."""
    if ucum.startswith("{") and ucum.endswith("}") and ucum not in UNIT_NAMES:
        return ucum[1:-1]
    return UNIT_NAMES.get(ucum, ucum)


def converted(canonical: Decimal, entered: Decimal) -> str:
    """A converted amount as people read it: no finer than a step of the last digit that was entered.

    15 atm are 220 psi: a step of 1 atm is 15 psi. The record keeps the whole number, and machines get it.
    """
    if not (canonical and entered):
        return plain(canonical)
    factor, last = abs(canonical / entered), entered.as_tuple().exponent
    finest = Decimal(1).scaleb((factor * Decimal(1).scaleb(int(last))).adjusted())
    exponent = int(canonical.as_tuple().exponent)
    return (
        plain(Decimal(format(canonical.quantize(finest), "f")))
        if finest.adjusted() > exponent
        else plain(canonical)
    )


def day_words(day: date) -> str:
    """A day as people read it: "22 Nov 2026"."""
    return date_format(day, "j M Y")


def day_of(text: str) -> str:
    """A day that is kept as ISO text, as people read it; nothing where there is none."""
    return day_words(date.fromisoformat(text)) if text else ""


def moment_words(moment: datetime, *, to_the_second: bool = False) -> str:
    """A day and a time of the site as people read them: "22 Nov 2026 14:05"."""
    return date_format(localtime(moment), "j M Y H:i:s" if to_the_second else "j M Y H:i")


def show(field: Field, value: Any) -> str:
    """The value in words, with its unit; where another unit was entered, that one first."""
    match field.type:
        case FieldType.NUMBER | FieldType.QUANTITY:
            return _amount(value)
        case FieldType.CHOICE:
            return str(dict(field.options).get(value, value))
        case FieldType.CHOICES:
            options = dict(field.options)
            return ", ".join(options.get(v, v) for v in value)
        case FieldType.YESNO:
            return _("yes") if value else _("no")
        case FieldType.PRODUCT:
            return ", ".join(_product(value))
        case FieldType.PERSON | FieldType.PEOPLE:
            return ", ".join(p["name"] for p in (value if isinstance(value, list) else [value]))
        case FieldType.ENTRY:
            return _("entry %(seq)s") % {"seq": value["seq"]}
        case FieldType.TIME:
            return moment_words(datetime.fromisoformat(value))
        case FieldType.DATE:
            return day_of(value)
    return str(value)


def _amount(value: Any) -> str:
    unit = unit_name(value["unit"])
    if "entered" not in value:
        return f"{value['amount']} {unit}".strip()
    amount = converted(Decimal(value["amount"]), Decimal(value["entered"]))
    return f"{value['entered']} {unit_name(value['entered_unit'])} ({f'{amount} {unit}'.strip()})"


def _product(value: Any) -> Iterator[str]:
    """A product in words: how it was recorded stands last, where it was not just chosen from the catalogue."""
    yield value["name"]
    if value.get("gtin") and value["id"] is None and value["gtin"] not in value["name"]:
        yield _("GTIN %(gtin)s") % {"gtin": value["gtin"]}
    if value.get("lot"):
        yield _("lot %(lot)s") % {"lot": value["lot"]}
    if value.get("serial"):
        yield _("serial %(serial)s") % {"serial": value["serial"]}
    if value.get("expires"):
        yield _("expires %(date)s") % {"date": day_of(value["expires"])}
    if value.get("how") == "scanned":
        yield _("scanned")
    if value.get("how") == "typed":
        yield _("typed")


def use_by(field: Field, value: Any) -> str:
    """The last day of use as ISO text, or an empty text: a product's, or a date whose key ends in `expires`."""
    if field.type is FieldType.PRODUCT:
        return str(value.get("expires", ""))
    return str(value) if field.type is FieldType.DATE and field.key.endswith("expires") else ""
