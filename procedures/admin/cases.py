"""Patients, cases and their log, to be read: what `visible_to` shows. Each look leaves its trace."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from procedures import access
from procedures.definitions import VERTEBRAE
from procedures.models import Access, Case, CaseTeam, Event, Level, Patient, Step
from procedures.state import EventKind

from .browse import PrivateSearch, hexadecimal, pretty, to_the_second
from .case_parts import (
    AllergyInline,
    EventInline,
    LevelInline,
    LookInline,
    OwnOperators,
    OwnRooms,
    OwnUnits,
    StepInline,
    TeamInline,
)
from .site import site

SEARCHED_CASES = 200


class Clinical(PrivateSearch):
    """Rows of cases. A look at one is a look at its case, and is recorded as such."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows of the cases that the user may see; there are no others."""
        visible = Case.objects.visible_to(request.user)  # type: ignore[arg-type]
        return super().get_queryset(request).filter(case__in=visible)

    def cases_of(self, request: HttpRequest, row: Any) -> Iterable[Case]:
        """The cases that a look at this row is a look at."""
        return [row.case]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Empty by nature: nothing is changed here. The title does not name the patient."""
        return super().history_view(
            request, object_id, {"title": _("Change history"), **(extra_context or {})}
        )

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row; who reads it has looked at its case."""
        row = super().get_object(request, object_id, from_field)
        for case in self.cases_of(request, row):
            access.looked(request.user, case, "admin")  # type: ignore[arg-type]
        return row


@admin.register(Case, site=site)
class CaseAdmin(Clinical):
    """A case: what is folded from its events, and the newest of these."""

    list_display = (
        "scheduled_at", "patient", "mrn", "levels_in_words", "operator", "room", "unit", "status", "settled",
        "signed_at", "signed_by",
    )  # fmt: skip
    list_filter = ("status", OwnUnits, OwnRooms, OwnOperators)
    list_select_related = ("patient", "operator", "unit", "signed_by")
    search_fields = ("=patient__mrn", "^patient__family_name", "^patient__given_name")
    search_help_text = _("MRN, or the beginning of the family or given name")
    date_hierarchy = "scheduled_at"
    ordering = ("-scheduled_at", "-pk")
    inlines = (LevelInline, StepInline, TeamInline, EventInline, LookInline)
    fieldsets = (
        (None, {"fields": ("patient", "unit", "protocol", "status", "levels", "indication", "anaesthesia")}),
        (_("Plan"), {"fields": ("scheduled_at", "room", "operator")}),
        (
            _("Course"),
            {
                "fields": (
                    "opened_at", "started_at", "paused_at", "emergency_at", "first_needle_at", "last_needle_out_at",
                    "ended_at", "end_reason",
                )
            },
        ),
        (
            _("Summary"),
            {"fields": ("done", "total", "deficits", "next_step", "cement_ml", "leak", "complications")},
        ),
        (
            _("Operative note"),
            {
                "fields": (
                    "to_sign", "signed_at", "signed_by", "signed_seq", "cosign_by", "cosigned_at", "cosigned_by",
                    "cosigned_seq", "addenda", "note",
                )
            },
        ),
        (_("Log"), {"fields": ("last_seq", "head", "all_events")}),
    )  # fmt: skip
    readonly_fields = ("note", "head", "all_events")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The cases that the user may see."""
        visible = Case.objects.visible_to(request.user)  # type: ignore[arg-type]
        signers = ("signed_by", "cosign_by", "cosigned_by")
        return visible.select_related("patient", "operator", "unit", *signers).order_by(*self.ordering)

    def cases_of(self, request: HttpRequest, row: Any) -> Iterable[Case]:
        """Itself."""
        return [row]

    def view_on_site(self, case: Case) -> str:
        """The record, as everybody reads it."""
        return reverse("record", args=[case.pk])

    @admin.display(description=_("MRN"))
    def mrn(self, case: Case) -> str:
        """The patient's record number."""
        return case.patient.mrn

    @admin.display(description=_("levels"))
    def levels_in_words(self, case: Case) -> str:
        """The vertebrae."""
        return ", ".join(case.levels)

    @admin.display(description=_("steps"))
    def settled(self, case: Case) -> str:
        """Settled steps of all."""
        return f"{case.done} / {case.total}"

    @admin.display(description=_("the note"))
    def note(self, case: Case) -> SafeString | str:
        """Where it can be read."""
        address = reverse("note", args=[case.pk])
        return format_html('<a href="{}">{}</a>', address, _("Read it")) if case.signed_seq else "-"

    @admin.display(description=_("hash of the last event"))
    def head(self, case: Case) -> str:
        """The head of the chain."""
        return hexadecimal(case.head_hash)

    @admin.display(description=_("all events"))
    def all_events(self, case: Case) -> SafeString:
        """A link to the whole log."""
        address = f"{reverse('admin:procedures_event_changelist')}?case={case.pk}"
        return format_html('<a href="{}">{}</a>', address, case.last_seq)


@admin.register(Patient, site=site)
class PatientAdmin(Clinical):
    """A patient of a visible case, with the allergies."""

    list_display = ("mrn", "family_name", "given_name", "birth_date", "sex")
    list_filter = ("sex",)
    search_fields = ("=mrn", "^family_name", "^given_name")
    search_help_text = _("MRN, or the beginning of the family or given name")
    ordering = ("family_name", "given_name", "pk")
    inlines = (AllergyInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The patients of the cases that the user may see."""
        visible = Case.objects.visible_to(request.user)  # type: ignore[arg-type]
        ordered = Patient.objects.order_by(*self.ordering)
        return ordered.filter(Exists(visible.filter(patient=OuterRef("pk"))))

    def cases_of(self, request: HttpRequest, row: Any) -> Iterable[Case]:
        """Every visible case of the patient."""
        return Case.objects.visible_to(request.user).filter(patient=row)  # type: ignore[arg-type]


@admin.register(Step, site=site)
class StepAdmin(Clinical):
    """A row of a checklist, with every act that was recorded."""

    list_display = ("key", "case", "state", "done_at", "how_many")
    list_filter = ("state",)
    list_select_related = ("case",)
    search_fields = ("^key",)
    search_help_text = _("The beginning of a key, such as K09a or K09a-L1")
    date_hierarchy = "done_at"
    ordering = ("-pk",)
    fields = ("case", "key", "code", "level", "side", "state", "done_at", "last_seq", "acts")
    readonly_fields = ("acts",)

    @admin.display(description=_("entries"))
    def how_many(self, step: Step) -> int:
        """How many acts were recorded, also those taken back."""
        return len(step.entries)

    @admin.display(description=_("entries"))
    def acts(self, step: Step) -> SafeString:
        """The acts as they are stored."""
        return pretty(step.entries)


@admin.register(Level, site=site)
class LevelAdmin(Clinical):
    """A vertebra of a case."""

    list_display = ("vertebra", "case", "state", "planned", "sides", "reason")
    list_filter = ("state", "planned", "vertebra")
    list_select_related = ("case",)
    search_fields = ("=vertebra",)
    search_help_text = _("A vertebra: %(first)s to %(last)s") % {"first": VERTEBRAE[0], "last": VERTEBRAE[-1]}
    ordering = ("-pk",)


@admin.register(CaseTeam, site=site)
class CaseTeamAdmin(Clinical):
    """Who was in the team of a case, and as what."""

    list_display = ("user", "role", "case", "since", "until")
    list_filter = ("role",)
    list_select_related = ("user", "case")
    search_fields = ("user__display_name", "user__username")
    date_hierarchy = "since"
    ordering = ("-pk",)


@admin.register(Event, site=site)
class EventAdmin(Clinical):
    """The log."""

    list_display = (
        "case", "seq", "kind", "step_key", "performed_by", "recorded_by", "done_at", "noted_at", "source",
    )  # fmt: skip
    list_display_links = ("case", "seq")
    list_filter = ("kind", "source")
    list_select_related = ("case", "performed_by", "recorded_by")
    search_fields = ("^step_key",)
    search_help_text = _("MRN, a kind such as step.done, or the beginning of a step's key such as K09a")
    date_hierarchy = "recorded_at"
    ordering = ("-pk",)
    fields = (
        "case", "seq", "kind", "step_key", "about", "performed_by", "recorded_by", "done_at", "noted_at",
        "source", "command_id", "part", "said", "canonical", "before", "own",
    )  # fmt: skip
    readonly_fields = ("done_at", "noted_at", "said", "before", "own")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Every word is a kind, a record number, or the beginning of a step's key."""
        visible = Case.objects.visible_to(request.user)  # type: ignore[arg-type]
        for word in self._words(request, search_term).split():
            if word in set(EventKind):
                queryset = queryset.filter(kind=word)
                continue
            cases = visible.filter(patient__mrn__iexact=word).values_list("pk", flat=True)[:SEARCHED_CASES]
            queryset = queryset.filter(
                Q(case__in=found) if (found := list(cases)) else Q(step_key__istartswith=word)
            )
        return queryset, False

    @admin.display(description=_("done at"), ordering="performed_at")
    def done_at(self, event: Event) -> str:
        """To the second."""
        return to_the_second(event.performed_at)

    @admin.display(description=_("recorded at"), ordering="recorded_at")
    def noted_at(self, event: Event) -> str:
        """To the second."""
        return to_the_second(event.recorded_at)

    @admin.display(description=_("values"))
    def said(self, event: Event) -> SafeString:
        """What was entered, with reason and flags."""
        return pretty({name: event.data[name] for name in ("values", "reason", "flags")})

    @admin.display(description=_("hash before"))
    def before(self, event: Event) -> str:
        """The hash of the event before."""
        return hexadecimal(event.prev_hash)

    @admin.display(description=_("hash"))
    def own(self, event: Event) -> str:
        """Its own hash."""
        return hexadecimal(event.hash)


@admin.register(Access, site=site)
class AccessAdmin(Clinical):
    """Who looked at which case, and by which right."""

    list_display = ("at", "user", "case", "what", "right", "tablet")
    list_filter = ("what", "right")
    list_select_related = ("user", "case", "tablet")
    search_fields = ("user__display_name", "user__username")
    date_hierarchy = "at"
    ordering = ("-pk",)
