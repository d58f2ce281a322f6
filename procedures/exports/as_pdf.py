"""The record of a case as PDF/A-2b, tagged for reading aloud (PDF/UA-1).

typst lays out `record.typ`; the record goes in as data, so that no text of a user is ever code.
"""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from procedures.models.people import Tablet
from procedures.screens.record import RecordScreen

from .document import document
from .glyphs import Drawable

PROGRAM = Path(__file__).parent / "typeset.py"
LIMIT_SECONDS = 30
# Latin, Greek and Cyrillic first; then each script by its own; Chinese, Japanese, Korean and signs last.
FAMILIES = [
    "Noto Sans",
    *(
        f"Noto Sans {script}"
        for script in (
            "Arabic", "Hebrew", "Devanagari", "Thai", "Armenian", "Georgian", "Bengali", "Tamil", "Gujarati",
            "Gurmukhi", "Telugu", "Kannada", "Malayalam", "Lao", "Ethiopic",
        )
    ),
    "WenQuanYi Micro Hei",
]  # fmt: skip


class NotMade(Exception):
    """The document could not be laid out. Says nothing of what is in it."""


def pdf(screen: RecordScreen, printed_by: str, at: datetime, tablet: Tablet | None = None) -> bytes:
    """The PDF of a record. Characters that no font of ours covers are named on its first page."""
    return render(document(screen, printed_by, at, tablet), at)


def render(found: dict[str, Any], at: datetime) -> bytes:
    """A document as PDF, by a process of its own (`typeset.py`). Raises NotMade."""
    command = [sys.executable, "-I", str(PROGRAM), str(int(at.timestamp()))]
    sent = json.dumps(prepared(found)).encode()
    try:
        done = subprocess.run(command, input=sent, capture_output=True, timeout=LIMIT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NotMade from None
    if done.returncode:
        raise NotMade
    return done.stdout


def prepared(found: dict[str, Any]) -> dict[str, Any]:
    """The document with every text drawable."""
    drawable = Drawable()
    found = {**drawable.all(found), "fonts": FAMILIES}
    if names := drawable.names():
        sentence = _("This document cannot draw: %(characters)s") % {"characters": "; ".join(names)}
        found["top"] = [*found["top"], {"kind": "notice", "lines": [sentence]}]
    return found
