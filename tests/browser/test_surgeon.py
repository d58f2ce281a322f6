"""The surgeon looks back: finds cases, keeps a view, reads, counts, and takes a file away; others are kept out."""

import csv
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from playwright.sync_api import expect

from procedures.models import Access, Export, SavedView
from tests.server import Server

from .test_pages import DESKTOP
from .ward import PORTRAIT, Ward

pytestmark = pytest.mark.browser


def test_the_surgeon_finds_keeps_a_view_reads_counts_and_takes_a_file_away(
    server: Server, ward_of: Callable[..., Ward]
) -> None:
    ward = ward_of(server, viewport=DESKTOP)
    done = ward.suite.signed("L1", mrn="310", family_name="Lê")
    other = ward.suite.started("T12", mrn="311", family_name="Okafor")
    page = ward.has("operator").page
    page.goto("/")
    page.get_by_role("link", name="Case log").click()
    rows = page.locator(".log tbody tr")
    expect(rows).to_have_count(2)
    expect(page.locator("#figures")).to_contain_text("vertebrae with cement")  # asked for by the page itself

    page.get_by_label("Name, MRN, lot or note").fill("le")
    page.get_by_role("button", name="Show").first.click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("LÊ, Maria")
    assert "le" not in re.sub(r"find=[^&]*", "", page.url.rpartition("?")[2])
    page.get_by_text("More filters").click()
    page.locator(".toggle", has_text="L1").first.click()
    page.locator(".toggle", has_text=re.compile("^signed$")).click()
    page.get_by_role("button", name="Show").first.click()
    expect(page.locator(".chip")).to_have_text(
        [re.compile("le"), re.compile("L1"), re.compile("signed"), re.compile("all")]
    )

    page.locator(".log-views__menu > summary").click()
    page.get_by_label("Keep this view as").fill("Signed L1")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_text("Kept as “Signed L1”.")).to_be_visible()
    assert SavedView.objects.get().user == ward.suite.operator
    page.get_by_role("link", name="Take all off").click()
    page.locator(".log-views__menu > summary").click()
    page.get_by_role("link", name="Signed L1").click()
    expect(rows).to_have_count(1)

    page.locator(".log__open").click()
    expect(page.get_by_role("heading", name="Level by level")).to_be_visible()
    assert Access.objects.filter(case=done, user=ward.suite.operator, what="record").exists()
    assert not Access.objects.filter(case=other, user=ward.suite.operator).exists()
    page.get_by_role("link", name="Case log").last.click()
    page.get_by_role("link", name="Statistics of these").click()
    expect(page.get_by_role("heading", name="Cement per vertebra")).to_be_visible()

    page.goto("/log/?level=L1")
    page.get_by_role("link", name="Take away").click()
    page.get_by_role("radio", name="With names").check()
    page.get_by_label("Why with names").fill("Audit of the quarter")
    page.get_by_role("button", name="Make the file").click()
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Fetch the file").click()
    lines = list(csv.DictReader(StringIO(Path(fetched.value.path()).read_text("utf-8-sig"))))
    assert [line["Family name"] for line in lines] == ["Lê"]
    assert "Lê" not in fetched.value.suggested_filename
    expect(page.locator("#progress")).to_contain_text("1")
    export = Export.objects.get()
    assert (export.user, export.identified, export.reason) == (
        ward.suite.operator,
        True,
        "Audit of the quarter",
    )


def test_others_are_kept_out(server: Server, ward_of: Callable[..., Ward]) -> None:
    """A nurse takes no names away and signs nothing; another unit sees nothing; signed out, nobody does."""
    ward = ward_of(server, viewport=PORTRAIT)
    ward.expected.append(re.compile("40[134]"))
    case = ward.suite.signed("L1")
    nurse = ward.has("nurse").page
    nurse.goto("/log/export/")
    expect(nurse.get_by_text("With names", exact=True)).to_have_count(0)
    assert nurse.goto(f"/cases/{case}/export/pdf/?names=1").status in (403, 409)  # type: ignore[union-attr]
    stranger = ward.has("stranger").page
    stranger.goto("/log/")
    expect(stranger.get_by_text("No case fits")).to_be_visible()
    for place in ("record", "note", "sign", "addendum", "access", "export/pdf", "export/fhir"):
        answer = stranger.goto(f"/cases/{case}/{place}/")
        assert answer
        assert answer.status == 404, place
    nobody = ward.tablet().page
    nobody.goto(f"/cases/{case}/record/")
    expect(nobody).to_have_url(re.compile("/accounts/login/"))
