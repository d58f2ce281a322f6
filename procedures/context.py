"""What every template knows: the chosen theme."""

from django.http import HttpRequest


def theme(request: HttpRequest) -> dict[str, str]:
    """Light, dark, or empty for what the system says."""
    chosen = request.COOKIES.get("theme", "")
    return {"theme": chosen if chosen in ("light", "dark") else ""}
