"""The views of the log that somebody has saved: filters and order under a name. Theirs alone."""

from django.utils.translation import gettext as _

from procedures import clock
from procedures.models import SavedView, User
from procedures.rules import Invalid, Refused

LONGEST_QUERY = 2000


def keep(user: User, name: str, query: str) -> SavedView:
    """Keep a view; one of the same name is replaced. Raises Invalid and Refused."""
    name = " ".join(name.split())
    if not name or len(name) > 40 or "\x00" in name:
        raise Invalid({"name": _("Give it a name of at most 40 letters.")})
    if len(query) > LONGEST_QUERY:
        raise Invalid({"name": _("There are too many filters to keep.")})
    kept = SavedView.objects.filter(user=user)
    if not kept.filter(name=name).exists() and kept.count() >= SavedView.MOST:
        raise Refused("views", _("You have %(most)s views. Take one away first.") % {"most": SavedView.MOST})
    view, _made = SavedView.objects.update_or_create(
        user=user, name=name, defaults={"query": query, "saved_at": clock.now()}
    )
    return view


def forget(user: User, pk: int) -> bool:
    """Take one away. Returns whether it was there, and theirs."""
    return bool(SavedView.objects.filter(user=user, pk=pk).delete()[0])


def views(user: User) -> list[SavedView]:
    """In the order of their names."""
    return list(SavedView.objects.filter(user=user)[: SavedView.MOST])
