"""One case in each state that some URL needs, and for each URL of a case what a correct request to it is."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.http import QueryDict

from procedures import clock, commands, signing_rules
from procedures.definitions import Role
from procedures.exports import journal
from procedures.exports.journal import Wanted
from procedures.models import Case, Event, Membership, Pin, Step, User
from procedures.screens import note, signing
from procedures.screens.view import View
from procedures.signin import accounts
from tests.world import PASSWORD, PIN, World, give_pin


@dataclass(frozen=True, slots=True)
class Request:
    """The arguments of a URL and the fields of a correct form for it."""

    args: tuple[Any, ...] = ()
    data: dict[str, Any] | None = None


PATIENT = {"family_name": "Rossi", "given_name": "Maria", "birth_date": "1952-03-12", "sex": "F"}


AGENCY: dict[str, Any] = {
    "display_name": "Nadia Petrov",
    "initials": "NP",
    "profession": "Nurse",
    "registration_number": "A-771",
    "role": "circulating_nurse",
    "hours": "8",
}


def plan(world: World, **changes: Any) -> dict[str, Any]:
    """The fields of a plan."""
    return {
        "room": "IR room 1",
        "scheduled_at": "2026-11-22T10:30",
        "indication": "osteoporosis",
        "anaesthesia": "general",
        "levels": ["L1", "L2"],
        "operator": str(world.operator.pk),
        "team": [str(world.nurse.pk), str(world.scrub.pk)],
        **changes,
    }


def new_case(world: World, **changes: Any) -> dict[str, Any]:
    """The fields of the New case form."""
    patient = {**PATIENT, "mrn": "700100200", "family_name": "Bianchi", "allergies": "latex\niodine"}
    return {**patient, **plan(world), "unit": str(world.unit.pk), **changes}


def note_of(world: World, case_id: UUID, **changes: Any) -> dict[str, Any]:
    """The fields of the note as the operator's page has them at first, with each gap explained, and the password."""
    view = View.load(world.operator, case_id)
    kept = signing.fresh(view, note.draft(view))
    untouched = frozenset(kept.sections)
    lacking = signing_rules.lacking(view.progress, kept.sections, untouched)
    return {
        "seq": str(kept.seq),
        **{f"s_{key}": text for key, text in kept.sections.items()},
        **{f"seen_{key}": sign for key, sign in kept.seen.items()},
        **{f"why_{key}": "Not written down at the time" for key in lacking},
        "password": PASSWORD,
        **changes,
    }


def ward_check(world: World, case_id: UUID) -> int:
    """The identity check on the ward, by the ward nurse; the seq of its entry."""
    return world.do(case_id, "PRE-ID", by="ward").last


class Stage:
    """The cases. `requests[name]` is a correct request to the URL of that name."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.scheduled = world.open("T12", "L1", mrn="100000001")
        self.running = world.started("T12", "L1", mrn="100000002")
        self.seq = ward_check(world, self.running)
        self.paused = world.started("L1", mrn="100000003")
        commands.pause(world.command(self.paused), reason="X-ray tube too hot")
        commands.offer_handover(world.command(self.paused), to=world.operator.pk)
        self.sedated = world.started("L1", "L2", mrn="100000004")
        world.do_until(self.sedated, "K04")
        world.rush(self.sedated, "K04", "K06a")
        self.rushed = world.step(self.sedated, "K06a").live[0].seq
        self.closed_level = world.started("L1", "L2", mrn="100000005")
        commands.defer_level(world.command(self.closed_level), vertebra="L2", reason="another day")
        self.finished = world.started("L1", mrn="100000006")
        world.do_until(self.finished, "never")
        self.unsigned = world.started("L1", mrn="100000007")
        world.do_until(self.unsigned, "REC-HO")
        self.signed = world.started("L1", mrn="100000008")
        world.do_until(self.signed, "REC-HO")
        self.author = User.objects.create_user("author", display_name="Dr A. Uthor", initials="AU")
        Membership.objects.create(user=self.author, unit=world.unit, role=Role.OPERATOR)
        world.people["author"] = self.author
        world.sign(self.signed, by="author", instead="Ill for weeks")
        self.read = Case.objects.get(pk=self.signed).last_seq
        self.asked = world.started("L1", mrn="100000009")
        world.do_until(self.asked, "REC-HO")
        world.sign(self.asked, cosign_by=self.author.pk)
        wanted = Wanted(kind="csv", rows="case", identified=False, reason="", query=QueryDict())
        self.export = journal.ask(world.operator, wanted, None)
        allergy = Case.objects.get(pk=self.running).patient.allergies.get()
        entry = (self.running, "PRE-ID", self.seq)
        Membership.objects.filter(user=world.nurse).update(charge=True)
        give_pin(world.scrub)
        Pin.objects.update(failures=5, locked_at=clock.now())
        here = {"unit_id": str(world.unit.pk), "user_id": str(world.scrub.pk)}
        agent, _pin = accounts.open_account(world.nurse, world.unit.pk, {**AGENCY, "hours": 8}, None)
        why = {"reason": "was noted wrongly"}
        self.requests = {
            "today": Request(),
            "today-stream": Request(),
            "statistics": Request(),
            "statistics-table": Request(("leaks",)),
            "switch": Request((), {"user_id": str(world.nurse.pk), "pin": PIN}),
            "lock": Request((), {}),
            "act": Request((), {}),
            "tablet": Request((), {"code": "ABCDE-FGHJK"}),
            "outbox": Request(),
            "manifest": Request(),
            "service-worker": Request(),
            "offline": Request(),
            "pin": Request((), {"proof": "not it", "pin": PIN, "again": PIN}),
            "unit": Request(),
            "unit-reset": Request((), here),
            "unit-unlock": Request((), here),
            "unit-agency": Request((), {**here, **AGENCY}),
            "unit-end": Request((), {**here, "user_id": str(agent.pk)}),
            "export-ask": Request((), {"kind": "csv", "rows": "case"}),
            "export": Request((self.export.pk,)),
            "export-file": Request((self.export.pk,)),
            "lots": Request(),
            "export-pdf": Request((self.running,)),
            "export-fhir": Request((self.running,)),
            "export-print": Request((self.running,)),
            "accesses": Request((self.running,)),
            "case-log": Request(),
            "case-log-find": Request((), {"words": "rossi"}),
            "view-save": Request((), {"name": "late", "flag": "late"}),
            "view-forget": Request((1,), {}),
            "theme": Request((), {"theme": "dark", "next": "/"}),
            "product-scan": Request(("needle", "f-v_needle"), {"v_needle_scan": "10N-77"}),
            "new-case": Request((), new_case(world)),
            "case": Request((self.running,)),
            "record": Request((self.running,)),
            "sign": Request((self.unsigned,), note_of(world, self.unsigned)),
            "note-draft": Request((self.unsigned,), note_of(world, self.unsigned)),
            "note": Request((self.signed,)),
            "cosign": Request((self.signed,), {"password": PASSWORD, "seen": self.read}),
            "cosign-move": Request((self.asked,), {"to": "", "reason": "Left the hospital"}),
            "addendum": Request((self.signed,), {"why": "image", "text": "Seen on the CT"}),
            "paper": Request(),
            "wall": Request(("no-such-token",)),
            "wall-stream": Request(("no-such-token",)),
            "case-paper": Request((self.running,)),
            "manage": Request((self.running,)),
            "missing": Request((self.running,)),
            "changes": Request((self.running,)),
            "case-stream": Request((self.running,)),
            "case-offline": Request((self.running,)),
            "plan": Request((self.scheduled,), plan(world)),
            "start": Request((self.scheduled,), {}),
            "pause": Request((self.running,), why),
            "resume": Request((self.paused,), {"identity": "yes"}),
            "emergency": Request((self.running,), {"on": "1"}),
            "complete": Request((self.finished,), {}),
            "cancel": Request((self.scheduled,), why),
            "stop": Request((self.sedated,), {**why, "state_L1": "abandoned", "state_L2": "deferred"}),
            "void-case": Request((self.scheduled,), why),
            "team": Request((self.running,), {"user_id": str(world.scrub.pk), "role": "scrub_nurse"}),
            "patient": Request(
                (self.running,), {**PATIENT, "mrn": "100000002", "given_name": "Mariella", **why}
            ),
            "allergy-add": Request((self.running,), {"substance": "latex"}),
            "allergy-withdraw": Request((self.running, allergy.pk), why),
            "level-add": Request((self.running,), {"vertebra": "L3", "reason": ""}),
            "level-abandon": Request((self.running, "L1"), why),
            "level-defer": Request((self.running, "L1"), why),
            "level-reopen": Request((self.closed_level, "L2"), why),
            "step": Request((self.running, "PRE-CON")),
            "step-done": Request((self.running, "PRE-CON"), {}),
            "step-mark": Request((self.running, "PRE-BASE"), {"status": "not_applicable"}),
            "entry": Request(entry),
            "entry-details": Request(entry, {"v_first": "name"}),
            "entry-correct": Request(entry, {"v_first": "mrn", "v_wristband": "yes", **why}),
            "entry-void": Request(entry, why),
            "entry-verify": Request(entry, {}),
            "entry-reconcile": Request((self.sedated, "K06a", self.rushed), {}),
            "entry-move": Request(entry, {"to": str(self.sedated), **why}),
            "reconcile": Request((self.sedated,)),
            "handover": Request((self.running,), {"to": str(world.sedation.pk), "concerns": "sleepy"}),
            "handover-accept": Request((self.paused,), {}),
            "handover-withdraw": Request((self.paused,), {}),
        }

    def data(self, name: str) -> dict[str, Any]:
        """The form for the URL of that name, with a fresh command id."""
        return {"command_id": str(uuid4()), **(self.requests[name].data or {})}


def entries(case_id: UUID, key: str) -> list[dict[str, Any]]:
    """The entries of a step, as they are kept."""
    return list(Step.objects.get(case=case_id, key=key).entries)


def count(case_id: UUID) -> int:
    """How many events a case has."""
    return Event.objects.filter(case=case_id).count()


def seen(case_id: UUID) -> str:
    """The last event, as a page sends it that has seen everything."""
    return str(Case.objects.get(pk=case_id).last_seq)
