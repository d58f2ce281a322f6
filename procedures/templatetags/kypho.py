"""Display helpers for the templates. They format what they are given and never ask the database."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

register = template.Library()
MANY = 50  # options: drawn once and kept


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, classes: str = "") -> SafeString:
    """One drawing of the sprite. It is decoration: the words beside it carry the meaning."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"/></svg>',
        classes,
        static("icons/sprite.svg"),
        name,
    )


@register.simple_tag
def options(choices: Sequence[tuple[Any, ...]], chosen: Any = None) -> SafeString:
    """The options of a select: (value, label) of which `chosen` is one, or (value, label, whether it is chosen).

    Not in the template: a house with a hundred units has some hundred people to choose from, the same on each page.
    """
    return _drawn(tuple(choices)) if len(choices) > MANY and chosen is None else _options(choices, chosen)


@lru_cache(maxsize=64)
def _drawn(choices: tuple[tuple[Any, ...], ...]) -> SafeString:
    return _options(choices, None)


def _options(choices: Sequence[tuple[Any, ...]], chosen: Any) -> SafeString:
    parts = []
    for value, label, *mark in choices:
        selected = " selected" if (mark[0] if mark else value == chosen) else ""
        parts.append(
            f'<option value="{conditional_escape(value)}"{selected}>{conditional_escape(label)}</option>'
        )
    return SafeString("".join(parts))


@register.simple_tag
def bar_of_time(parts: Sequence[Any], minutes: int) -> SafeString:
    """Where the time of a case went, as a bar of 1000 parts that is read aloud (`screens.log.Segment`)."""
    words = _("%(minutes)s min on the table:") % {"minutes": minutes}
    said = ", ".join(f"{part.word} {part.minutes} min" for part in parts)
    drawn = format_html_join(
        "",
        '<rect class="part part--{}" x="{}" width="{}" height="16"><title>{}: {} min</title></rect>',
        ((part.name, part.x, part.width, part.word, part.minutes) for part in parts),
    )
    return format_html(
        '<svg class="bar-of-time" viewBox="0 0 1000 16" preserveAspectRatio="none" role="img"'
        ' aria-label="{} {}">{}</svg>',
        words,
        said,
        drawn,
    )


@register.filter
def at(moment: datetime | None, words: str = "H:i") -> SafeString | str:
    """A moment as `<time>` in the zone of the site (the argument is a date format), or nothing."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), formats.date_format(local, words))


@register.filter
def day_of(text: str) -> str:
    """A day that is kept as ISO text, as people read it."""
    return formats.date_format(date.fromisoformat(text), "j M Y")


@register.filter
def live(entries: Iterable[Any]) -> list[Any]:
    """The entries that count: those not taken back."""
    return [entry for entry in entries if entry.live]


@register.filter
def foldable(fields: list[Any]) -> list[Any]:
    """The optional fields that may fold away: none if all are optional, or if one of them holds or needs something."""
    optional = [field for field in fields if field.needed == "optional"]
    speaks = any(field.value or field.chosen or field.error or field.unusual for field in optional)
    return [] if speaks or len(optional) == len(fields) or len(optional) < 2 else optional


@register.filter
def general(errors: dict[str, str]) -> str:
    """What is wrong with a form as a whole: the sentence that belongs to no field."""
    return errors.get("", "") or errors.get("command_id", "")


@register.simple_tag
def csrf_cookie_name() -> str:
    """The cookie in which scripts find the CSRF token."""
    return settings.CSRF_COOKIE_NAME
