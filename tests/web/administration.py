"""The admin as its tests see it: who comes, with what address, and what is shown."""

import re
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse

from procedures.definitions import Role
from procedures.models import (
    Membership,
    User,
)
from tests.world import World


def client(user: User) -> Client:
    """A browser in which the user is signed in."""
    found = Client()
    found.force_login(user)
    return found


def manager(world: World) -> Client:
    """The administrator of the first unit, who is no superuser."""
    User.objects.filter(pk=world.admin.pk).update(is_staff=True)
    return client(User.objects.get(pk=world.admin.pk))


def chief(world: World) -> Client:
    """A superuser without any membership: the first account of a hospital."""
    return client(User.objects.create_superuser("chief", display_name="Chief", initials="CF"))


def elsewhere(world: World) -> Client:
    """The administrator of another unit."""
    user = User.objects.create_user("far", display_name="Fay Far", initials="FF", is_staff=True)
    Membership.objects.create(user=user, unit=world.other_unit, role=Role.ADMINISTRATOR)
    return client(user)


def listed(model: type[Any]) -> str:
    """The address of a list."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def page(model: type[Any], pk: Any, kind: str = "change") -> str:
    """The address of a row's page."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}", args=[pk])


def body(response: HttpResponseBase) -> str:
    """What is shown, after a redirect was followed."""
    assert isinstance(response, HttpResponse)
    assert response.status_code == 200
    return response.content.decode()


def rows(response: HttpResponseBase) -> int:
    """How many rows a list shows."""
    return len(re.findall(r'<th class="field-', body(response)))
