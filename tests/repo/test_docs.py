"""What the documents name is there: tests, files, constraints and triggers."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "SECURITY.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


def functions(path: Path) -> set[str]:
    """The test functions of a file."""
    return {n.name for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef)}


def test_every_control_of_the_hazard_log_has_the_test_it_names() -> None:
    text = (ROOT / "docs" / "clinical-safety.md").read_text()
    named = set(re.findall(r"`([a-z]+/test_\w+\.py)::(test_\w+)`", text))
    assert len(named) > 20
    missing = [
        f"{file}::{name}"
        for file, name in sorted(named)
        if not (ROOT / "tests" / file).exists() or name not in functions(ROOT / "tests" / file)
    ]
    assert missing == []


def test_every_hazard_has_a_test() -> None:
    text = (ROOT / "docs" / "clinical-safety.md").read_text()
    hazards = [line for line in text.partition("## Controls")[0].splitlines() if line.startswith("| H")]
    assert len(hazards) >= 16
    assert [line[:6] for line in hazards if "::test_" not in line] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"(?<!!)\[[^\]]*\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    here = [link for link in links if "://" not in link]
    assert [link for link in here if not (page.parent / link).exists()] == []


def test_the_promises_name_constraints_and_triggers_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text().partition("## What holds which promise")[2]
    written = "".join(path.read_text() for path in (ROOT / "procedures" / "migrations").glob("0*.py"))
    rows = [line for line in text.splitlines() if line.startswith("|") and "---" not in line]
    named = {
        name
        for line in rows
        for name in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", line.rsplit("|", 2)[-2])
        if name != "kypho_app"
    }
    assert len(named) > 15
    assert [name for name in sorted(named) if name not in written] == []


def test_decisions_are_numbered_without_a_gap_and_listed() -> None:
    pages = sorted(path.name for path in (ROOT / "docs" / "adr").glob("0*.md"))
    assert [page[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    listed = re.findall(r"\]\((0[^)]+)\)", (ROOT / "docs" / "adr" / "README.md").read_text())
    assert listed == pages
