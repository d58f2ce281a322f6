"""Who got this lot, or this product."""

import csv
import io

import pytest

from procedures.models import Access, Product
from procedures.scanning import Scan, encode
from tests import away
from tests.web.visitor import Visitor
from tests.world import BALLOON, CEMENT, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def course(world: World) -> away.Course:
    world.open("L1", mrn="700000009", family_name="Nobody")
    return away.whole(world)


def test_a_lot_is_found_typed_in_any_case_with_where_by_whom_and_when(
    operator: Visitor, course: away.Course
) -> None:
    page = operator.get("lots", lot="kx-20931").page
    for said in (
        away.MRN,
        "KX-20931",
        "T12 left, T12 right, L1 left, L1 right",
        "Sven Scrub",
        "Cement A",
        "1 case",
    ):
        assert said in page.text, said
    assert "700000009" not in page.text
    assert (
        Access.objects.filter(user=course.world.operator, case=course.id, what="lot", right="member").count()
        == 1
    )


def test_a_lot_is_found_by_the_code_on_the_label(operator: Visitor, course: away.Course) -> None:
    code = encode(Scan(gtin=CEMENT, lot="KX-20931", expires="2027-03-31"))
    page = operator.get("lots", lot=code).page
    assert away.MRN in page.text
    assert page.inputs["lot"]["value"] == "KX-20931"
    other = encode(Scan(gtin=BALLOON, lot="KX-20931"))  # the same lot of another product
    assert away.MRN not in operator.get("lots", lot=other).page.text


def test_a_product_is_found_by_its_name(operator: Visitor, course: away.Course) -> None:
    balloon, unused = (
        Product.objects.get(kind="balloon"),
        Product.objects.create(kind="cement", name="Unused"),
    )
    page = operator.get("lots", product=balloon.pk).page
    assert page.text.count("Balloon 15/3 (Maker)") >= 5  # four in use, and the choice
    assert "T12 left" in page.text
    assert away.MRN not in operator.get("lots", product=unused.pk).page.text


def test_the_list_can_be_taken_away(operator: Visitor, course: away.Course) -> None:
    link = next(one for one in operator.get("lots", lot="KX-20931").page.links if "/export/" in one)
    page = operator.ask("GET", link).page
    form = page.form("/log/export/")
    assert form.data["rows"] == ["product"]
    asked = operator.press(form, names="1", reason="Recall by the maker")
    text = operator.ask("GET", f"{asked.location}file/").body.decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["MRN"], row["Lot"], row["GTIN"], row["Serial number"]) == (
        away.MRN,
        "KX-20931",
        CEMENT,
        "S77",
    )
    assert (row["Where"], row["Used by"]) == ("T12-left, T12-right, L1-left, L1-right", "Sven Scrub")
    assert row["Expires"] == "2027-03-31"


def test_another_unit_finds_nothing(stranger: Visitor, course: away.Course) -> None:
    page = stranger.get("lots", lot="KX-20931").page
    assert away.MRN not in page.text
    assert "nobody got it" in page.text


@pytest.mark.parametrize("lot", ["a\x00b", "x" * 500, "]d2nonsense", "(01)123", "'; --", "=1+1", "ل" * 50])
def test_what_is_no_lot_is_said_and_nothing_breaks(operator: Visitor, course: away.Course, lot: str) -> None:
    assert operator.get("lots", lot=lot).status == 200
    assert operator.get("lots", product=lot[:9]).status == 200
    assert operator.get("lots", product="999999999").status == 200
