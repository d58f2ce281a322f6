"""What was taken away, to be read: by whom, with names or without, and how many cases went along or were counted."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from procedures.models import Export

from .browse import ReadOnly
from .site import managed_units, site


@admin.register(Export, site=site)
class ExportAdmin(ReadOnly):
    """The exports of the people of the units that the user manages."""

    list_display = (
        "asked_at",
        "user",
        "kind",
        "rows",
        "plot",
        "in_words",
        "identified",
        "cases",
        "right",
        "tablet",
        "finished_at",
    )
    list_filter = ("identified", "kind", "rows")
    list_select_related = ("user", "tablet")
    search_fields = ("user__display_name", "user__username")
    date_hierarchy = "asked_at"
    ordering = ("-asked_at", "-pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Those of their own people; a superuser sees all."""
        found = super().get_queryset(request)
        if request.user.is_superuser:
            return found
        return found.filter(user__memberships__unit__in=managed_units(request)).distinct()
