"""What a view has to know before it can read a form: the step's definition."""

from functools import lru_cache
from uuid import UUID

from django.http import Http404

from procedures.definitions import Key, Step
from procedures.models import Case
from procedures.protocols import frozen


def step_definition(pk: UUID, key: str) -> Step:
    """The definition of a step of a case. Raises Http404 where there is none.

    Says nothing about the patient and asks for no right: the command does, before it reads or writes anything.
    """
    definition = frozen.protocol(_protocol_of(pk)).by_code.get(Key.parse(key).code)
    if definition is None:
        raise Http404
    return definition


@lru_cache(maxsize=4096)
def _protocol_of(pk: UUID) -> int:
    """A case keeps the protocol version that it was opened with, so this never changes."""
    found = Case.objects.filter(pk=pk).values_list("protocol", flat=True).first()
    if found is None:
        raise Http404
    return found
