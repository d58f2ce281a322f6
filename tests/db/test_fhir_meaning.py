"""What the FHIR bundle says in the codes of others, and what a de-identified one does not say."""

import json
import subprocess
import sys
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from pytest_django import DjangoDbBlocker

from procedures.exports import as_fhir
from procedures.models import Case, User
from procedures.screens.view import View
from tests.fhir import stage
from tests.fhir.reader import Json, Reader, codes, extensions
from tests.world import CEMENT, World

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def play(suite: World, django_db_blocker: DjangoDbBlocker) -> stage.Play:
    """The whole case."""
    return stage.whole(suite)


@pytest.fixture(scope="module")
def view(play: stage.Play) -> View:
    """The same as the operator sees it."""
    return play.view()


@pytest.fixture(scope="module")
def reader(view: View) -> Reader:
    """Its bundle, as read back."""
    return Reader(as_fhir.bundle(view, identified=True))


@pytest.fixture(scope="module")
def unnamed(view: View) -> bytes:
    """Its bundle, de-identified."""
    return as_fhir.bundle(view, identified=False)


# Codes --------------------------------------------------------------------------------------------------------------


def test_the_case_and_its_vertebrae(reader: Reader) -> None:
    case, upper, lower = reader.case(), reader.level("23215003"), reader.level("66794005")
    assert [reader.at(p["partOf"][0]) for p in (upper, lower)] == [case, case]
    assert [p["status"] for p in (case, upper, lower)] == ["completed"] * 3
    assert [codes(site)[0] for site in case["bodySite"]] == ["23215003", "66794005"]
    assert codes(case["reasonCode"][0]) == ["M80.08XA", "osteoporosis"]
    assert codes(upper["complication"][0])[-1] == "EV-COMPLICATION.type.leak"
    assert "complication" not in lower
    roles = {(codes(p["function"])[0], reader.name(p["actor"])) for p in case["performer"]}
    assert roles == {("operator", stage.SURGEON), ("circulating_nurse", "Ada Okafor")}
    assert stage.SURGEON in {reader.name(p["actor"]) for p in lower["performer"]}
    assert case["location"] == {"display": "IR room 2"}


def test_no_code_of_a_kyphoplasty_that_nobody_verified(reader: Reader) -> None:
    for procedure in reader.all("Procedure"):
        assert {c["system"] for c in procedure["code"]["coding"]} <= {
            "urn:kypho:concept",
            "http://www.ama-assn.org/go/cpt",
        }
    assert "429616001" not in json.dumps(reader.bundle, default=str)


def test_the_first_vertebra_with_cement_has_the_number_of_its_region(suite: World, reader: Reader) -> None:
    """CPT has one first number in a session, whatever the regions, and a further one for each other vertebra."""
    assert cpt(reader.level("T12")) == ["22513"]
    assert cpt(reader.level("L1")) == ["22515"]
    assert cpt(reader.case()) == []
    play = stage.Play(suite, "L3", "S1", mrn="CPT")
    play.start()
    assert cpt(Reader(as_fhir.bundle(play.view(), identified=True)).level("L3")) == []
    play.until("REC-TURN")
    found = Reader(as_fhir.bundle(play.view(), identified=True))
    assert (cpt(found.level("L3")), cpt(found.level("S1"))) == (["22514"], [])


def cpt(procedure: Json) -> list[str]:
    return [c["code"] for c in procedure["code"]["coding"] if "ama-assn" in c["system"]]


def test_cement_is_implanted_where_its_batch_was_injected(reader: Reader) -> None:
    for level in ("T12", "L1"):
        powder, liquid = (reader.at(d["manipulated"]) for d in reader.level(level)["focalDevice"])
        assert powder["udiCarrier"][0]["deviceIdentifier"] == CEMENT
        assert (powder["lotNumber"], powder["expirationDate"]) == ("KX-20931", "2027-03-31")
        assert reader.at(powder["patient"]) == reader.only("Patient")
        assert reader.at(liquid["parent"]) == powder
        used = [reader.at(d) for d in reader.level(level)["usedReference"]]
        kinds = [codes(d["type"])[0] for d in used]
        assert sorted(kinds) == ["balloon", "balloon", "needle", "needle"]
        assert {d["status"] for d in used} == {"active"}, "a balloon that was taken back was not used"
    rest = [reader.at(d) for d in reader.case()["usedReference"]]
    assert "007" in {d["lotNumber"] for d in rest}, (
        "a batch that no injection names was used, and implanted nowhere"
    )
    assert {codes(d["type"])[0] for d in rest} >= {"EV-DEVICE", "cement"}


def test_vital_signs_are_loinc(reader: Reader) -> None:
    for code, unit in {
        "8867-4": "/min",
        "9279-1": "/min",
        "2708-6": "%",
        "8310-5": "Cel",
        "29463-7": "kg",
    }.items():
        found = reader.coded("Observation", code)
        assert found
        for observation in found:
            assert observation["code"]["coding"][0]["system"] == "http://loinc.org"
            assert codes(observation["category"][0]) == ["vital-signs"]
            assert observation["valueQuantity"]["code"] == unit
    pressures = reader.coded("Observation", "85354-9")
    for pressure in pressures:
        assert [codes(part["code"])[0] for part in pressure["component"]] == ["8480-6", "8462-4"]
        assert all(
            part["valueQuantity"]["code"] == "mm[Hg]"
            for part in pressure["component"]
            if "valueQuantity" in part
        )
    (half,) = (p for p in pressures if any("dataAbsentReason" in part for part in p["component"]))
    assert codes(half["component"][1]["dataAbsentReason"]) == ["unknown"]
    assert reader.coded("Observation", "72514-3")[0]["valueQuantity"]["code"] == "{score}"


def test_radiation_is_dicom_in_canonical_units_with_what_was_entered(reader: Reader) -> None:
    expected = {
        "113730": ("270", "s", "4.5", "min"),
        "113722": ("13.639", "Gy.cm2", "1363.9", "cGy.cm2"),
        "113725": ("212", "mGy", "0.212", "Gy"),
    }
    for code, (value, unit, entered, entered_unit) in expected.items():
        (found,) = reader.coded("Observation", code)
        quantity = found["valueQuantity"]
        assert (quantity["value"], quantity["code"]) == (Decimal(value), unit)
        translation = quantity["extension"][0]["valueQuantity"]
        assert (translation["value"], translation["code"]) == (Decimal(entered), entered_unit)
    assert reader.coded("Observation", "K11.dap")[0]["valueQuantity"]["unit"] == "Gy·cm²"


def test_an_injection_has_its_vertebra_and_side(reader: Reader) -> None:
    found = {
        (codes(o["bodySite"])[-1], codes(next(extensions(o["bodySite"], "side")))[0]): o["valueQuantity"][
            "value"
        ]
        for o in reader.coded("Observation", "K09d.volume")
    }
    left, right = "7771000", "24028007"
    assert found == {
        ("T12", left): Decimal("2.00"), ("T12", right): Decimal("2.10"),
        ("L1", left): Decimal("2.20"), ("L1", right): Decimal("3.25"),
    }  # fmt: skip
    leaks = [o for o in reader.coded("Observation", "K09d.leak") if "component" in o]
    assert [codes(c["valueCodeableConcept"])[-1] for c in leaks[0]["component"]] == [
        "K09d.leak.disc",
        "K09d.leak.cortical",
    ]


def test_each_dose_is_an_administration(reader: Reader) -> None:
    found = {
        codes(m["medicationCodeableConcept"])[-1].split(".")[0]: m
        for m in reader.all("MedicationAdministration")
    }
    assert set(found) == {"K07", "EV-DRUG", "EV-REVERSAL"}, "an antibiotic that was not given is none"
    drug, reversal = found["EV-DRUG"], found["EV-REVERSAL"]
    assert drug["medicationCodeableConcept"]["text"] == "Метамизол"
    assert (drug["dosage"]["dose"]["value"], drug["dosage"]["dose"]["code"]) == (Decimal("0.05"), "mg")
    assert "route" not in drug["dosage"]
    assert "dosage" not in reversal
    (route,) = reader.outputs(
        reader.task(int(reversal["identifier"][0]["value"].rpartition("/")[2])), "route"
    )
    assert route["text"] == "Into the vein"
    assert reader.at(found["K07"]["partOf"][0])["bodySite"]
    assert found["K07"]["dosage"]["dose"]["code"] == "mL"


def test_what_two_people_found_differently_is_a_note(reader: Reader) -> None:
    (task,) = (t for t in reader.all("Task") if "note" in t)
    (note,) = task["note"]
    assert "Counted out: 9" in note["text"]
    assert reader.name(note["authorReference"]) == "Ada Okafor"


def test_how_an_event_came_in(play: stage.Play, reader: Reader) -> None:
    (queued,) = (p for p in reader.all("Provenance") if list(extensions(p, "device-time")))
    assert list(extensions(queued, "source")) == ["offline"]
    assert reader.name(next(extensions(queued, "session"))) == "Wanda Ward"
    assert next(extensions(queued, "tablet"))["system"] == "urn:kypho:tablet"
    (log,) = (p for p in reader.all("Provenance") if "activity" not in p)
    last, head = log["entity"][0]["what"]["identifier"]["value"].split("/")[1:]
    case = Case.objects.get(pk=play.id)
    assert (int(last), head) == (case.last_seq, bytes(case.head_hash).hex())


# De-identified ------------------------------------------------------------------------------------------------------


def test_it_names_nobody(play: stage.Play, view: View, reader: Reader, unnamed: bytes) -> None:
    said = unnamed.decode()
    for name in (
        *stage.PATIENT.values(),
        stage.MRN,
        "1952-03",
        "IR room",
        view.case.unit.name,
        str(view.case.pk),
    ):
        assert name not in said
    for name in User.objects.values_list("display_name", flat=True):
        assert name not in said
    for text in (
        "日本語",
        "Метамизол",
        "GMC-0042",
        "Нейрохирург",
        "Аллергия",
        "abgelesen",
        "стороне",
        "Цемент",
        "S/N77",
        "Кифопластика",
    ):
        assert text in json.dumps(reader.bundle, default=str, ensure_ascii=False)
        assert text not in said
    assert bytes(Case.objects.get(pk=play.id).head_hash).hex() not in said
    assert '"valueString"' not in said
    assert '"Composition"' not in said
    assert '"AllergyIntolerance"' not in said
    assert '"signature"' in said


def test_what_may_be_told_is_told(reader: Reader, unnamed: bytes) -> None:
    told = Reader(unnamed)
    assert told.only("Patient").keys() == {"resourceType", "id", "gender", "birthDate"}
    assert told.only("Patient")["birthDate"] == "1952"
    assert codes({"coding": told.bundle["meta"]["security"]}) == ["PSEUDED"]
    assert all(p.keys() == {"resourceType", "id"} for p in told.all("Practitioner"))
    assert len(told.all("Practitioner")) == len(reader.all("Practitioner"))
    for kind in ("Observation", "Task", "Device", "MedicationAdministration", "Provenance"):
        assert len(told.all(kind)) == len(reader.all(kind))
    volumes = [[o["valueQuantity"] for o in r.coded("Observation", "K09d.volume")] for r in (told, reader)]
    assert volumes[0] == volumes[1]
    assert {d.get("lotNumber") for d in told.all("Device")} == {
        d.get("lotNumber") for d in reader.all("Device")
    }
    assert not any(
        "serialNumber" in d or "carrierAIDC" in d.get("udiCarrier", [{}])[0] for d in told.all("Device")
    )
    refused = next(t for t in told.all("Task") if codes(t["businessStatus"]) == ["not_done"])
    assert refused["statusReason"]["extension"][0]["valueCode"] == "masked"


def test_ids_are_the_same_for_the_same_export_and_no_other(
    view: View, reader: Reader, unnamed: bytes
) -> None:
    again = Reader(as_fhir.bundle(view, identified=True))
    assert list(again.by_url) == list(reader.by_url)
    told = Reader(unnamed)
    assert Reader(as_fhir.bundle(view, identified=False)).by_url == told.by_url
    assert not told.by_url.keys() & reader.by_url.keys()
    assert UUID(told.only("Patient")["id"]).version == 5


def test_the_ids_of_a_de_identified_export_need_the_server_s_key(
    view: View, settings: object, unnamed: bytes
) -> None:
    settings.SECRET_KEY = "another key of another server, as long as it has to be"  # type: ignore[attr-defined]
    other = Reader(as_fhir.bundle(view, identified=False))
    assert not other.by_url.keys() & Reader(unnamed).by_url.keys()


def test_from_ninety_on_the_year_is_not_told(suite: World) -> None:
    for mrn, born, year in (("OLD", "1936-11-22", None), ("ALMOST", "1936-11-23", "1936")):
        play = stage.Play(suite, "L1", mrn=mrn, birth_date=date.fromisoformat(born))
        patient = Reader(as_fhir.bundle(play.view(), identified=False)).only("Patient")
        assert patient.get("birthDate") == year


def test_what_was_moved_to_another_case_is_not_told(suite: World) -> None:
    plays = stage.states(suite)
    here, there = (
        Reader(as_fhir.bundle(plays[name].view(), identified=True)) for name in ("moved", "running")
    )
    (task,) = (t for t in here.all("Task") if "EV-VITALS" in codes(t["code"]))
    assert (task["status"], "output" in task) == ("entered-in-error", False)
    assert here.all("Observation") == []
    assert len([t for t in there.all("Task") if "EV-VITALS" in codes(t["code"])]) == 1


# The cost -----------------------------------------------------------------------------------------------------------


def test_a_server_starts_without_the_models_of_fhir() -> None:
    """They take a third of a second to load, and only an export needs them."""
    said = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'; django.setup();"
        "import procedures.urls, procedures.exports.as_fhir; print('fhir.resources' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
