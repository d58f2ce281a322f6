"""The top of the map: health, sign-in, the Django admin, and the product's own pages."""

from django.contrib import admin
from django.urls import include, path

from procedures.views import health

urlpatterns = [
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("", include("procedures.urls")),
]
