"""What the tables of this admin have in common: nothing is deleted, lists stay fast, and searches stay private."""

import json
import secrets
from calendar import monthrange
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.paginator import Paginator
from django.db import DataError
from django.db.models import Max, Min, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from procedures import directory

from .site import site

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    Tabular = admin.TabularInline[Any, Any]
    BoundedBase = Paginator[Any]
else:
    ModelAdmin, Tabular, BoundedBase = admin.ModelAdmin, admin.TabularInline, Paginator

SEARCHES = "admin_searches"
KEPT_SEARCHES = 20
LONGEST_SEARCH = 100


class Bounded(BoundedBase):
    """Counts no further than it would show: counting a million rows takes longer than anybody reads pages.

    `more`: there are more rows than `LIMIT`; the list then says so, and asks for a narrower search.
    """

    LIMIT = 1000

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: self.LIMIT + 1].count())

    @property
    def count(self) -> int:
        """The number of rows, at most `LIMIT`."""
        return min(self._counted, self.LIMIT)

    def page(self, number: Any) -> Any:
        """A page: first the keys of its rows, then these with all that is shown beside them."""
        found = super().page(number)
        rows: Any = self.object_list
        keys = [key for (key,) in found.object_list.values_list("pk")]  # type: ignore[attr-defined]
        found.object_list = rows.filter(pk__in=keys)
        return found

    @property
    def more(self) -> bool:
        """Whether there are more rows than are counted."""
        return self._counted > self.LIMIT


class Kept(ModelAdmin):
    """A table whose rows are never deleted here. Whoever may enter the admin may look at it."""

    actions = None
    paginator = Bounded
    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by: ClassVar[Any] = ()
    private_search = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Shown on the first page."""
        return site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Readable."""
        return site.has_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never, for nobody."""
        return False

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Never, for nobody."""
        raise PermissionDenied

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the rest; names, members and products show at once in this process, in the others within a minute."""
        super().save_related(request, form, formsets, change)
        directory.forget()

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row, or 404 for one that is not there or not for this person."""
        found = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list. What nobody can have meant in its address gets 400 instead of an error page."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied  # lists have neither actions nor fields
        if any("\0" in value for _name, values in request.GET.lists() for value in values):
            raise BadRequest
        try:
            response = super().changelist_view(request, extra_context)
            return response.render() if isinstance(response, TemplateResponse) else response
        except (ValueError, OverflowError, DataError) as wrong:
            if not request.GET:
                raise
            raise BadRequest from wrong


class ReadOnly(Kept):
    """A table that is looked at and never written, by nobody."""

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """One row, read. Anything but reading is refused before the row is fetched."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        return super().change_view(request, object_id, *args, **kwargs)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """What was changed in this admin; read like the row."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never, for nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never, for nobody."""
        return False


class ReadOnlyInline(Tabular):
    """Rows shown inside the page of their owner."""

    extra = 0
    max_num = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never, for nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never, for nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never, for nobody."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Readable to whoever may read the owner."""
        return site.has_permission(request)


class PrivateSearch(ReadOnly):
    """Patient data. What is searched for is posted and kept in the session; the address has only a token for it.

    Names and record numbers in an address would stay in the history of the browser and in the logs of proxies.
    """

    private_search = True

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list; a search that was typed is put away first. Nothing else is taken by POST."""
        if request.method == "POST":
            if "q" not in request.POST:
                raise PermissionDenied
            return self._put_away(request, request.POST["q"])
        asked = request.GET.get("q", "")
        if asked and asked not in request.session.get(SEARCHES, {}):
            return self._put_away(request, asked)
        return super().changelist_view(request, extra_context)

    def _put_away(self, request: HttpRequest, words: str) -> HttpResponse:
        words = words.replace("\0", "").strip()[:LONGEST_SEARCH]
        address = request.GET.copy()
        for name in ("q", "p", "e"):
            address.pop(name, None)
        if words:
            address["q"] = secrets.token_urlsafe(9)
            kept = {**request.session.get(SEARCHES, {}), address["q"]: words}
            request.session[SEARCHES] = dict(list(kept.items())[-KEPT_SEARCHES:])
        return HttpResponseRedirect(f"{request.path}?{address.urlencode()}")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, with the words in its search box and the token in its links."""
        found: Any = super().get_changelist_instance(request)
        found.query = self._words(request, found.query)
        if self.date_hierarchy:
            found.calendar = calendar(found, self.model, str(self.date_hierarchy))
            found.calendar_field = label_for_field(str(self.date_hierarchy), self.model)
        return found

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """What the words that stand behind the token find."""
        return super().get_search_results(request, queryset, self._words(request, search_term))

    @staticmethod
    def _words(request: HttpRequest, token: str) -> str:
        return str(request.session.get(SEARCHES, {}).get(token, ""))


def calendar(changes: Any, model: Any, field: str) -> dict[str, Any]:
    """Years, months or days to go to. Django's own asks which of them have rows, which takes seconds for a million."""
    year, month, day = (changes.params.get(f"{field}__{part}") for part in ("year", "month", "day"))
    parts = [f"{field}__year", f"{field}__month", f"{field}__day"]

    def to(*numbers: Any) -> str:
        return str(changes.get_query_string(dict(zip(parts, numbers, strict=False)), [f"{field}__"]))

    if not year:
        ends = model.objects.aggregate(first=Min(field), last=Max(field))
        if ends["first"] is None:
            return {}
        years = range(ends["first"].year, ends["last"].year + 1)
        return {"choices": [{"title": str(y), "link": to(y)} for y in years]}
    if not month:
        names = [
            {"title": date_format(date(int(year), m, 1), "F"), "link": to(year, m)} for m in range(1, 13)
        ]
        return {"back": {"title": _("All dates"), "link": to()}, "choices": names}
    first = date(int(year), int(month), 1)
    if not day:
        days = [
            {"title": str(d), "link": to(year, month, d)}
            for d in range(1, monthrange(first.year, first.month)[1] + 1)
        ]
        return {"back": {"title": year, "link": to(year)}, "choices": days}
    title = date_format(first.replace(day=int(day)), "j F")
    return {
        "back": {"title": date_format(first, "F Y"), "link": to(year, month)},
        "choices": [{"title": title}],
    }


def pretty(value: Any) -> SafeString:
    """JSON as somebody reads it."""
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
    return format_html("<pre>{}</pre>", text)


def to_the_second(moment: datetime) -> str:
    """A time of the record, in the zone of the site."""
    return localtime(moment).strftime("%Y-%m-%d %H:%M:%S")


def hexadecimal(value: Any) -> str:
    """A hash as somebody compares it."""
    return bytes(value).hex() if value else ""
