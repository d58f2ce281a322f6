"""Products at the tablet: chosen, scanned, typed; what a scan says and what it gets wrong."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from procedures.models import Product
from procedures.scanning import GS, Scan, encode
from tests.web.visitor import Answer, Visitor
from tests.world import BALLOON, CEMENT, NEEDLE, World

pytestmark = pytest.mark.django_db

UNTIL = (date.today() + timedelta(days=300)).isoformat()  # noqa: DTZ011
GONE = (date.today() - timedelta(days=40)).isoformat()  # noqa: DTZ011
CODE = encode(Scan(CEMENT, "C-1", UNTIL))
UNKNOWN = "09521100000048"


@pytest.fixture
def case_id(world: World) -> UUID:
    """A started case that stands before its cement."""
    found = world.started("L1")
    world.rush(found, "CHK-TO")
    return found


def scan(visitor: Visitor, code: str, **parts: str) -> Answer:
    sent = {f"v_cement_{part}": text for part, text in parts.items()}
    return visitor.post("product-scan", "cement", "f-v_cement", htmx=True, v_cement_scan=code, **sent)


def inputs(answer: Answer) -> dict[str, str]:
    return {a["name"].removeprefix("v_cement_"): a.get("value", "") for a in answer.page.inputs.values()}


def mixed(world: World, case_id: UUID) -> dict[str, Any]:
    found = dict(world.step(case_id, "K09c").live[-1].values["cement"])
    return {
        part: value for part, value in found.items() if part != "bands"
    }  # a clock's, not the product's own


def test_a_scan_fills_the_field(world: World, nurse: Visitor) -> None:
    answer = scan(nurse, CODE)
    assert answer.status == 200
    assert answer.page.top == ["f-v_cement-product"]
    filled = inputs(answer)
    assert (filled["lot"], filled["expires"], filled["scan"]) == ("C-1", UNTIL, "")
    assert filled["read"] == CODE
    assert "selected>Cement A (Maker)" in answer.html
    assert "Read from the scan." in answer.page.text


def test_what_the_field_holds_is_recorded_as_scanned(world: World, case_id: UUID, nurse: Visitor) -> None:
    code = encode(Scan(CEMENT, "C-1", UNTIL, "S-9", "2026-01-15"))
    filled: dict[str, Any] = {
        f"v_cement_{name}": text for name, text in inputs(scan(nurse, code)).items() if name != "v_cement"
    }
    cement = Product.objects.get(kind="cement")
    assert nurse.post("step-done", case_id, "K09c", v_cement=str(cement.pk), **filled).status == 302
    assert mixed(world, case_id) == {
        "id": cement.pk, "name": str(cement), "lot": "C-1", "expires": UNTIL, "serial": "S-9", "gtin": CEMENT,
        "made": "2026-01-15", "scan": code, "how": "scanned",
    }  # fmt: skip
    shown = nurse.get("record", case_id).page.ids["step-K09c"]
    assert (
        f"Cement A (Maker), lot C-1, serial S-9, expires {date.fromisoformat(UNTIL):%-d %b %Y}, scanned"
        in shown
    )


def test_without_scripts_the_code_is_read_when_the_step_is_sent(
    world: World, case_id: UUID, nurse: Visitor
) -> None:
    assert nurse.post("step-done", case_id, "K09c", v_cement_scan=CODE).status == 302
    found = mixed(world, case_id)
    assert (found["lot"], found["how"], found["scan"]) == ("C-1", "scanned", CODE)


def test_a_part_changed_by_hand_is_no_scan_any_more(world: World, case_id: UUID, nurse: Visitor) -> None:
    filled: dict[str, Any] = {
        f"v_cement_{name}": text for name, text in inputs(scan(nurse, CODE)).items() if name != "v_cement"
    }
    cement = str(Product.objects.get(kind="cement").pk)
    nurse.post("step-done", case_id, "K09c", v_cement=cement, **{**filled, "v_cement_lot": "C-7"})
    found = mixed(world, case_id)
    assert (found["lot"], found["how"], found["scan"]) == ("C-7", "picked", CODE)


def test_two_codes_of_one_label_add_up(nurse: Visitor) -> None:
    first = inputs(scan(nurse, f"01{CEMENT}"))
    both = inputs(scan(nurse, encode(Scan("", "C-1", UNTIL)), read=first["read"]))
    assert (both["lot"], both["expires"]) == ("C-1", UNTIL)
    assert both["read"].startswith(f"01{CEMENT} ")


def test_another_product_takes_the_place_of_the_first(world: World, nurse: Visitor) -> None:
    first = inputs(scan(nurse, encode(Scan(CEMENT, "C-1", UNTIL, "S-1"))))
    second = inputs(scan(nurse, f"01{UNKNOWN}10X-2", read=first["read"], lot="C-1", serial="S-1"))
    assert (second["lot"], second["serial"], second["expires"]) == ("X-2", "", "")


def test_a_product_that_the_catalogue_does_not_have(world: World, case_id: UUID, nurse: Visitor) -> None:
    code = f"01{UNKNOWN}10X-2{GS}21S-5"
    answer = scan(nurse, code)
    assert answer.status == 200
    assert f"GTIN {UNKNOWN} is not in the catalogue." in answer.page.text
    filled: dict[str, Any] = {
        f"v_cement_{name}": text for name, text in inputs(answer).items() if name != "v_cement"
    }
    assert "␝" in filled["v_cement_read"], "the separator has to be seen and to come back"
    nurse.post("step-done", case_id, "K09c", **{**filled, "v_cement_name": "Own cement"})
    assert mixed(world, case_id) == {
        "id": None, "name": "Own cement", "lot": "X-2", "expires": "", "serial": "S-5", "gtin": UNKNOWN,
        "scan": code, "how": "typed",
    }  # fmt: skip
    nurse.post("step-done", case_id, "K09c", v_cement_scan=code)
    assert mixed(world, case_id)["name"] == f"GTIN {UNKNOWN}"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("torn off", "not a GS1 product code"),
        (f"01{NEEDLE}", "This is Needle 11 G (Maker), a needle. Here belongs a cement."),
        (f"01{BALLOON[:-1]}5", "The last digit does not fit this GTIN."),
    ],
)
def test_a_scan_that_does_not_fit_is_refused_in_words(
    world: World, case_id: UUID, nurse: Visitor, code: str, words: str
) -> None:
    answer = scan(nurse, code, lot="typed before")
    assert answer.status == 422
    assert words in answer.page.text
    assert (inputs(answer)["scan"], inputs(answer)["lot"]) == (code, "typed before")
    sent = nurse.post("step-done", case_id, "K09c", v_cement_scan=code, v_room_temp="21.5")
    assert sent.status == 422
    assert words in sent.page.ids["f-v_cement-error"]
    assert sent.page.inputs["f-v_room_temp"]["value"] == "21.5"
    assert not world.step(case_id, "K09c").entries


def test_a_torn_label_is_typed_and_the_raw_text_stays(world: World, case_id: UUID, nurse: Visitor) -> None:
    told = inputs(scan(nurse, "0109521100"))
    sent: dict[str, Any] = {
        "v_cement_name": "Own cement",
        "v_cement_scan": told["scan"],
        "v_cement_unread": told["unread"],
    }
    assert nurse.post("step-done", case_id, "K09c", **sent).status == 302
    found = mixed(world, case_id)
    assert (found["how"], found["scan"], found["name"]) == ("typed", "0109521100", "Own cement")
    assert "Own cement, typed" in nurse.get("record", case_id).page.ids["step-K09c"]


def test_the_scan_and_the_choice_contradict_each_other(world: World, case_id: UUID, nurse: Visitor) -> None:
    other = Product.objects.create(kind="cement", name="Cement B", manufacturer="Maker")
    answer = nurse.post("step-done", case_id, "K09c", v_cement=str(other.pk), v_cement_scan=CODE)
    assert answer.status == 422
    assert "The scan is of another product than the one chosen." in answer.page.ids["hand"]


def test_an_expired_scan_is_refused_and_overridden_at_the_field(
    world: World, case_id: UUID, nurse: Visitor
) -> None:
    code = encode(Scan(CEMENT, "C-1", GONE))
    page = nurse.post("step-done", case_id, "K09c", v_cement_scan=code).page
    assert "Expired: to be used until" in page.ids["hand"]
    form = page.form("/done/")
    again = nurse.press(form, confirmed=["cement"], override_reason="")
    assert (again.status, "Expired: to be used until" in again.page.ids["hand"]) == (422, True)
    assert nurse.press(form, confirmed=["cement"], override_reason="the only one").status == 302
    shown = nurse.get("record", case_id).page
    for words in ("overridden", "past its date"):
        assert words in shown.ids["step-K09c"]
    assert "Used past its date: Cement mixing started" in shown.text
    scrub = Visitor(world.scrub).post("step-done", case_id, "K09c", v_cement_scan=code)
    assert "circulating nurse can override this" in scrub.page.ids["hand"]
    assert "override_reason" not in scrub.page.form("/done/").data


def test_an_untouched_product_is_no_correction(world: World, case_id: UUID, nurse: Visitor) -> None:
    """Also where it was scanned, with a separator, and where it is not in use any more."""
    code = encode(Scan(CEMENT, "C-1", UNTIL, "S-9"))
    nurse.post("step-done", case_id, "K09c", v_cement_scan=code)
    Product.objects.filter(kind="cement").update(active=False)
    seq = world.step(case_id, "K09c").live[0].seq
    form = nurse.get("entry", case_id, "K09c", seq).page.form("/correct/")
    answer = nurse.press(form, reason="only looking")
    assert answer.status == 422
    assert "Nothing was changed." in answer.page.ids["hand"]


def test_a_scan_for_no_field_is_not_found(nurse: Visitor) -> None:
    for kind, place in (("screw", "f-v_cement"), ("cement", "v_cement"), ("cement", "f-v_" + "x" * 41)):
        assert nurse.post("product-scan", kind, place, v_cement_scan=CODE).status == 404


def test_the_catalogue_takes_a_gtin_that_fits(world: World) -> None:
    from tests.web.administration import manager

    browser = manager(world)
    address = "/admin/procedures/product/add/"
    made = {"kind": "needle", "name": "N", "manufacturer": "M", "active": "on", "_save": "1",
            "warm_bands-TOTAL_FORMS": "0", "warm_bands-INITIAL_FORMS": "0"}  # fmt: skip
    for wrong in ("9521100000019", "123", "17270331", CEMENT, "torn"):
        assert browser.post(address, {**made, "gtin": wrong}).status_code == 200, wrong
    assert browser.post(address, {**made, "gtin": f"]d201{UNKNOWN}10A"}).status_code == 302
    assert Product.objects.get(name="N").gtin == UNKNOWN
