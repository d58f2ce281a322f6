"""The Django admin: people, units and products are kept here; protocols and cases are looked at, never changed."""

from . import cases, catalogue, people, protocols
from .site import site

__all__ = ["cases", "catalogue", "people", "protocols", "site"]
