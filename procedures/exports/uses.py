"""What was used in a case: each product and each written lot, with where it went, by whom and when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from procedures.definitions import Field, FieldType, Key, Measure
from procedures.definitions import Step as Definition

from .loading import Entry, Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One product in use. `product`: its id in the catalogue; `places`: keys of the rows where it went, as L1-left."""

    kind: str
    name: str
    lot: str
    gtin: str = ""
    serial: str = ""
    expires: str = ""
    product: int | None = None
    places: tuple[str, ...] = ()
    by: int = 0
    at: datetime
    seq: int

    def fits(self, lot: str, product: int | None) -> bool:
        """Whether this is what somebody looks for; without a question everything is."""
        return (not lot or self.lot.lower() == lot.lower()) and (product is None or self.product == product)


def of_case(facts: Facts) -> Iterator[Use]:
    """Everything that was used and still counts, in the order of the protocol."""
    for definition in facts.protocol.steps:
        for f in definition.fields:
            if f.type is not FieldType.PRODUCT and f.measures is not Measure.LOT:
                continue
            for key, entry in facts.of(definition.code):
                if f.key in entry.get("values", {}):
                    yield _use(facts, definition, f, key, entry)


def _use(facts: Facts, definition: Definition, f: Field, key: str, entry: Entry) -> Use:
    values = entry["values"]
    said = (
        values[f.key]
        if f.type is FieldType.PRODUCT
        else {"lot": values[f.key], **_beside(definition, values)}
    )
    return Use(
        kind=f.label,
        name=said.get("name", ""),
        lot=said.get("lot", ""),
        gtin=said.get("gtin", ""),
        serial=said.get("serial", ""),
        expires=said.get("expires", ""),
        product=said.get("id"),
        places=tuple(_places(facts, definition, key, entry)),
        by=entry["by"],
        at=datetime.fromisoformat(entry["at"]),
        seq=entry["seq"],
    )


def _beside(definition: Definition, values: Entry) -> Entry:
    """What a step says about a lot that was written: the first date beside it, and a device's name."""
    day = next((f.key for f in definition.fields if f.type is FieldType.DATE and f.key in values), "")
    return {"expires": values.get(day, ""), "name": values.get("device", "")}


def _places(facts: Facts, definition: Definition, key: str, entry: Entry) -> Iterator[str]:
    """Where it went: the place of the row; of a batch, those of the entries that name it."""
    if found := _place(key):
        yield found
        return
    for other in facts.protocol.steps:
        for f in other.fields:
            if f.entry_of != definition.code:
                continue
            for used_key, used in facts.of(other.code):
                if (used.get("values", {}).get(f.key) or {}).get("seq") == entry["seq"]:
                    yield _place(used_key)


def _place(key: str) -> str:
    found = Key.parse(key)
    return "-".join(part for part in (found.level, found.side) if part)
