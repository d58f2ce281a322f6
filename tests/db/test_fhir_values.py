"""The FHIR bundle of a case says what its record says: every value, lot, time and person of the state, and no other."""

import base64
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest
from pytest_django import DjangoDbBlocker

from procedures.definitions import Field, FieldType, Step
from procedures.exports import as_fhir
from procedures.models import User
from procedures.screens.view import View
from procedures.state import Entry, StepStatus
from tests.fhir import stage
from tests.fhir.reader import Reader, amount, codes, extensions, moment
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def view(suite: World, django_db_blocker: DjangoDbBlocker) -> View:
    """The whole case."""
    return stage.whole(suite).view()


@pytest.fixture(scope="module")
def names(view: View) -> dict[int, str]:
    """Everybody's name, from the table."""
    return dict(User.objects.values_list("pk", "display_name"))


@pytest.fixture(scope="module")
def reader(view: View) -> Reader:
    """Its bundle, as read back."""
    return Reader(as_fhir.bundle(view, identified=True))


def entries(view: View) -> Iterator[tuple[Step, Entry]]:
    """Every entry of the state with its step."""
    for step in view.state.steps.values():
        for entry in step.entries:
            yield view.protocol.by_code[step.key.code], entry


def test_the_stage_has_what_is_to_be_read(view: View) -> None:
    """Both sides of two levels, corrections, what was taken back, other sources, what the second person found."""
    found = [entry for _step, entry in entries(view)]
    assert {e.source for e in found} == {"live", "offline", "paper"}
    assert {e.mark for e in found} >= {StepStatus.DONE, StepStatus.NOT_DONE}
    assert {level.vertebra: level.sides for level in view.state.in_order()} == {
        "T12": ("left", "right"),
        "L1": ("left", "right"),
    }
    assert any("corrected" in e.flags for e in found)
    assert any(not e.live for e in found)
    assert any(e.second for e in found)
    assert any("entered" in value for e in found for value in e.values.values() if isinstance(value, dict))


def test_every_entry_is_a_task_with_its_people_and_times(
    view: View, reader: Reader, names: dict[int, str]
) -> None:
    found = list(entries(view))
    assert len(found) == len(reader.all("Task")), "a case that is whole owes no step"
    for step, entry in found:
        task = reader.task(entry.seq)
        assert step.code in codes(task["code"])
        assert reader.name(task["owner"]) == names[entry.performed_by]
        assert moment(task["authoredOn"]) == entry.recorded_at
        assert moment(task["lastModified"]) >= entry.recorded_at
        if "started_at" not in entry.values and "ended_at" not in entry.values:
            period = task["executionPeriod"]
            assert moment(period["start"]) == moment(period["end"]) == entry.performed_at
        done = {"done": "completed", "not_done": "cancelled", "not_applicable": "cancelled"}[entry.mark]
        assert task["status"] == (done if entry.live else "entered-in-error")
        assert codes(task["businessStatus"]) == [entry.mark]
        assert list(extensions(task, "source")) == [entry.source]
        assert list(extensions(task, "flag")) == list(entry.flags)
        said = task.get("statusReason", task.get("reasonCode", {})).get("text", "")
        assert said == (entry.reason if entry.live else entry.void_reason)


def test_every_value_of_every_entry_is_told_once(view: View, reader: Reader, names: dict[int, str]) -> None:
    count = 0
    for step, entry in entries(view):
        task = reader.task(entry.seq)
        told = {
            code.split(".")[1] for output in task.get("output", ()) for code in codes(output["type"])[-1:]
        }
        assert told == set(entry.values), f"{step.code} {entry.seq}"
        for field in step.fields:
            if field.key in entry.values:
                outputs = reader.outputs(task, field.key)
                compare(field, entry, outputs, names)
                by_whom_and_when(reader, outputs[0], entry, names)
                count += 1
    assert count > 250


def compare(field: Field, entry: Entry, outputs: list[Any], names: dict[int, str]) -> None:
    value, first = entry.values[field.key], outputs[0]
    match field.type:
        case FieldType.NUMBER | FieldType.QUANTITY:
            assert measured(field, first) == value
        case FieldType.CHOICE:
            assert option(first, field) == [value]
        case FieldType.CHOICES:
            assert [o for output in outputs for o in option(output, field)] == value
        case FieldType.PRODUCT:
            product(first, value, live=entry.live)
        case FieldType.PERSON | FieldType.PEOPLE:
            people = value if isinstance(value, list) else [value]
            assert [o["name"][0]["text"] for o in outputs] == [names[p["id"]] for p in people]
        case FieldType.ENTRY:
            assert first["identifier"][0]["value"].endswith(f"/{value['seq']}")
        case FieldType.TIME:
            assert moment(first) == moment(value)
        case _ if isinstance(first, dict):
            assert value in (first.get("lotNumber"), first.get("expirationDate"), *words(first))
        case _:
            assert first == value


def by_whom_and_when(reader: Reader, found: Any, entry: Entry, names: dict[int, str]) -> None:
    """An observation or a dose has the person and the time of its entry, and is in error where that is."""
    if not isinstance(found, dict) or found.get("resourceType") not in (
        "Observation",
        "MedicationAdministration",
    ):
        return
    assert moment(found["effectiveDateTime"]) == entry.performed_at
    performer = found["performer"][0]
    assert reader.name(performer.get("actor", performer)) == names[entry.performed_by]
    assert (found["status"] == "entered-in-error") == (not entry.live)


def words(resource: Any) -> list[str]:
    """What is said in free words of a device or a drug."""
    named = [name["name"] for name in resource.get("deviceName", ())]
    return [*named, resource.get("medicationCodeableConcept", {}).get("text", "")]


def measured(field: Field, found: Any) -> dict[str, str]:
    """The number in what holds it: a dose, a blood pressure's part, an observation, or the task itself."""
    if "dosage" in found:
        return amount(found["dosage"]["dose"])
    if field.key in ("sbp", "dbp"):
        (part,) = (
            c for c in found["component"] if any(x.endswith(f".{field.key}") for x in codes(c["code"]))
        )
        return amount(part["valueQuantity"])
    if "valueInteger" in found:
        return {"amount": str(found["valueInteger"]), "unit": ""}
    return amount(found.get("valueQuantity", found))


def option(found: Any, field: Field) -> list[str]:
    """The answers in what holds them."""
    concepts = [c["valueCodeableConcept"] for c in found.get("component", ())] or [
        found.get("valueCodeableConcept")
        or (found["dosage"]["route"] if field.key == "route" and "dosage" in found else None)
        or found.get("medicationCodeableConcept")
        or found
    ]
    return [codes(concept)[-1].split(".")[-1] for concept in concepts]


def product(device: Any, value: dict[str, Any], *, live: bool) -> None:
    assert device["deviceName"][0]["name"] == value["name"]
    assert device["lotNumber"] == value["lot"]
    assert device["expirationDate"] == value["expires"]
    assert device.get("serialNumber", "") == value.get("serial", "")
    assert device["status"] == ("active" if live else "entered-in-error")
    if value.get("gtin"):
        (carrier,) = device["udiCarrier"]
        assert carrier["deviceIdentifier"] == value["gtin"]
        assert base64.b64decode(carrier["carrierAIDC"]).decode() == value["scan"]
        assert (
            f"(01){value['gtin']}(11)250401(17)270331(10){value['lot']}(21){value['serial']}"
            == carrier["carrierHRF"]
        )


def test_the_cement_adds_up(view: View, reader: Reader) -> None:
    (whole,) = (o for o in reader.coded("Observation", "cement_ml") if "bodySite" not in o)
    parts = [o for o in reader.coded("Observation", "cement_ml") if "bodySite" in o]
    assert (
        whole["valueQuantity"]["value"].quantize(view.progress.summary().cement_ml)
        == view.progress.summary().cement_ml
    )
    assert whole["valueQuantity"]["value"] == sum(o["valueQuantity"]["value"] for o in parts)
    for total in (whole, *parts):
        injections = [reader.at(reference) for reference in total["derivedFrom"]]
        assert sum(o["valueQuantity"]["value"] for o in injections) == total["valueQuantity"]["value"]
        assert {o["status"] for o in injections} <= {"final", "corrected"}


def test_every_event_is_a_provenance_with_its_people_and_times(
    view: View, reader: Reader, names: dict[int, str]
) -> None:
    rows = list(view.case.events.order_by("seq"))
    told = [p for p in reader.all("Provenance") if "activity" in p]
    assert len(told) == len(rows)
    for row, provenance in zip(rows, told, strict=True):
        assert codes(provenance["activity"])[-1] == row.kind
        assert moment(provenance["occurredDateTime"]) == row.performed_at
        assert moment(provenance["recorded"]) == row.recorded_at
        did, recorded = provenance["agent"]
        assert (reader.name(did["who"]), reader.name(recorded["who"])) == (
            names[row.performed_by_id],
            names[row.recorded_by_id],
        )
        assert list(extensions(provenance, "source")) == [row.source]
        assert provenance.get("reason", [{}])[0].get("text", "") == row.data["reason"]


def test_a_correction_keeps_what_stood_there(reader: Reader) -> None:
    (correction,) = (p for p in reader.all("Provenance") if "step.corrected" in codes(p.get("activity", {})))
    assert correction["entity"][0]["role"] == "revision"
    said = correction["entity"][0]["what"]["display"]
    assert "Volume: 2.30 mL" in said
    assert "Consistency: Thin" in said
    assert "Done by: Ada Okafor" in said
    assert codes(correction["activity"]) == ["UPDATE", "step.corrected"]
    task = reader.at(correction["target"][0])
    (volume,) = reader.outputs(task, "volume")
    assert (volume["status"], volume["valueQuantity"]["value"]) == (
        "corrected",
        Decimal("3.25"),
    )
    (leak,) = reader.outputs(task, "leak")
    assert leak["status"] == "final"


def test_the_note_and_its_signatures(view: View, reader: Reader, names: dict[int, str]) -> None:
    note, state = reader.only("Composition"), view.state
    assert (note["status"], reader.name(note["author"][0])) == ("amended", stage.SURGEON)
    said = {codes(s["code"])[0]: words_of(s) for s in note["section"]}
    assert said["procedure"] == stage.NOTE["procedure"]
    assert said["findings"] == "Soft bone;cement <well> spread & held"
    signed, cosigned = (p for p in reader.all("Provenance") if "signature" in p)
    assert state.signed
    assert state.cosigned
    for provenance, signature, meaning in ((signed, state.signed, "1"), (cosigned, state.cosigned, "5")):
        (mark,) = provenance["signature"]
        assert mark["type"][0]["code"] == f"1.2.840.10065.1.12.1.{meaning}"
        assert moment(mark["when"]) == signature.at
        assert reader.name(mark["who"]) == names[signature.by]
        assert note in [reader.at(target) for target in provenance["target"]]
        event = view.case.events.get(seq=signature.seq)
        log = provenance["entity"][-1]["what"]["identifier"]["value"]
        assert log.split("/")[1:] == [str(event.data["values"]["seq"]), event.data["values"]["head"]]
    assert [(a["mode"], reader.name(a["party"])) for a in note["attester"]] == [
        ("legal", stage.SURGEON),
        ("professional", "Trainer"),
    ]


def words_of(section: Any) -> str:
    """The words of a section of the note."""
    return "".join(ElementTree.XML(section["text"]["div"]).itertext())


def test_addenda_are_told_as_such(view: View, reader: Reader) -> None:
    assert view.state.addenda == 3
    found = [p for p in reader.all("Provenance") if "addendum.added" in codes(p.get("activity", {}))]
    assert [codes(p["activity"])[0] for p in found] == ["APPEND", "APPEND", "UPDATE"]
    assert [codes(p["agent"][0]["type"]) for p in found] == [["author"]] * 3
    _words, images, leak = found
    assert "Leak: None seen" in leak["entity"][0]["what"]["display"]
    task = reader.at(leak["target"][0])
    assert "addendum" in list(extensions(task, "flag"))
    (answer,) = reader.outputs(task, "leak")
    assert (answer["status"], codes(answer["valueCodeableConcept"])[-1]) == ("amended", "K09d.leak.segmental")
    (volume,) = reader.outputs(task, "volume")
    assert volume["status"] == "final"
    (seen,) = reader.outputs(reader.at(images["target"][0]), "leak")
    assert seen["status"] == "final"
    sections = [s for s in reader.only("Composition")["section"] if codes(s["code"]) == ["addendum"]]
    assert len(sections) == 3
    assert "Family told <1 h> after & again" in words_of(sections[0])
    assert reader.at(sections[2]["entry"][0]) == task


def test_the_person_and_the_unit(view: View, reader: Reader) -> None:
    patient, unit = reader.only("Patient"), reader.only("Organization")
    assert patient["name"] == [
        {"family": stage.PATIENT["family_name"], "given": [stage.PATIENT["given_name"]]}
    ]
    assert (patient["identifier"][0]["value"], patient["birthDate"]) == (stage.MRN, "1952-03-12")
    assert (patient["gender"], unit["name"]) == ("female", view.case.unit.name)
    assert reader.at(patient["managingOrganization"]) == unit
    (allergy,) = reader.all("AllergyIntolerance")
    assert (allergy["code"]["text"], reader.name(allergy["recorder"])) == ("penicillin", "Ada Okafor")
    assert moment(allergy["recordedDate"]) == view.case.opened_at
    assert reader.at(allergy["patient"]) == patient
    (surgeon,) = (p for p in reader.all("Practitioner") if p["name"][0]["text"] == stage.SURGEON)
    assert surgeon["qualification"][0]["code"]["text"] == "Нейрохирург"
    assert surgeon["identifier"][1]["value"] == "GMC-0042"
