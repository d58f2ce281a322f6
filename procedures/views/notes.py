"""How the pages around the operative note are drawn, and drawn again after a refusal. A password never is."""

from collections.abc import Callable, Mapping
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from procedures import access, rules, signin
from procedures.models import User
from procedures.note_forms import NoteForm
from procedures.screens import addendum, note, signing
from procedures.screens.view import View

type Words = Mapping[str, str]
type Drawing = Callable[[HttpRequest, int, str, Words, Words], HttpResponse]


def _view(request: HttpRequest) -> View:
    """The case that the address names. Raises Case.DoesNotExist."""
    user = cast("User", request.user)
    match = request.resolver_match
    view = View.load(user, match.kwargs["pk"] if match else None)
    access.looked(user, view.case, "note", signin.tablet_of(request))
    return view


def _way(request: HttpRequest) -> signin.Way:
    return signin.way(request, cast("User", request.user))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _general(notice: str, errors: Words) -> str:
    return notice or errors.get("", "") or errors.get("command_id", "")


def sign_page(
    request: HttpRequest,
    status: int = 200,
    notice: str = "",
    errors: Words | None = None,
    unusual: Words | None = None,
) -> HttpResponse:
    """The note as it was sent and could not be signed, with what is wrong."""
    return write_page(request, _view(request), status, notice, errors)


def write_page(
    request: HttpRequest, view: View, status: int = 200, notice: str = "", errors: Words | None = None
) -> HttpResponse:
    """The note before it is signed; for whoever never signs, and once it is signed, the sentence that says so."""
    wrong = errors or {}
    access.looked(cast("User", request.user), view.case, "note", signin.tablet_of(request))
    typed = NoteForm.as_typed(request.POST) if request.method == "POST" else None
    opened = NoteForm.as_opened(request.POST)
    refusal = rules.why_not(rules.check_may, view.actor, rules.Act.SIGN)
    if view.state.signed or refusal:
        said = _general(notice, wrong) or note.signed_words(view) or refusal
        if request.htmx:  # type: ignore[attr-defined]
            return render(request, "sign.html#over", {"sentence": said, "case": view.case}, status=409)
        return _sentence(request, view, said)
    screen = signing.build(view, _way(request), typed, wrong, _general(notice, wrong), opened)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "sign.html#unkept", {"screen": screen, "oob": "yes"}, status=status)
    return render(request, "sign.html", {"screen": screen}, status=status)


def kept_page(request: HttpRequest, view: View) -> HttpResponse:
    """To the page that writes: when the draft was kept, what is still to be written by hand, and what has changed."""
    screen = signing.build(view, _way(request))
    return render(request, "sign.html#kept", {"screen": screen, "oob": "yes"})


def note_page(
    request: HttpRequest,
    status: int = 200,
    notice: str = "",
    errors: Words | None = None,
    unusual: Words | None = None,
) -> HttpResponse:
    """The note as it was signed, with what was added since."""
    view, wrong = _view(request), errors or {}
    said = {"typed": request.POST, "errors": wrong, "notice": _general(notice, wrong)}
    screen = note.build(view, _way(request), since=_number(request.POST.get("seen", "")), **said)
    return render(request, "note.html", {"screen": screen}, status=status)


def addendum_page(
    request: HttpRequest,
    status: int = 200,
    notice: str = "",
    errors: Words | None = None,
    unusual: Words | None = None,
) -> HttpResponse:
    """The form of an addendum: the address says to which step and entry, or in words."""
    view, wrong = _view(request), errors or {}
    sent = request.POST if request.method == "POST" else request.GET
    key, number = sent.get("key", "")[:40], _number(sent.get("about", ""))
    screen = addendum.build(
        view, key, number, typed=sent, errors=wrong, unusual=unusual, notice=_general(notice, wrong)
    )
    if screen.why_not and status == 200:
        status = 409
    return render(request, "addendum.html", {"screen": screen}, status=status)


def _sentence(request: HttpRequest, view: View, said: str) -> HttpResponse:
    found = {"sentence": said, "back": reverse("note" if view.state.signed else "case", args=[view.case.pk])}
    return render(request, "409.html", found, status=409)


AGAIN: dict[str, Drawing] = {
    "sign": sign_page,
    "note-draft": sign_page,
    "note": note_page,
    "cosign": note_page,
    "cosign-move": note_page,
    "addendum": addendum_page,
}
