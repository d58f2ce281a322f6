"""What the tables of cases filter by, and what stands inside the page of a case or patient."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from procedures.models import Access, Allergy, CaseTeam, Event, Level, Step, Unit, User

from .browse import ReadOnlyInline, to_the_second

SHOWN_EVENTS = 50
SHOWN_LOOKS = 20


# Filters ------------------------------------------------------------------------------------------------------


class OwnUnits(admin.SimpleListFilter):
    """The units of which the user is a member."""

    title = _("unit")
    parameter_name = "unit"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Their names."""
        units = Unit.objects.filter(memberships__user=request.user.pk)
        return [(str(pk), name) for pk, name in units.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The cases of the one chosen."""
        chosen = self.value()
        return queryset.filter(unit=int(chosen)) if chosen else queryset


class OwnRooms(OwnUnits):
    """The rooms of these units."""

    title = _("room")
    parameter_name = "room"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Their names."""
        units = Unit.objects.filter(memberships__user=request.user.pk)
        rooms = {room for rooms in units.values_list("rooms", flat=True) for room in rooms}
        return [(room, room) for room in sorted(rooms)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The cases in the one chosen."""
        chosen = self.value()
        return queryset.filter(room=chosen) if chosen else queryset


class OwnOperators(OwnUnits):
    """The operators of these units."""

    title = _("operator")
    parameter_name = "operator"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Their names."""
        units = Unit.objects.filter(memberships__user=request.user.pk)
        people = User.objects.filter(memberships__unit__in=units, memberships__role="operator").distinct()
        return [(str(pk), name) for pk, name in people.values_list("pk", "display_name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The cases of the one chosen."""
        chosen = self.value()
        return queryset.filter(operator=int(chosen)) if chosen else queryset


# Inside a case ------------------------------------------------------------------------------------------------


class Newest(BaseInlineFormSet):  # type: ignore[type-arg]
    """Only the first rows in the inline's order, so that a long case opens as fast as a short one."""

    shown = SHOWN_EVENTS

    def get_queryset(self) -> Any:
        """The first of them, read once: the formset asks for this again at each row."""
        if not hasattr(self, "_first"):
            self._first = super().get_queryset()[: self.shown]
        return self._first


class NewestLooks(Newest):
    """Fewer of those."""

    shown = SHOWN_LOOKS


class LevelInline(ReadOnlyInline):
    """The vertebrae of a case."""

    model = Level
    fields = ("vertebra", "planned", "state", "sides", "reason")
    readonly_fields = fields


class StepInline(ReadOnlyInline):
    """The checklist of a case: rows that something was recorded for."""

    model = Step
    fields = ("key", "state", "done_at", "how_many", "last_seq")
    readonly_fields = fields
    ordering = ("done_at", "key")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without the rows that are still open: they say nothing yet."""
        return super().get_queryset(request).filter(last_seq__gt=0)

    @admin.display(description=_("entries"))
    def how_many(self, step: Step) -> int:
        """How many acts were recorded, also those taken back."""
        return len(step.entries)


class TeamInline(ReadOnlyInline):
    """Who was in the team."""

    model = CaseTeam
    fields = ("user", "role", "since", "until")
    readonly_fields = fields
    ordering = ("since", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the names."""
        return super().get_queryset(request).select_related("user")


class EventInline(ReadOnlyInline):
    """The newest events of the log; the list of events has all."""

    model = Event
    formset = Newest
    verbose_name_plural = _("Events, newest first (at most %(count)s)") % {"count": SHOWN_EVENTS}
    fields = (
        "seq", "kind", "step_key", "about", "performed_by", "recorded_by", "done_at", "noted_at", "source",
        "said",
    )  # fmt: skip
    readonly_fields = fields
    ordering = ("-seq",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the names, and without the columns that only a machine compares."""
        found = super().get_queryset(request).select_related("performed_by", "recorded_by")
        return found.defer("canonical", "input_digest", "prev_hash", "hash")

    @admin.display(description=_("done at"), ordering="performed_at")
    def done_at(self, event: Event) -> str:
        """To the second."""
        return to_the_second(event.performed_at)

    @admin.display(description=_("recorded at"), ordering="recorded_at")
    def noted_at(self, event: Event) -> str:
        """To the second."""
        return to_the_second(event.recorded_at)

    @admin.display(description=_("said"))
    def said(self, event: Event) -> str:
        """What was entered, in short."""
        return _in_short(event)


class LookInline(ReadOnlyInline):
    """The latest looks at a case."""

    model = Access
    formset = NewestLooks
    verbose_name_plural = _("Accesses, newest first (at most %(count)s)") % {"count": SHOWN_LOOKS}
    fields = ("user", "at", "what", "right", "tablet")
    readonly_fields = fields
    ordering = ("-at", "-pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the names."""
        return super().get_queryset(request).select_related("user", "tablet")


class AllergyInline(ReadOnlyInline):
    """The allergies of a patient, also those withdrawn."""

    model = Allergy
    fields = ("substance", "added_at", "added_by", "withdrawn_at", "withdrawn_by", "withdrawn_reason")
    readonly_fields = fields
    show_change_link = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the names."""
        return super().get_queryset(request).select_related("added_by", "withdrawn_by")


def _in_short(event: Event) -> str:
    parts = [event.data["reason"], ", ".join(event.data["flags"])]
    parts += [f"{key}: {value}" for key, value in event.data["values"].items()]
    return "; ".join(part for part in parts if part)[:300]
