"""Reads a bundle back as a stranger would: by references, codes and units, without a word of the exporter's code."""

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

type Json = Any

TRANSLATION = "http://hl7.org/fhir/StructureDefinition/iso21090-PQ-translation"


class Reader:
    """A bundle, with its resources by their addresses. Numbers are read as decimals, digit by digit."""

    def __init__(self, content: bytes) -> None:
        self.bundle: Json = json.loads(content, parse_float=Decimal, parse_int=Decimal)
        self.by_url = {e["fullUrl"]: e["resource"] for e in self.bundle["entry"]}

    def all(self, kind: str) -> list[Json]:
        """The resources of a type, as they stand."""
        return [r for r in self.by_url.values() if r["resourceType"] == kind]

    def only(self, kind: str) -> Json:
        """The one resource of a type."""
        (found,) = self.all(kind)
        return found

    def at(self, reference: Json) -> Json:
        """What a reference leads to."""
        return self.by_url[reference["reference"]]

    def name(self, reference: Json) -> str:
        """The name of a practitioner."""
        return str(self.at(reference)["name"][0]["text"])

    def coded(self, kind: str, code: str) -> list[Json]:
        """The resources of a type whose code has that code."""
        return [r for r in self.all(kind) if code in codes(r["code"])]

    def case(self) -> Json:
        """The procedure of the case."""
        (found,) = (p for p in self.all("Procedure") if "partOf" not in p)
        return found

    def level(self, name: str) -> Json:
        """The procedure at a vertebra."""
        (found,) = (p for p in self.all("Procedure") if "partOf" in p and name in codes(p["bodySite"][0]))
        return found

    def task(self, seq: int) -> Json:
        """The task of an entry."""
        (found,) = (
            t
            for t in self.all("Task")
            if any(i["value"].endswith(f"/{seq}") for i in t.get("identifier", ()))
        )
        return found

    def outputs(self, task: Json, field: str) -> list[Json]:
        """The values of a field of an entry: resources where they are some, else the values themselves."""
        found = [o for o in task.get("output", ()) if any(c.endswith(f".{field}") for c in codes(o["type"]))]
        return [self._output(o) for o in found]

    def _output(self, output: Json) -> Json:
        ((_name, value),) = ((k, v) for k, v in output.items() if k.startswith("value"))
        return self.at(value) if isinstance(value, dict) and "reference" in value else value


def codes(concept: Json) -> list[str]:
    """The codes of a concept."""
    return [coding["code"] for coding in concept.get("coding", ())]


def extensions(element: Json, name: str) -> Iterator[Json]:
    """The values of our extensions of that name."""
    for extension in element.get("extension", ()):
        if extension["url"] == f"urn:kypho:extension:{name}":
            ((_key, value),) = ((k, v) for k, v in extension.items() if k.startswith("value"))
            yield value


def moment(text: str) -> datetime:
    """A moment with its zone."""
    found = datetime.fromisoformat(text)
    assert found.tzinfo
    return found


def amount(quantity: Json) -> dict[str, str]:
    """A quantity in the shape of the record: amount and unit, and what was entered where that is another."""
    assert quantity["system"] == "http://unitsofmeasure.org"
    found = {
        "amount": format(quantity["value"], "f"),
        "unit": "" if quantity["code"] == "1" else quantity["code"],
    }
    for extension in quantity.get("extension", ()):
        assert extension["url"] == TRANSLATION
        entered = amount(extension["valueQuantity"])
        found |= {"entered": entered["amount"], "entered_unit": entered["unit"]}
    return found
