"""Demo data: a suite at work, recorded through the same commands, rules and fold as live data. Invented names."""

from .people import LOGINS, PASSWORD, PIN
from .seeding import seed

__all__ = ["LOGINS", "PASSWORD", "PIN", "seed"]
