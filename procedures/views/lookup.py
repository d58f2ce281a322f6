"""What a view has to know before it can read a form: the step's definition."""

from uuid import UUID

from django.http import Http404

from procedures.definitions import Key, Step
from procedures.models import Case, User
from procedures.protocols import frozen


def step_definition(user: User, pk: UUID, key: str) -> Step:
    """The definition of a step of a case that the user may see. Raises Http404 for any other."""
    protocol = Case.objects.visible_to(user).values_list("protocol", flat=True).get(pk=pk)
    definition = frozen.protocol(protocol).by_code.get(Key.parse(key).code)
    if definition is None:
        raise Http404
    return definition
