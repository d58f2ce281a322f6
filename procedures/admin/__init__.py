"""The Django admin: people, units, tablets, walls and products are kept here; cases are only looked at."""

from . import cases, catalogue, exports, people, protocols, tablets, walls
from .site import site

__all__ = ["cases", "catalogue", "exports", "people", "protocols", "site", "tablets", "walls"]
