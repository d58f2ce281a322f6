"""What a command answers when it does not do as asked: said once, so that a test reads as one line."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from procedures.models import Case, Event
from procedures.rules import Invalid, Refused


@contextmanager
def refused(code: str) -> Iterator[None]:
    """A rule refuses with this code, with a sentence to show, and nothing is written."""
    before = Event.objects.count(), Case.objects.count()
    with pytest.raises(Refused) as raised:
        yield
    assert raised.value.code == code
    assert raised.value.sentence
    assert (Event.objects.count(), Case.objects.count()) == before


@contextmanager
def invalid(*fields: str, unusual: tuple[str, ...] = ()) -> Iterator[None]:
    """These fields are wrong (or asked about), and nothing is written."""
    before = Event.objects.count(), Case.objects.count()
    with pytest.raises(Invalid) as raised:
        yield
    assert set(raised.value.errors) == set(fields)
    assert set(raised.value.unusual) == set(unusual)
    assert (Event.objects.count(), Case.objects.count()) == before
