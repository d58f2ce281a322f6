"""What every template knows: the chosen theme, and the tablet that the page is shown on."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from . import signin


def theme(request: HttpRequest) -> dict[str, str]:
    """Light, dark, or empty for what the system says."""
    chosen = request.COOKIES.get("theme", "")
    return {"theme": chosen if chosen in ("light", "dark") else ""}


def tablet(request: HttpRequest) -> dict[str, Any]:
    """The enrolled tablet, or None in any other browser."""
    found = signin.tablet_of(request)
    return {"tablet": found, "idle_minutes": settings.IDLE_MINUTES} if found else {"tablet": None}
