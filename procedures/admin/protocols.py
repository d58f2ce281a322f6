"""Protocols, to be read: what is published is frozen by the database, and drafts are made with `load_protocol`."""

from decimal import Decimal

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from procedures.models import (
    FieldDefinition,
    Protocol,
    ProtocolVersion,
    Requirement,
    StepDefinition,
    TimerDefinition,
)
from procedures.values import plain

from .browse import ReadOnly, ReadOnlyInline
from .site import site


class VersionInline(ReadOnlyInline):
    """The editions of a protocol."""

    model = ProtocolVersion
    fields = ("number", "title", "status", "published_at", "published_by")
    readonly_fields = fields
    ordering = ("-number",)

    def get_queryset(self, request):  # type: ignore[no-untyped-def]
        """With the name of who published it."""
        return super().get_queryset(request).select_related("published_by")


class StepInline(ReadOnlyInline):
    """The steps of a version, in their order."""

    model = StepDefinition
    fields = (
        "position",
        "code",
        "seed",
        "title",
        "phase",
        "required",
        "repeats",
        "many",
        "critical",
        "second_person",
    )
    readonly_fields = fields
    ordering = ("position",)


class TimerInline(ReadOnlyInline):
    """The clocks of a version."""

    model = TimerDefinition
    fields = (
        "key",
        "label",
        "kind",
        "starts_on",
        "ends_on",
        "met_by",
        "scope",
        "minutes",
        "warn_minutes",
        "product_bands",
    )
    readonly_fields = fields
    ordering = ("position",)
    show_change_link = False


class FieldInline(ReadOnlyInline):
    """The values that a step asks for, with their limits in words."""

    model = FieldDefinition
    fields = (
        "key",
        "label",
        "type",
        "needed",
        "unit",
        "refused",
        "asked_about",
        "typical",
        "choices",
        "help",
    )
    readonly_fields = fields
    ordering = ("position",)
    show_change_link = False

    @admin.display(description=_("refused"))
    def refused(self, field: FieldDefinition) -> str:
        """Below and above which a value is refused."""
        return _limits(field.refuse_below, field.refuse_above)

    @admin.display(description=_("asked about"))
    def asked_about(self, field: FieldDefinition) -> str:
        """Below and above which a value is asked about."""
        return _limits(field.warn_below, field.warn_above)

    @admin.display(description=_("options"))
    def choices(self, field: FieldDefinition) -> str:
        """What can be chosen."""
        return ", ".join(label for _value, label in field.options)


class RequirementInline(ReadOnlyInline):
    """What a step needs first."""

    model = Requirement
    fields = ("needs", "hard", "scope", "expects", "only_if_anaesthesia")
    readonly_fields = fields
    ordering = ("position",)
    show_change_link = False


@admin.register(Protocol, site=site)
class ProtocolAdmin(ReadOnly):
    """The kinds of procedure that are recorded."""

    list_display = ("title", "code")
    search_fields = ("title", "code")
    inlines = (VersionInline,)


@admin.register(ProtocolVersion, site=site)
class ProtocolVersionAdmin(ReadOnly):
    """One edition, with its steps and clocks. A case keeps the one that it was opened with."""

    list_display = (
        "title",
        "number",
        "protocol",
        "status",
        "published_at",
        "published_by",
        "late_after_minutes",
    )
    list_filter = ("status", "protocol")
    list_select_related = ("protocol", "published_by")
    search_fields = ("title", "protocol__code", "notes")
    date_hierarchy = "published_at"
    inlines = (StepInline, TimerInline)


@admin.register(StepDefinition, site=site)
class StepDefinitionAdmin(ReadOnly):
    """One step of one version, with its fields and requirements. Found by its words or by those of its fields."""

    list_display = (
        "code",
        "seed",
        "title",
        "version",
        "phase",
        "required",
        "repeats",
        "critical",
        "second_person",
    )
    list_filter = ("phase", "required", "repeats", "critical", "second_person", "version")
    list_select_related = ("version",)
    search_fields = ("code", "title", "instruction", "fields__label", "fields__key")
    inlines = (FieldInline, RequirementInline)


def _limits(below: Decimal | None, above: Decimal | None) -> str:
    said = []
    if below is not None:
        said.append(f"< {plain(below)}")
    if above is not None:
        said.append(f"> {plain(above)}")
    return ", ".join(said)
