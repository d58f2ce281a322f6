"""How every view answers: the whole page, or with htmx the changed fragments; 409 and 422 keep what was typed."""

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from procedures import access
from procedures.commands import Command, Receipt
from procedures.models import User
from procedures.rules import Invalid, Refused
from procedures.screens import manage, new
from procedures.screens.case import Builder, CaseScreen, Hand

MANAGED = {
    "cancel", "stop", "void-case", "complete", "pause", "team", "patient", "allergy-add", "allergy-withdraw",
    "level-add", "level-abandon", "level-defer", "level-reopen", "manage",
}  # fmt: skip


def me(request: HttpRequest) -> User:
    """The signed-in person (the middleware lets nobody else through)."""
    return cast("User", request.user)


def command(request: HttpRequest, pk: UUID, command_id: UUID, performed_by: int | None = None) -> Command:
    """The command that this request gives."""
    return Command(case_id=pk, by=me(request), command_id=command_id, performed_by=performed_by)


def sent(data: QueryDict, name: str) -> int | None:
    """A whole number that the page sent along, or None."""
    text = data.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def case_page(request: HttpRequest, builder: Builder, hand: Hand, status: int = 200) -> HttpResponse:
    """The Case screen around a step: whole, or as fragments of what changed since the page was drawn."""
    data = request.POST if request.method == "POST" else request.GET
    screen = builder.build(hand, since=sent(data, "seen"))
    access.looked(me(request), builder.case)
    if not request.htmx:  # type: ignore[attr-defined]
        return render(request, "case.html", {"screen": screen}, status=status)
    screen.changed |= {key for key in (data.get("was", ""), hand.key, _key(request)) if key}
    return render(
        request, "case.html#answer", {"screen": screen, "whole": _whole(screen, data)}, status=status
    )


def _key(request: HttpRequest) -> str:
    match = request.resolver_match
    return str(match.kwargs.get("key", "")) if match else ""


def _whole(screen: CaseScreen, data: QueryDict) -> bool:
    """Whether the set of rows itself changed since, so that single rows are not enough."""
    seen = sent(data, "seen")
    if seen is None:
        return True
    return screen.case.events.filter(seq__gt=seen, kind__regex=r"^(level|access|case)\.").exists()


def changed(request: HttpRequest, receipt: Receipt, key: str = "") -> HttpResponse:
    """After a command on the Case screen: what comes next, in place; without htmx the page again."""
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("case", receipt.case_id)
    builder = Builder(me(request), receipt.case_id)
    return case_page(request, builder, builder.next_hand(after=key))


def managed(request: HttpRequest, receipt: Receipt) -> HttpResponse:
    """After a command of the Manage screen: back to it."""
    return redirect("manage", receipt.case_id)


def refused(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """409: the page that was in use, as things stand now, with the sentence on top."""
    return _again(request, 409, notice=refusal.sentence)


def invalid(request: HttpRequest, wrong: Invalid) -> HttpResponse:
    """422: the form again with what was typed, and at each field what is allowed."""
    return _again(request, 422, errors=wrong.errors, unusual=wrong.unusual)


def _again(
    request: HttpRequest,
    status: int,
    *,
    notice: str = "",
    errors: Mapping[str, str] | None = None,
    unusual: Mapping[str, str] | None = None,
) -> HttpResponse:
    match = request.resolver_match
    name, kwargs = (match.url_name or "", match.kwargs) if match else ("", {})
    notice = notice or (errors or {}).get("", "") or (errors or {}).get("command_id", "")
    said: dict[str, Any] = {"typed": request.POST, "errors": errors, "notice": notice}
    if "key" in kwargs:
        builder = Builder(me(request), kwargs["pk"])
        said["unusual"] = unusual
        if "seq" in kwargs:
            hand = builder.entry_hand(kwargs["key"], kwargs["seq"], **said)
        else:
            hand = builder.hand(kwargs["key"], **said)
        return case_page(request, builder, hand, status)
    if name in MANAGED:
        failed_id = str(kwargs.get("vertebra") or kwargs.get("allergy_id") or request.POST.get("user_id", ""))
        screen = manage.build(me(request), kwargs["pk"], failed=name, failed_id=failed_id, **said)
        return render(request, "manage.html", {"screen": screen}, status=status)
    if "pk" in kwargs and name != "plan":
        builder = Builder(me(request), kwargs["pk"])
        hand = builder.next_hand()
        hand.notice = notice or "; ".join((errors or {}).values())
        return case_page(request, builder, hand, status)
    return _planning(request, status, notice, dict(errors or {}))


def _planning(request: HttpRequest, status: int, notice: str, errors: dict[str, str]) -> HttpResponse:
    match = request.resolver_match
    if notice:
        errors.setdefault("", notice)
    if match and match.url_name == "plan":
        builder = Builder(me(request), match.kwargs["pk"])
        screen = new.change(me(request), builder.case, request.POST, errors)
    elif match and match.url_name == "new-case" and new.units_to_plan(me(request)):
        screen = new.new_case(me(request), request.POST or request.GET, errors)
    else:
        return render(request, "409.html", {"sentence": notice, "back": reverse("today")}, status=status)
    return render(request, "new_case.html", {"screen": screen}, status=status)
