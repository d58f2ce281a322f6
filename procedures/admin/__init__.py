"""The Django admin: people, units, tablets and products are kept here; protocols and cases are only looked at."""

from . import cases, catalogue, people, protocols, tablets
from .site import site

__all__ = ["cases", "catalogue", "people", "protocols", "site", "tablets"]
