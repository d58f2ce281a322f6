"""The record as PDF/A, read back by a reader that is not ours."""

import io
import os
import unicodedata

import pytest
from pypdf import PdfReader

from procedures import clock, commands
from procedures.exports import as_pdf
from procedures.exports.document import document
from procedures.exports.glyphs import FONTS, Drawable
from procedures.screens import record
from tests import away
from tests.web.visitor import Visitor
from tests.world import World

pytestmark = pytest.mark.django_db


def read(made: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(made))


def words(reader: PdfReader) -> str:
    """All text of the pages, one space between words; presentation forms of letters as the letters."""
    text = " ".join(page.extract_text() for page in reader.pages)
    return " ".join(unicodedata.normalize("NFKC", text).split())


@pytest.fixture
def course(world: World) -> away.Course:
    return away.whole(world)


@pytest.fixture
def reader(operator: Visitor, course: away.Course) -> PdfReader:
    answer = operator.get("export-pdf", course.id)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="kypho-record-')
    return read(answer.response.content)


def test_it_says_of_itself_that_it_is_pdf_a_and_can_be_read_aloud(reader: PdfReader) -> None:
    xmp = reader.xmp_metadata
    assert xmp is not None
    marks = xmp.stream.get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in marks
    assert "<pdfaid:conformance>B</pdfaid:conformance>" in marks
    assert "<pdfuaid:part>1</pdfuaid:part>" in marks
    root = reader.root_object
    assert root["/MarkInfo"]["/Marked"]  # type: ignore[index]
    assert "/StructTreeRoot" in root
    assert str(root["/Lang"]) == "en"


def test_every_font_is_in_it(reader: PdfReader) -> None:
    fonts = [
        font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index]
    ]
    assert fonts
    assert all({"/FontFile2", "/FontFile3"} & font.keys() for font in fonts)


def test_each_page_names_the_patient_the_case_and_its_number(reader: PdfReader, course: away.Course) -> None:
    for number, page in enumerate(reader.pages, start=1):
        text = page.extract_text()
        assert f"MRN {away.MRN}" in text
        assert str(course.id) in text
        assert f"Page {number} of {len(reader.pages)}" in text
        assert "Printed by" in text


def test_it_equals_the_record(reader: PdfReader, course: away.Course) -> None:
    text, screen = words(reader), record.of(course.view())
    for label, value in screen.facts:
        assert label in text
        assert " ".join(value.split()) in text
    for access, volume in away.VOLUMES.items():
        assert f"{volume} mL" in text, access
    assert "Volume: 9 mL → 3.25 mL" in text  # the correction keeps what stood there
    assert "Taken back: Balloon in, L1 left" in text
    assert {"KX-20931", "09521100000017", "S77"} <= set(text.split())
    assert "Balloon kyphoplasty T12 and L1" in text
    assert screen.signing.signatures[0].meaning in text
    assert screen.signing.signatures[0].head in text.replace(" ", "")
    assert bytes(screen.case.head_hash).hex() in text.replace(" ", "")
    for one in (*screen.people, *screen.complications):
        assert getattr(one, "name", getattr(one, "what", "")) in text
    assert "Disc leak, no symptoms" in text
    for line in screen.lines:
        assert line.sentence in text, line.seq


def test_names_in_other_scripts_stand_in_it_and_what_cannot_be_drawn_is_named(reader: PdfReader) -> None:
    text = words(reader)
    for word in ("Ελένη", "Слова", "日本語", "한국어"):
        assert word in text
    assert set(away.FAMILY) | set(away.GIVEN) <= set(text)  # how a reader puts letters in order is its own
    assert "This document cannot draw: U+1F600 GRINNING FACE" in text
    assert "[U+1F600]" in text


@pytest.mark.parametrize(
    "text",
    ["Müller-Łuszczyk", "Ελένη", "Борис Щербак", "محمد علي", "שרה כהן", "कृष्ण", "สมชาย", "王小明", "さくら", "김민수",
     "Արամ", "გიორგი", "রহিম", "தமிழ்", "ગુજરાતી", "ਪੰਜਾਬੀ", "తెలుగు", "ಕನ್ನಡ", "മലയാളം", "ລາວ", "አማርኛ", "a\u0301 → ≥ µ²"],
)  # fmt: skip
def test_these_scripts_are_covered(text: str) -> None:
    drawable = Drawable()
    assert drawable.text(text) == unicodedata.normalize("NFC", text)
    assert drawable.names() == []


def test_every_family_that_is_asked_for_is_shipped() -> None:
    from fontTools.ttLib import TTCollection, TTFont

    fonts = [TTFont(p, lazy=True) for p in FONTS.glob("*.ttf")] + TTCollection(
        next(FONTS.glob("*.ttc"))
    ).fonts[:1]
    assert set(as_pdf.FAMILIES) == {font["name"].getBestFamilyName() for font in fonts}


def test_no_text_is_code_and_none_breaks_the_document(world: World, course: away.Course) -> None:
    """Every kind of text that somebody could have written gives a document; typst's own signs stand as themselves."""
    for bad in (
        "#panic()", "$x^2$ *b* _i_ `c` @ref <l> \\ // /* =", "\u0000\u0007\u001b", "\ufffe\U000e0001", "\ue000",
        "q\u0308\u0301\u0327", "\u202e\u2067x", "\u05e9\u0651\u0e33\u200d", "x" * 2000, "\u1f468\u200d\U0001f469",
    ):  # fmt: skip
        found = document(record.of(course.view()), bad, clock.now())
        text = words(read(as_pdf.render(found, clock.now())))
        assert "Page 1 of" in text
        if bad.isascii() and bad.isprintable() and len(bad) < 100:
            assert " ".join(bad.split()) in text


def test_a_case_without_anything_has_its_document_too(operator: Visitor, world: World) -> None:
    text = words(read(operator.get("export-pdf", world.open("L1")).response.content))
    assert "The operative note is not signed." in text
    assert "This case has not ended." in text


def test_many_vertebrae_stand_on_tables_that_fit(world: World) -> None:
    case_id = world.started("T10", "T11", "T12", "L1", "L2")
    world.do_until(case_id, "K08b")
    for level in ("T10", "T11", "T12", "L1", "L2"):
        world.rush(case_id, f"K08b-{level}", side="both")
    course = away.Course(world, case_id)
    found = document(record.of(course.view()), "x", clock.now())
    tables = [b for s in found["sections"] for b in s["blocks"] if b["kind"] == "sides"]
    assert [len(table["columns"]) for table in tables] == [6, 4]
    text = words(read(as_pdf.render(found, clock.now())))
    assert all(f"{level} right" in text for level in ("T10", "T11", "T12", "L1", "L2"))


def test_a_big_record_takes_less_than_a_second(world: World, course: away.Course) -> None:
    """Of the processor, so that a busy machine tells the same: this process, and the one that lays out."""
    for _ in range(150):
        course.send(commands.add_addendum, by="operator", reason="Told later", text="Слова " * 30)
    as_pdf.pdf(record.of(course.view()), "warm", clock.now())
    began = used()
    made = as_pdf.pdf(record.of(course.view()), "Dr W. Chen", clock.now())
    assert used() - began < 1
    assert len(read(made).pages) > 15


def used() -> float:
    """Seconds of the processor, of this process and its children."""
    return sum(os.times()[:4])


def test_what_cannot_be_laid_out_says_nothing_of_the_patient(
    operator: Visitor, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(as_pdf, "FAMILIES", ["No Such Font"])
    monkeypatch.setattr(as_pdf, "prepared", lambda found: {**found, "top": away.MRN})
    case_id = world.open("L1", mrn=away.MRN)
    assert operator.get("export-pdf", case_id).status == 500
    assert away.MRN not in caplog.text
