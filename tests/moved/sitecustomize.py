"""Lets a server under test live at another time; its interpreter reads this at the start (see tests/server.py).

Its pages and its records then have one clock, as on a day half an hour ago; the program itself knows nothing of it.
"""

import datetime as real
import os

from django.template import defaulttags
from django.utils import timezone

BY = real.timedelta(seconds=float(os.environ["TESTS_CLOCK_MOVED_BY"]))


class Moved(real.datetime):
    """The same, at another time."""

    @classmethod
    def now(cls, tz: real.tzinfo | None = None) -> real.datetime:  # type: ignore[override]
        """The time on the moved clock."""
        moved = real.datetime.now(real.UTC) + BY
        return moved.astimezone(tz) if tz else moved.astimezone().replace(tzinfo=None)


for module in (timezone, defaulttags):
    setattr(module, "datetime", Moved)  # noqa: B010
