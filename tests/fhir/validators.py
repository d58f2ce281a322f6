"""Four validators of an exported bundle, each independent of how it was made. Each returns what is wrong, as sentences.

`models`: the Pydantic models of fhir.resources. `schema`: HL7's JSON schema. `invariants`: the rules of HL7's
definitions, run as FHIRPath. `structure`: cardinalities, codes, choices and targets of references by the same
definitions, and what none of these looks at: references that lead nowhere, ids that stand twice, what is empty.
"""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import fhirpathpy
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.models import models as contexts
from jsonschema import Draft6Validator

HERE = Path(__file__).parent
# Said without FHIRPath, by `structure`: they stand at every element, and a bundle has ten thousand.
EVERYWHERE = {"ele-1", "ext-1"}
# Words of FHIRPath that the library does not know: two rules speak of contained resources, and an export has none; two
# of the HTML of a narrative, which `structure` reads.
UNKNOWN_WORDS = {"dom-3", "ref-1", "txt-1", "txt-2"}
XHTML = "{http://www.w3.org/1999/xhtml}"
HTML = {f"{XHTML}{name}" for name in ("div", "p", "br")}  # all that an export uses
UCUM = "http://unitsofmeasure.org"

type Json = Any


def models(bundle: Json) -> list[str]:
    """What the models refuse."""
    return [problem for part in _parts(bundle) for problem in _by_models(part)]


def schema(bundle: Json) -> list[str]:
    """What the schema refuses; resource by resource, since its one choice among all of them says nothing of use."""
    return [problem for part in _parts(bundle) for problem in _by_schema(part)]


def _parts(bundle: Json) -> list[str]:
    """The bundle without its resources, and each of these. What was found of a part is kept: a mutation leaves all but
    one as they were."""
    bare = {**bundle, "entry": [{**e, "resource": {"resourceType": "Patient"}} for e in bundle["entry"]]}
    return [json.dumps(part) for part in (bare, *(entry["resource"] for entry in bundle["entry"]))]


@cache
def _by_models(text: str) -> list[str]:
    from fhir.resources.R4B import get_fhir_model_class
    from pydantic import ValidationError

    try:
        get_fhir_model_class(str(json.loads(text).get("resourceType"))).model_validate_json(text)
    except ValidationError as problem:
        return [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in problem.errors()]
    except (LookupError, ValueError) as problem:
        return [f"no such resource: {problem}"]
    return []


@cache
def _by_schema(text: str) -> list[str]:
    resource = json.loads(text)
    validator = _schema(str(resource.get("resourceType")))
    if validator is None:
        return [f"no such resource: {resource.get('resourceType')}"]
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(resource)]


@cache
def _schema(name: str) -> Draft6Validator | None:
    whole = json.loads((HERE / "r4.schema.json").read_text())
    if name not in whole["definitions"]:
        return None
    return Draft6Validator({**whole, "$ref": f"#/definitions/{name}"})


@cache
def definitions() -> Json:
    """The structures and rules of R4 (`make.py`)."""
    return json.loads((HERE / "r4.json").read_text())


def invariants(bundle: Json) -> list[str]:
    """Which rules of the definitions do not hold, and where."""
    parts = (bundle, *(entry["resource"] for entry in bundle["entry"]))
    return [problem for part in map(json.dumps, parts) for problem in _by_rules(part)]


@cache
def _by_rules(text: str) -> list[str]:
    """Kept as above. None of the rules that run looks beyond its resource."""
    resource, found = json.loads(text), []
    for where, path, node in _walk(resource):
        kind = _type(path)
        own = {*_element(path).get("rules", ()), *_element(kind).get("rules", ())}
        base = path if path in _children() else kind
        typed = node if "." not in path else ResourceNode.create_node(node, base)  # type: ignore[no-untyped-call]
        found += [
            f"{where}: {rule} {definitions()['rules'][rule]['human']}"
            for rule in sorted(own - EVERYWHERE - UNKNOWN_WORDS)
            if _compiled(rule)(typed, {"resource": resource, "ucum": UCUM}) != [True]
        ]
    return found


@cache
def _compiled(rule: str) -> Callable[..., list[Any]]:
    """The rule, ready to run. The library has no `hasValue()`; `exists()` says the same where nothing is extended."""
    expression = definitions()["rules"][rule]["expression"].replace("hasValue()", "exists()")
    return fhirpathpy.compile(expression, contexts["r4"])


def structure(bundle: Json) -> list[str]:
    """What does not fit the definitions or does not hang together."""
    kinds = {entry.get("fullUrl"): entry["resource"].get("resourceType") for entry in bundle["entry"]}
    found = [f"{url} stands twice" for url in _twice(entry.get("fullUrl") for entry in bundle["entry"])]
    found += [f"{i} stands twice" for i in _twice(entry["resource"].get("id") for entry in bundle["entry"])]
    for entry in bundle["entry"]:
        if entry.get("fullUrl") != f"urn:uuid:{entry['resource'].get('id')}":
            found.append(f"{entry.get('fullUrl')} is not the address of its resource")
    for resource in (bundle, *(entry["resource"] for entry in bundle["entry"])):
        for where, path, node in _walk(resource):
            found += [f"{where}: {problem}" for problem in _problems(path, node, kinds)]
    return found


def _twice(values: Iterator[Any]) -> set[Any]:
    seen: set[Any] = set()
    return {value for value in values if value in seen or seen.add(value)}  # type: ignore[func-returns-value]


def _problems(path: str, node: Json, kinds: dict[str, str]) -> Iterator[str]:
    element = _element(path)
    if not element:
        yield "no such element"
    if node in ("", [], {}, None):
        yield "is empty"
    if element.get("codes") and not {*_codes(node)} & {*element["codes"]}:
        yield f"{node} is no code of its list"
    if _type(path) == "xhtml":
        yield from _html(node)
    if isinstance(node, dict):
        yield from _leads(element, node, kinds)
        if _type(path) == "Extension" and ("extension" in node) == any(k.startswith("value") for k in node):
            yield "an extension has either a value or extensions"
        if set(node) <= {"id"}:
            yield "says nothing"
        yield from _counts(path, node)


def _codes(node: Json) -> list[str]:
    """The codes of what is bound to a list: a code, or a concept."""
    return [coding.get("code", "") for coding in node.get("coding", ())] if isinstance(node, dict) else [node]


def _leads(element: Json, node: Json, kinds: dict[str, str]) -> Iterator[str]:
    """A reference leads to a resource of the bundle, of a type that may stand there."""
    if "reference" not in node or "Reference" not in element.get("types", ()):
        return
    kind = kinds.get(node["reference"])
    if kind is None:
        yield f"leads nowhere: {node['reference']}"
    elif not {kind, "Resource"} & {*element.get("targets", ["Resource"])}:
        yield f"may not lead to {kind}"


def _html(text: str) -> Iterator[str]:
    """A narrative is a `div` of simple elements without attributes, with something to read in it."""
    try:
        root = ElementTree.XML(text)
    except ElementTree.ParseError as problem:
        yield f"is no XHTML: {problem}"
        return
    if root.tag != f"{XHTML}div" or {element.tag for element in root.iter()} - HTML:
        yield "is no simple div"
    if any(element.attrib for element in root.iter()):
        yield "has attributes"
    if not "".join(root.itertext()).strip():
        yield "says nothing"


def _counts(path: str, node: Json) -> Iterator[str]:
    """How many values each child has; of a choice of types there is one."""
    if (entry := _type(path)) not in definitions()["types"] and path not in _children():
        return
    parent = path if path in _children() else entry
    for name, child in _children().get(parent, {}).items():
        stem = name.removesuffix("[x]")
        given = [key for key in node if key == name or (stem != name and _chosen(child, stem, key))]
        if len(given) > 1:
            yield f"has {' and '.join(given)}"
        if child["min"] > 0 and not given:
            yield f"lacks {name}"
        if given and (child["max"] != "1") != isinstance(node[given[0]], list):
            yield f"{name}: one or many?"


def _chosen(child: Json, stem: str, key: str) -> bool:
    return any(key == stem + kind[0].upper() + kind[1:] for kind in child["types"])


@cache
def _children() -> dict[str, dict[str, Json]]:
    """Of each type and each element with parts of its own: its children by name."""
    found: dict[str, dict[str, Json]] = {}
    for elements in definitions()["types"].values():
        for path, element in elements.items():
            parent, _dot, name = path.rpartition(".")
            if parent:
                found.setdefault(parent, {})[name] = element
    return found


@cache
def _element(path: str) -> Json:
    """The definition of the element at a path such as `Observation.component.valueQuantity` or `Quantity.value`."""
    parent, _dot, name = path.rpartition(".")
    if not parent:
        return definitions()["types"].get(path, {}).get(path, {})
    children = _children().get(parent, {})
    if name in children:
        return children[name]
    for other, child in children.items():
        stem = other.removesuffix("[x]")
        if stem != other and _chosen(child, stem, name):
            return {**child, "types": [k for k in child["types"] if name == stem + k[0].upper() + k[1:]]}
    return {}


def _type(path: str) -> str:
    return next(iter(_element(path).get("types", ())), path if "." not in path else "")


def _walk(resource: Json) -> Iterator[tuple[str, str, Json]]:
    """Every element of a resource: where it is, its path in the definitions, and itself. Not into other resources."""
    kind = resource.get("resourceType")
    yield from _inside(f"{kind}/{resource.get('id', '')}", str(kind), resource)


def _inside(where: str, path: str, node: Json) -> Iterator[tuple[str, str, Json]]:
    yield where, path, node
    for key, part in node.items() if isinstance(node, dict) else ():
        if key == "resourceType" or (path == "Bundle.entry" and key == "resource"):
            continue
        parent = path if path in _children() else _like(path) or _type(path)
        child = f"{parent}.{key}"
        if part == []:
            yield f"{where}.{key}", child, part
        for number, one in enumerate(part if isinstance(part, list) else [part]):
            at = f"{where}.{key}[{number}]" if isinstance(part, list) else f"{where}.{key}"
            yield from _inside(at, child, one)


def _like(path: str) -> str:
    return str(_element(path).get("like", ""))


ALL: dict[str, Callable[[Json], list[str]]] = {
    "models": models,
    "schema": schema,
    "invariants": invariants,
    "structure": structure,
}


def problems(content: bytes) -> dict[str, list[str]]:
    """What each validator has against a bundle; those that have nothing are left out."""
    bundle = json.loads(content)
    return {name: found for name, check in ALL.items() if (found := check(bundle))}
