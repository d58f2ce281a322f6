"""The top of the map: health, sign-in, the Django admin, and the product's own pages."""

from typing import NoReturn

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest
from django.urls import include, path, re_path

from procedures.admin import site
from procedures.views import health


@login_not_required
def absent(request: HttpRequest) -> NoReturn:
    """Pages of allauth that this hospital system does not have: signing up, and whatever sends e-mail."""
    raise Http404


urlpatterns = [
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    re_path(r"^accounts/(?:signup|email|confirm-email|password/reset|login/code)/", absent, name="absent"),
    path("accounts/", include("allauth.urls")),
    path("admin/", site.urls),
    path("", include("procedures.urls")),
]

handler400 = "kypho.errors.bad_request"
handler500 = "kypho.errors.server_error"
