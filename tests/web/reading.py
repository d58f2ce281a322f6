"""Reading the record of a case in a test: as it is built, and section by section as it is drawn."""

import re
from uuid import UUID

from procedures.screens import record
from procedures.screens.record import RecordScreen
from tests.web.visitor import Answer
from tests.world import World


def screen_of(world: World, case_id: UUID) -> RecordScreen:
    return record.build(world.nurse, case_id)


def words(answer: Answer, section: str) -> str:
    """The text of the section that this heading begins."""
    found = re.search(rf'aria-labelledby="{section}"(.*?)</section>', answer.html, re.DOTALL)
    assert found, section
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())
