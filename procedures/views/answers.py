"""How every view answers: the whole page, or with htmx the changed fragments; 409 and 422 keep what was typed."""

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from procedures import access, signin
from procedures.commands import Command, Receipt
from procedures.models import Case, User
from procedures.rules import Invalid, Refused
from procedures.screens import aftermath, case, feed, handover, manage, new
from procedures.screens.hand import Hand, entry_hand, hand_for, next_hand
from procedures.screens.second import second_after, second_for
from procedures.screens.view import View
from procedures.signin_forms import AsForm
from procedures.state import Event, Source

from . import export_pages, notes, ward

MANAGED = {
    "cancel", "stop", "void-case", "complete", "team", "patient", "allergy-add", "allergy-withdraw",
    "level-add", "level-abandon", "level-defer", "level-reopen", "manage",
}  # fmt: skip
ASIDE = {"handover", "handover-accept", "handover-withdraw"}


def me(request: HttpRequest) -> User:
    """The signed-in person (the middleware lets nobody else through)."""
    return cast("User", request.user)


def command(
    request: HttpRequest,
    pk: UUID,
    command_id: UUID,
    performed_by: int | None = None,
    colleague: User | None = None,
    source: Source = Source.LIVE,
) -> Command:
    """The command that this request gives, with the tablet that it comes from.

    `colleague`: who gave their PIN in somebody else's session; they did it and recorded it (what stands on
    paper was done by whom the paper names).
    """
    tablet = signin.tablet_of(request)
    return Command(
        case_id=pk,
        by=colleague or me(request),
        command_id=command_id,
        performed_by=colleague.pk if colleague and source is Source.LIVE else performed_by,
        via=me(request).pk if colleague else None,
        tablet=tablet.pk if tablet else None,
        source=source,
    )


def looked(request: HttpRequest, case: Case, what: str = "case") -> None:
    """Leave the trace of this look at a case, with the tablet that it was on."""
    access.looked(me(request), case, what, signin.tablet_of(request))


def colleague(request: HttpRequest) -> User | None:
    """The colleague as whom this is to be recorded, if one is named and their PIN is right."""
    given = AsForm(request.POST).checked()
    if given["as_user"] is None:
        return None
    try:
        return signin.check_pin(signin.tablet_of(request), given["as_user"], given["as_pin"])
    except Invalid as wrong:
        raise Invalid({"as_pin": wrong.errors["pin"]}) from None


def sent(data: QueryDict, name: str) -> int | None:
    """A whole number that the page sent along, or None."""
    text = data.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def case_page(request: HttpRequest, view: View, hand: Hand, status: int = 200) -> HttpResponse:
    """The Case screen around a step: whole, or with htmx what changed since the page was drawn."""
    looked(request, view.case)
    data = request.POST if request.method == "POST" else request.GET
    hand.from_paper(bool(data.get("paper")))
    seen = sent(data, "seen")
    if not request.htmx or seen is None:  # type: ignore[attr-defined]
        return render(request, "case.html", {"screen": case.build(view, hand)}, status=status)
    events = list(reversed(feed.since(view.case, seen))) if seen < view.state.last_seq else []
    return _answer(request, view, hand, events, status)


def changed(request: HttpRequest, receipt: Receipt, key: str = "", *, second: bool = False) -> HttpResponse:
    """After a command on the Case screen: what comes next, in place; without htmx the page again.

    `second`: what was recorded at `key` is offered to its second person beside what comes next.
    """
    if not request.htmx:  # type: ignore[attr-defined]
        back = reverse("case", args=[receipt.case_id])
        return redirect(f"{back}?paper=1" if request.POST.get("paper") else back)
    ledger = receipt.ledger
    behind = ledger is None or ledger.command.via or sent(request.POST, "seen") != ledger.before.last_seq
    view = View.load(me(request), receipt.case_id) if behind or ledger is None else View.after(ledger)
    if "quick" in request.POST:  # one tap of the emergency log: the step in hand stays
        hand = Hand(mode="none", key=request.POST.get("was", ""))
    else:
        hand = next_hand(view, after=key)
        hand.second = second_after(view, key) if second else None
    if behind or ledger is None:
        return case_page(request, view, hand)
    hand.from_paper(bool(request.POST.get("paper")))
    return _answer(request, view, hand, ledger.written)


def _answer(
    request: HttpRequest, view: View, hand: Hand, events: list[Event], status: int = 200
) -> HttpResponse:
    match = request.resolver_match
    was = (request.POST or request.GET).get("was", "")
    touched = {was, hand.key, str(match.kwargs.get("key", "")) if match else ""}
    screen = case.answer(view, hand, events, touched)
    part = "changes" if "quick" in request.POST and status == 200 else "answer"
    response = render(request, f"case.html#{part}", {"screen": screen}, status=status)
    if (
        status != 200
    ):  # whatever sent it, and wherever it wanted its answer: the step in hand says what is wrong
        response["HX-Retarget"], response["HX-Reswap"] = "#hand", "outerHTML"
    return response


def refreshed(request: HttpRequest, view: View) -> HttpResponse:
    """What the others changed since the page was drawn, under the reader's own rights; never the step in hand.

    An event tells the page where that has become untrue (`kypho:stale`), or where the case began or ended
    (`kypho:turned`): what was typed there is the reader's to keep. 204: nothing changed.
    """
    seen, was = sent(request.GET, "seen"), request.GET.get("was", "")
    looked(request, view.case)
    if seen is None or seen >= view.state.last_seq:
        return HttpResponse(status=204)
    events = list(reversed(feed.since(view.case, seen)))
    screen = case.answer(view, Hand(mode="none", key=was), events, ())
    response = render(request, "case.html#changes", {"screen": screen})
    if screen.turned:
        response["HX-Trigger"] = "kypho:turned"
    elif screen.hand.stamp != request.GET.get("stamp", ""):
        response["HX-Trigger"] = "kypho:stale"
    return response


def managed(request: HttpRequest, receipt: Receipt) -> HttpResponse:
    """After a command of the Manage screen: back to it."""
    return redirect("manage", receipt.case_id)


def refused(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """409: the page that was in use, as things stand now, with the sentence on top."""
    return _again(request, 409, notice=refusal.sentence)


def invalid(request: HttpRequest, wrong: Invalid) -> HttpResponse:
    """422: the form again with what was typed, and at each field what is allowed."""
    return _again(request, 422, errors=wrong.errors, unusual=wrong.unusual, expired=wrong.expired)


def _again(
    request: HttpRequest,
    status: int,
    *,
    notice: str = "",
    errors: Mapping[str, str] | None = None,
    unusual: Mapping[str, str] | None = None,
    expired: Mapping[str, str] | None = None,
) -> HttpResponse:
    match = request.resolver_match
    name, kwargs = (match.url_name or "", match.kwargs) if match else ("", {})
    if again := ward.AGAIN.get(name) or export_pages.AGAIN.get(name):
        return again(request, status, notice, errors or {})
    if name in notes.AGAIN:
        return notes.AGAIN[name](request, status, notice, errors or {}, unusual or {})
    notice = notice or (errors or {}).get("", "") or (errors or {}).get("command_id", "")
    said: dict[str, Any] = {"typed": request.POST, "errors": errors, "notice": notice}
    if "key" in kwargs:
        view = View.load(me(request), kwargs["pk"])
        said["unusual"] = unusual
        if name == "entry-move":
            return _aside(request, status, notice, dict(errors or {}))
        if name == "entry-verify":
            hand = _second_again(view, kwargs, said)
        elif "seq" in kwargs:
            hand = entry_hand(view, kwargs["key"], kwargs["seq"], **said)
        else:
            hand = hand_for(view, kwargs["key"], expired=expired, **said)
        return case_page(request, view, hand, status)
    if name in MANAGED:
        failed_id = str(kwargs.get("vertebra") or kwargs.get("allergy_id") or request.POST.get("user_id", ""))
        screen = manage.build(me(request), kwargs["pk"], failed=name, failed_id=failed_id, **said)
        return render(request, "manage.html", {"screen": screen}, status=status)
    if name in ASIDE:
        return _aside(request, status, notice, dict(errors or {}))
    if "pk" in kwargs and name != "plan":
        view = View.load(me(request), kwargs["pk"])
        hand = next_hand(view)
        hand.notice = notice or "; ".join((errors or {}).values())
        return case_page(request, view, hand, status)
    return _planning(request, status, notice, dict(errors or {}))


def _second_again(view: View, kwargs: Mapping[str, Any], said: Mapping[str, Any]) -> Hand:
    """The entry with its second person's part as it was sent; nothing of it goes into the forms of the first."""
    hand = entry_hand(view, kwargs["key"], kwargs["seq"], notice=said["notice"])
    place = view.progress.place(kwargs["key"])
    entry = place.step.entry(kwargs["seq"]) if place else None
    if place and entry:
        hand.second = second_for(view, place, entry, typed=said["typed"], errors=said["errors"])
    return hand


def _aside(request: HttpRequest, status: int, notice: str, errors: dict[str, str]) -> HttpResponse:
    """The pages beside the case: handover, and the move of an entry."""
    kwargs = request.resolver_match.kwargs if request.resolver_match else {}
    said: dict[str, Any] = {"typed": request.POST, "errors": errors, "notice": notice}
    if "key" in kwargs:
        screen: object = aftermath.move(me(request), kwargs["pk"], kwargs["key"], kwargs["seq"], **said)
        return render(request, "move.html", {"screen": screen}, status=status)
    screen = handover.build(me(request), kwargs["pk"], **said)
    return render(request, "handover.html", {"screen": screen}, status=status)


def _planning(request: HttpRequest, status: int, notice: str, errors: dict[str, str]) -> HttpResponse:
    match = request.resolver_match
    if notice:
        errors.setdefault("", notice)
    if match and match.url_name == "plan":
        view = View.load(me(request), match.kwargs["pk"])
        screen = new.change(me(request), view.case, request.POST, errors)
    elif match and match.url_name == "new-case" and new.units_to_plan(me(request)):
        screen = new.new_case(me(request), request.POST or request.GET, errors)
    else:
        return render(request, "409.html", {"sentence": notice, "back": reverse("today")}, status=status)
    return render(request, "new_case.html", {"screen": screen}, status=status)
