"""Display helpers for the templates. They format what they are given and never ask the database."""

from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

THEMES = ("light", "dark")


@register.simple_tag
def icon(name: str, classes: str = "") -> SafeString:
    """One drawing of the sprite. It is decoration: the words beside it carry the meaning."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"/></svg>',
        classes,
        static("icons/sprite.svg"),
        name,
    )


@register.filter
def at(moment: datetime | None, words: str = "H:i") -> SafeString | str:
    """A moment as `<time>` in the zone of the site (the argument is a date format), or nothing."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), formats.date_format(local, words))


@register.simple_tag
def csrf_cookie_name() -> str:
    """The cookie in which scripts find the CSRF token."""
    return settings.CSRF_COOKIE_NAME


@register.simple_tag(takes_context=True)
def theme(context: dict[str, Any]) -> SafeString | str:
    """The `data-theme` attribute chosen on this device; nothing when the system decides."""
    request = context.get("request")
    chosen = request.COOKIES.get("theme") if request else None
    return format_html(' data-theme="{}"', chosen) if chosen in THEMES else ""
