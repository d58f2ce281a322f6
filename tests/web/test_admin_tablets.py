"""Tablets in the Django admin: a code that is shown once, revoking, and whose tablets they are."""

import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from procedures.admin.tablets import drawing
from procedures.models import AccountEvent, Tablet, User
from tests.web.visitor import Visitor
from tests.world import World, tablet_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(world: World) -> Client:
    User.objects.filter(pk=world.admin.pk).update(is_staff=True)
    browser = Client()
    browser.force_login(User.objects.get(pk=world.admin.pk))
    return browser


def test_a_tablet_is_named_gets_its_code_once_and_is_revoked(world: World, admin: Client) -> None:
    admin.post("/admin/procedures/tablet/add/", {"unit": world.unit.pk, "name": "Room 4"})
    tablet = Tablet.objects.get()
    shown = admin.post(reverse("admin:procedures_tablet_code", args=[tablet.pk]))
    html = shown.content.decode()
    code = re.findall(r"<h2>([0-9A-Z]{5}-[0-9A-Z]{5})</h2>", html)[0]
    assert "<svg" in html
    assert 'style="' not in html
    page = admin.get(reverse("admin:procedures_tablet_change", args=[tablet.pk])).content.decode()
    assert code not in page
    assert Visitor().post("tablet", code=code).status == 302
    admin.post(reverse("admin:procedures_tablet_revoke", args=[tablet.pk]))
    tablet.refresh_from_db()
    assert tablet.revoked_at
    assert admin.post(reverse("admin:procedures_tablet_code", args=[tablet.pk])).status_code == 403
    listed = admin.get("/admin/procedures/accountevent/").content.decode()
    for words in ("code for a tablet made", "tablet enrolled", "tablet revoked"):
        assert words in listed


def test_only_tablets_of_ones_own_units(world: World, admin: Client) -> None:
    other = tablet_of(world.other_unit)
    for name in ("code", "revoke"):
        assert admin.post(reverse(f"admin:procedures_tablet_{name}", args=[other.pk])).status_code == 403
        assert admin.get(reverse(f"admin:procedures_tablet_{name}", args=[other.pk])).status_code == 405
    wrong = admin.post("/admin/procedures/tablet/add/", {"unit": world.other_unit.pk, "name": "Theirs"})
    assert wrong.status_code == 200
    assert "Select a valid choice" in wrong.content.decode()
    assert Tablet.objects.get().revoked_at is None
    assert not AccountEvent.objects.exists()


def test_the_drawing_is_a_square_of_dark_and_light() -> None:
    width, path = drawing("https://kypho.example/tablet/#ABCDE-FGHJK")
    assert width > 29
    assert path.startswith("M4,4h1v1h-1z")  # the corner mark, after a quiet margin of four


def test_the_command_says_the_code_and_what_units_there_are(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        call_command("enrol_tablet", unit=world.unit.name, name="Room 4")
    code = re.findall(r"[0-9A-Z]{5}-[0-9A-Z]{5}", capsys.readouterr().out)[-1]
    assert Tablet.objects.count() == 1
    assert Visitor().post("tablet", code=code).status == 302
    with pytest.raises(CommandError, match="there are: Interventional suite"):
        call_command("enrol_tablet", unit="Nowhere", name="Room 4")
