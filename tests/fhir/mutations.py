"""Ways to break a good bundle, each as a careless change of the exporter could. Every one must be caught."""

from collections.abc import Callable, Iterator
from typing import Any

type Json = Any

MUTATIONS: dict[str, Callable[[Json], None]] = {}


def mutation(change: Callable[[Json], None]) -> Callable[[Json], None]:
    """Keep a mutation under its name."""
    MUTATIONS[change.__name__] = change
    return change


def all_of(bundle: Json, kind: str, *having: str) -> Iterator[Json]:
    """The resources of a type that have these elements."""
    for entry in bundle["entry"]:
        found = entry["resource"]
        if found["resourceType"] == kind and all(name in found for name in having):
            yield found


def one(bundle: Json, kind: str, *having: str) -> Json:
    """The first of them."""
    return next(all_of(bundle, kind, *having))


@mutation
def a_required_element_is_missing(bundle: Json) -> None:
    del one(bundle, "Observation")["status"]


@mutation
def a_required_part_is_missing(bundle: Json) -> None:
    del one(bundle, "Procedure", "performer")["performer"][0]["actor"]


@mutation
def a_provenance_has_no_target(bundle: Json) -> None:
    del one(bundle, "Provenance")["target"]


@mutation
def a_status_is_no_code_of_its_list(bundle: Json) -> None:
    one(bundle, "Procedure")["status"] = "done"


@mutation
def an_entity_has_an_unknown_role(bundle: Json) -> None:
    one(bundle, "Provenance", "entity")["entity"][0]["role"] = "before"


@mutation
def an_element_is_unknown(bundle: Json) -> None:
    one(bundle, "Task")["priorityy"] = "urgent"


@mutation
def an_element_of_another_release(bundle: Json) -> None:
    procedure = one(bundle, "Procedure", "performedPeriod")
    procedure["occurrencePeriod"] = procedure.pop("performedPeriod")


@mutation
def an_element_has_the_wrong_type(bundle: Json) -> None:
    one(bundle, "Observation", "valueQuantity")["valueQuantity"]["value"] = "three"


@mutation
def a_list_is_no_list(bundle: Json) -> None:
    task = one(bundle, "Task", "identifier")
    task["identifier"] = task["identifier"][0]


@mutation
def one_value_is_a_list(bundle: Json) -> None:
    task = one(bundle, "Task")
    task["code"] = [task["code"]]


@mutation
def two_values_of_one_choice(bundle: Json) -> None:
    one(bundle, "Observation", "valueQuantity")["valueString"] = "4 mL"


@mutation
def a_date_that_is_none(bundle: Json) -> None:
    one(bundle, "Patient")["birthDate"] = "12.03.1952"


@mutation
def a_moment_without_a_zone(bundle: Json) -> None:
    one(bundle, "Provenance")["recorded"] = "2026-11-22T08:00:00"


@mutation
def a_reference_leads_nowhere(bundle: Json) -> None:
    one(bundle, "Observation")["subject"]["reference"] = "urn:uuid:00000000-0000-4000-8000-000000000000"


@mutation
def a_reference_leads_to_the_wrong_type(bundle: Json) -> None:
    patient = f"urn:uuid:{one(bundle, 'Patient')['id']}"
    one(bundle, "Procedure", "partOf")["partOf"][0]["reference"] = patient


@mutation
def a_resource_stands_twice(bundle: Json) -> None:
    bundle["entry"].append(bundle["entry"][0])


@mutation
def an_address_is_not_its_resource_s(bundle: Json) -> None:
    bundle["entry"][0]["resource"]["id"] = "00000000-0000-4000-8000-000000000000"


@mutation
def a_list_is_empty(bundle: Json) -> None:
    one(bundle, "Task")["note"] = []


@mutation
def a_text_is_empty(bundle: Json) -> None:
    one(bundle, "Task")["description"] = ""


@mutation
def an_object_is_empty(bundle: Json) -> None:
    one(bundle, "Task")["statusReason"] = {}


@mutation
def it_was_modified_before_it_was_written(bundle: Json) -> None:
    one(bundle, "Task", "lastModified")["lastModified"] = "2001-01-01T00:00:00Z"


@mutation
def a_period_ends_before_it_begins(bundle: Json) -> None:
    one(bundle, "Procedure", "performedPeriod")["performedPeriod"]["end"] = "2001-01-01T00:00:00Z"


@mutation
def a_code_of_a_unit_without_its_system(bundle: Json) -> None:
    del one(bundle, "Observation", "valueQuantity")["valueQuantity"]["system"]


@mutation
def a_dosage_without_a_dose(bundle: Json) -> None:
    found = one(bundle, "MedicationAdministration", "dosage")
    found["dosage"] = {"text": "some"}


@mutation
def an_observation_with_a_value_and_a_reason_for_none(bundle: Json) -> None:
    one(bundle, "Observation", "valueQuantity")["dataAbsentReason"] = {"text": "unknown"}


@mutation
def a_component_says_what_the_whole_says(bundle: Json) -> None:
    found = one(bundle, "Observation", "valueQuantity")
    found["component"] = [{"code": found["code"], "valueInteger": 1}]


@mutation
def a_unit_without_name_and_identifier(bundle: Json) -> None:
    found = one(bundle, "Organization")
    for name in ("name", "identifier"):
        found.pop(name, None)
    found["active"] = True


@mutation
def an_extension_with_nothing(bundle: Json) -> None:
    one(bundle, "Task")["extension"] = [{"url": "urn:kypho:extension:flag"}]


@mutation
def a_code_with_a_space_at_its_end(bundle: Json) -> None:
    one(bundle, "Observation")["code"]["coding"][0]["code"] = "8867-4 "


@mutation
def a_bundle_of_no_type(bundle: Json) -> None:
    del bundle["type"]


@mutation
def a_resource_of_no_kind(bundle: Json) -> None:
    one(bundle, "Device")["resourceType"] = "Balloon"


@mutation
def a_narrative_with_a_script(bundle: Json) -> None:
    section = one(bundle, "Composition")["section"][0]
    section["text"]["div"] = '<div xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script>x</div>'


@mutation
def a_section_with_nothing(bundle: Json) -> None:
    del one(bundle, "Composition")["section"][0]["text"]


@mutation
def a_signature_of_nobody(bundle: Json) -> None:
    del one(bundle, "Provenance", "signature")["signature"][0]["who"]
