"""The case log: which cases (filters), in which order, page by page by key, and the figures above them.

Reads the folded summary on Case and nothing else, so that a page costs the same whatever its depth.
"""

from .filters import FLAGS, Filters
from .finding import Found, Reach
from .pages import SORTS, Page, in_pages, page
from .saved import forget, keep, views
from .sealed import seal
from .tiles import LIMIT, Tiles, tiles

__all__ = [
    "FLAGS",
    "LIMIT",
    "SORTS",
    "Filters",
    "Found",
    "Page",
    "Reach",
    "Tiles",
    "forget",
    "in_pages",
    "keep",
    "page",
    "seal",
    "tiles",
    "views",
]
