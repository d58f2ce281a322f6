"""What waited on a tablet while there was no network: one POST, in the order in which it was made.

Each item is judged by itself, in a transaction of its own. `applied`: it stands in the record (also where it had come
before). `refused`: with a sentence for the nurse, who settles it; the tablet keeps it until then. `waiting`: it was
made by somebody else than the person whose session this is; nothing after it is looked at, so that the order stays.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from procedures import clock, commands, drafting
from procedures.commands import Command, Receipt
from procedures.definitions import SIDES, Key
from procedures.forms import EntryForm, MarkForm
from procedures.models import Case
from procedures.rules import Invalid, Refused
from procedures.screens.feed import step_title
from procedures.state import Source, StepStatus

from .answers import command, me
from .lookup import step_definition

MOST = 50  # so that an answer comes well within the deadline; the tablet sends the rest afterwards
FIRST, LAST = datetime.fromisoformat("2000-01-02T00:00Z"), datetime.fromisoformat("2199-12-30T00:00Z")
IN_WORDS = {"already_done", "no_step"}  # what an addendum cannot say as data of a step
_SIDES = {"both": gettext_lazy("both sides"), "left": gettext_lazy("left"), "right": gettext_lazy("right")}
FURTHEST_OFFSET_MS = 7 * 24 * 3600 * 1000


class Malformed(Exception):
    """An item that no page of ours has made."""


@require_POST
def send(request: HttpRequest) -> HttpResponse:
    """Record what waited; answer each item by its id, with the server's time."""
    try:
        items = json.loads(request.body)["items"]
    except (KeyError, RecursionError, TypeError, ValueError):
        items = None
    if not isinstance(items, list) or len(items) > MOST:
        return HttpResponseBadRequest("Not a queue.", content_type="text/plain")
    return JsonResponse({"results": list(_judged(request, items)), "now": clock.now().isoformat()})


def _judged(request: HttpRequest, items: list[Any]) -> Iterator[dict[str, str]]:
    for item in items:
        name = item.get("id") if isinstance(item, Mapping) else None
        said = {"id": str(name)[:40]}
        person = item.get("person") if isinstance(item, Mapping) else None
        if isinstance(person, int) and person != me(request).pk:
            yield said | {"result": "waiting"}
            return
        try:
            _record(request, item)
        except Refused as refused:
            yield said | {"result": "refused", "code": refused.code, "sentence": refused.sentence}
        except Invalid as invalid:
            yield said | {"result": "refused", "code": "invalid", "sentence": str(invalid)}
        except (Case.DoesNotExist, Http404):
            yield said | {
                "result": "refused",
                "code": "gone",
                "sentence": _("You may not record in this case."),
            }
        except Malformed:
            yield said | {
                "result": "refused",
                "code": "malformed",
                "sentence": _("This entry cannot be read."),
            }
        else:
            yield said | {"result": "applied"}


def _record(request: HttpRequest, item: Any) -> Receipt:
    """Carry out one item. Raises what the forms and commands raise, and Malformed."""
    try:
        data, case_id, key, action = (
            _data(item["fields"]),
            UUID(item["case"]),
            str(item["key"]),
            item["action"],
        )
        given = _command(request, case_id, item)
        data["command_id"] = str(given.command_id)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as problem:
        raise Malformed from problem
    at = given.device_at + timedelta(milliseconds=given.offset_ms or 0) if given.device_at else None
    match action:
        case "done":
            return _done(given, key, data, at)
        case "mark":
            form = MarkForm(data)
            said = form.checked()
            return commands.mark(
                given,
                key,
                status=StepStatus(said["status"]),
                reason=said["reason"],
                override_reason=said["override_reason"],
                performed_at=at,
            )
        case "addendum":
            return _addendum(given, key, data, at)
        case "addendum-mark":
            return _marked_later(given, key, data, at)
    raise Malformed


def _done(given: Command, key: str, data: QueryDict, at: datetime | None) -> Receipt:
    form = EntryForm(data, step_definition(given.case_id, key))
    said = form.checked()
    return commands.record_done(
        replace(given, performed_by=said["performed_by"]),
        key,
        values=form.values(),
        side=said["side"],
        performed_at=said["performed_at"] or at,
        confirmed=form.confirmed,
        override_reason=said["override_reason"],
    )


def _addendum(given: Command, key: str, data: QueryDict, at: datetime | None) -> Receipt:
    """What came too late, because the record was signed meanwhile: as data of its step, else in words."""
    definition = step_definition(given.case_id, key)
    form = EntryForm(data, definition)
    said = form.checked()
    parsed, side = Key.parse(key), said["side"]
    here = str(Key(parsed.code, parsed.level, side)) if parsed.level and side in SIDES else key
    by = replace(given, performed_by=said["performed_by"])
    reason, when = data.get("addendum_reason", ""), said["performed_at"] or at
    try:
        return commands.add_addendum(by, reason=reason, key=here, values=form.values(), performed_at=when)
    except Refused as refused:
        if refused.code not in IN_WORDS:
            raise
    title = f"{step_title(key, definition)} {_SIDES.get(side, '')}".strip()
    text = ": ".join(filter(None, [title, drafting.said(definition, form.values())]))
    return commands.add_addendum(by, reason=reason, text=text, performed_at=when)


def _marked_later(given: Command, key: str, data: QueryDict, at: datetime | None) -> Receipt:
    """The same for "not done" and "not applicable": they are no data of a step any more."""
    said = MarkForm(data).checked()
    title = step_title(key, step_definition(given.case_id, key))
    words = {
        StepStatus.NOT_DONE: _("Not done: %(title)s"),
        StepStatus.NOT_APPLICABLE: _("Not applicable: %(title)s"),
    }
    text = ". ".join(filter(None, [words[StepStatus(said["status"])] % {"title": title}, said["reason"]]))
    return commands.add_addendum(given, reason=data.get("addendum_reason", ""), text=text, performed_at=at)


def _command(request: HttpRequest, case_id: UUID, item: Mapping[str, Any]) -> Command:
    """Who, in which case, with the tablet's time. ValueError for a time or an offset that cannot be."""
    device_at, offset = datetime.fromisoformat(item["device_at"]), item["offset_ms"]
    if (
        item["person"] != me(request).pk
        or not FIRST < device_at < LAST
        or type(offset) is not int
        or abs(offset) > FURTHEST_OFFSET_MS
    ):
        raise ValueError(device_at)
    given = command(request, case_id, UUID(item["id"]))
    return replace(given, source=Source.OFFLINE, device_at=device_at, offset_ms=offset)


def _data(fields: Any) -> QueryDict:
    """The form's fields as the page would have sent them."""
    data = QueryDict(mutable=True)
    for name, value in fields:
        if not isinstance(name, str) or not isinstance(value, str) or "\x00" in name + value:
            raise ValueError(name)
        (name + value).encode()  # a lone surrogate can be written nowhere
        data.appendlist(name, value)
    return data
