"""Signing in on a ward tablet: which tablet it is, PINs, the lock, and accounts that end with the shift.

What is judged here is who somebody is. What they may then do is judged by `rules`, as everywhere.
"""

from .people import Person, people_of
from .pins import PIN_DIGITS, check_new_pin, check_pin, state_of, state_of_pin
from .proof import Way, prove, way
from .sessions import tablet_of

__all__ = [
    "PIN_DIGITS",
    "Person",
    "Way",
    "check_new_pin",
    "check_pin",
    "people_of",
    "prove",
    "state_of",
    "state_of_pin",
    "tablet_of",
    "way",
]
