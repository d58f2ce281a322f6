"""Sign the operative note, sign beside, add to it afterwards."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from procedures import commands, rules, signin
from procedures.note_forms import AddendumForm, CosignForm, MoveForm, NoteForm, ProofForm
from procedures.operative_note import SECTIONS
from procedures.screens import signing
from procedures.screens.view import View

from .answers import command, me
from .lookup import step_definition
from .notes import addendum_page, kept_page, note_page, write_page


@require_safe
def note(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The note as it was signed, and what was added since."""
    return note_page(request)


@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def sign(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Write the note, and sign it as its author."""
    view = View.load(me(request), pk)
    if view.state.signed and (request.method != "POST" or view.state.signed.by == view.actor.id):
        return redirect("note", pk)
    if request.method != "POST":
        return write_page(request, view)
    form, proof = NoteForm(request.POST), ProofForm(request.POST)
    form.checked()
    given, written = proof.checked(), form.note()
    untouched = signing.ready(view, written, form.opened())
    signin.prove(request, me(request), given["password"], given["code"])
    commands.sign(
        command(request, pk, proof.id),
        note=written.sections,
        explained=written.explained,
        cosign_by=written.cosign_by,
        untouched=untouched,
        read_up_to=view.state.last_seq,
        opened=form.opened(),
        instead=written.explained.get("instead", ""),
    )
    messages.success(request, _("Signed. What is to be said from now on is an addendum."))
    return redirect("note", pk)


@require_POST
def draft(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Keep what is written, by itself while somebody types or by a button."""
    form = NoteForm(request.POST)
    given = form.checked()
    view = View.load(me(request), pk)
    rules.check_may(view.actor, rules.Act.SIGN)
    commands.keep_note(
        me(request), pk, signing.kept(view, form.note(), given["take"], given["leave"]), form.opened()
    )
    if request.htmx:  # type: ignore[attr-defined]
        return kept_page(request, view)
    back = reverse("sign", args=[pk])
    if "identify" in request.POST:
        return HttpResponseRedirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}")
    messages.success(request, _("Draft kept. Nobody else sees it."))
    place = given["take"] or given["leave"]
    return HttpResponseRedirect(f"{back}#s-{place}" if place in SECTIONS else back)


@sensitive_post_parameters("password", "code")
@require_POST
def cosign(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Sign beside the author."""
    form = CosignForm(request.POST)
    given = form.checked()
    view = View.load(me(request), pk)
    if view.state.cosigned and view.state.cosigned.by == view.actor.id:  # sent twice
        return redirect("note", pk)
    signing.check_cosign(view, given["seen"])
    signin.prove(request, me(request), given["password"], given["code"])
    commands.cosign(command(request, pk, form.id), remark=given["reason"], read_up_to=given["seen"])
    messages.success(request, _("Co-signed."))
    return redirect("note", pk)


@require_POST
def move_cosigner(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Ask another co-signer."""
    form = MoveForm(request.POST)
    given = form.checked()
    commands.move_cosigner(command(request, pk, form.id), to=given["to"], reason=given["reason"])
    messages.success(request, _("Recorded who is asked to co-sign."))
    return redirect("note", pk)


@require_http_methods(["GET", "HEAD", "POST"])
def addendum(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Add to a signed record: in words, or to a step."""
    if request.method != "POST":
        return addendum_page(request)
    key = request.POST.get("key", "")[:40]
    form = AddendumForm(request.POST, step_definition(pk, key) if key else None)
    given = form.checked()
    commands.add_addendum(
        command(request, pk, form.id, given["performed_by"]),
        reason=form.said_why,
        text=given["text"],
        key=key,
        **form.data_of_step(),
    )
    messages.success(request, _("The addendum is recorded."))
    return HttpResponseRedirect(reverse("note", args=[pk]) + "#addenda")
