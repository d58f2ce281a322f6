"""The server's clock. One place, so that the demo data and the tests can live through a day in a moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.utils import timezone

_set: ContextVar[datetime | None] = ContextVar("clock", default=None)


def now() -> datetime:
    """The current time, or the one that `at` has set."""
    return _set.get() or timezone.now()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Let it be that moment inside the block, in this thread."""
    token = _set.set(moment)
    try:
        yield
    finally:
        _set.reset(token)
