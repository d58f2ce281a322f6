"""The draft of an operative note: kept while it is written, gone when a note is signed. It is no part of the record."""

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from procedures import clock, operative_note, rules, signing_rules
from procedures.definitions import Role
from procedures.drafting import KeptNote
from procedures.models import Case, Membership, NoteDraft, User
from procedures.signing_rules import Opened


def keep_note(by: User, case_id: UUID, note: KeptNote, opened: Opened) -> None:
    """Keep an operator's draft in the place of the one before. Refused once a note is signed, and where the one before
    was kept by another open page than the one that sends this, since that was drawn (`opened`).

    Raises Case.DoesNotExist for a case that the user may not see.
    """
    with transaction.atomic():
        case = (
            Case.objects.visible_to(by)
            .select_for_update(of=("self",))
            .with_roles(actor_role=by.pk)
            .get(pk=case_id)
        )
        role = case.actor_role or _in_team(case, by)  # type: ignore[attr-defined]
        rules.check_may(rules.Actor(by.pk, Role(role) if role else None), rules.Act.SIGN)
        if case.signed_seq is not None:
            raise rules.Refused("signed", _("This record is already signed."))
        check_opened(case, by, opened)
        NoteDraft.objects.update_or_create(
            case=case,
            author=by,
            defaults={
                "sections": signing_rules.check_draft(note.sections, operative_note.SECTIONS),
                "seen": dict(note.seen),
                "explained": {key: why for key, why in note.explained.items() if why.strip()},
                "cosign_by_id": note.cosign_by if is_operator(case, note.cosign_by) else None,
                "seq": note.seq,
                "page": opened.page,
                "updated_at": clock.now(),
            },
        )


def check_opened(case: Case, author: User, opened: Opened) -> None:
    """No other open page of this author has kept a newer draft. Raises Refused."""
    row = NoteDraft.objects.filter(case=case, author=author).first()
    if row is not None:
        signing_rules.check_same_draft(opened, row.page, row.updated_at, author.display_name)


def is_operator(case: Case, user_id: int | None) -> bool:
    """Whether somebody is an operator of the case's unit."""
    found = Membership.objects.filter(
        unit=case.unit_id, user=user_id, role=Role.OPERATOR, user__is_active=True
    )
    return user_id is not None and found.exists()


def _in_team(case: Case, user: User) -> str | None:
    return case.team.filter(user=user, until=None).values_list("role", flat=True).first()


def forget_notes(case: Case) -> None:
    """The note is signed: no draft of it is left."""
    NoteDraft.objects.filter(case=case).delete()
