"""What the tables of this admin have in common: nothing is deleted, lists stay fast, and searches stay private."""

import json
import secrets
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.paginator import Paginator
from django.db import DataError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

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
        found = super().get_changelist_instance(request)
        found.query = self._words(request, found.query)
        return found

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """What the words that stand behind the token find."""
        return super().get_search_results(request, queryset, self._words(request, search_term))

    @staticmethod
    def _words(request: HttpRequest, token: str) -> str:
        return str(request.session.get(SEARCHES, {}).get(token, ""))


def pretty(value: Any) -> SafeString:
    """JSON as somebody reads it."""
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
    return format_html("<pre>{}</pre>", text)


def hexadecimal(value: Any) -> str:
    """A hash as somebody compares it."""
    return bytes(value).hex() if value else ""
