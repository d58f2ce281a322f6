"""The one Django app of Kypho."""

from django.apps import AppConfig


class ProceduresConfig(AppConfig):
    """Cases, their steps, the people who record them."""

    name = "procedures"
    verbose_name = "Procedures"
    default_auto_field = "django.db.models.BigAutoField"
