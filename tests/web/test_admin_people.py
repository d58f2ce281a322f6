"""The admin: people, who keeps whom, passwords, the rooms of a unit and products."""

import re

import pytest
from django.contrib.admin.models import LogEntry

from procedures.models import (
    CaseTeam,
    Membership,
    Product,
    Unit,
    User,
)
from tests.web.administration import body, chief, client, elsewhere, manager, page
from tests.world import World

pytestmark = pytest.mark.django_db


def person_form(unit: Unit, **changes: str) -> dict[str, str]:
    """The form of a new person with one membership."""
    return {
        "username": "new", "display_name": "Nell New", "initials": "NN", "profession": "Nurse",
        "registration_number": "R1", "usable_password": "true", "password1": "a-long-enough-phrase",
        "password2": "a-long-enough-phrase", "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0",
        "memberships-0-unit": str(unit.pk), "memberships-0-role": "ward_nurse", "_save": "1", **changes,
    }  # fmt: skip


def test_a_person_is_made_with_a_membership_and_can_sign_in(world: World) -> None:
    browser = manager(world)
    answer = browser.post("/admin/procedures/user/add/", person_form(world.unit))
    assert answer.status_code == 302, re.findall(r"errorlist.*?</ul>", answer.content.decode())
    made = User.objects.get(username="new")
    assert (made.display_name, made.memberships.get().role, made.is_staff) == (
        "Nell New",
        "ward_nurse",
        False,
    )
    assert made.check_password("a-long-enough-phrase")
    assert LogEntry.objects.filter(user=world.admin, object_id=made.pk).exists()
    text = body(browser.get(page(User, made.pk)))
    assert made.password not in text
    assert 'type="password"' not in text


def test_a_person_who_leaves_is_deactivated(world: World) -> None:
    browser, leaving = manager(world), client(world.scrub)
    assert leaving.get("/").status_code == 200
    membership = world.scrub.memberships.get()
    form = {
        "username": "scrub", "display_name": "Sven S.", "initials": "SS", "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1", "memberships-0-id": str(membership.pk),
        "memberships-0-user": str(world.scrub.pk),
        "memberships-0-unit": str(world.unit.pk), "memberships-0-role": membership.role, "_save": "1",
    }  # fmt: skip
    assert browser.post(page(User, world.scrub.pk), form).status_code == 302
    assert leaving.get("/").status_code == 302
    world.scrub.refresh_from_db()
    assert (world.scrub.is_active, world.scrub.display_name) == (False, "Sven S.")


def test_nobody_makes_a_superuser_or_locks_themselves_out(world: World) -> None:
    browser = manager(world)
    membership = world.admin.memberships.get()
    form = {
        "username": "admin", "display_name": "Adam Admin", "initials": "AA", "is_superuser": "1",
        "memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "1", "memberships-0-id": str(membership.pk),
        "memberships-0-user": str(world.admin.pk), "memberships-0-unit": str(world.unit.pk),
        "memberships-0-role": membership.role, "_save": "1",
    }  # fmt: skip
    assert browser.post(page(User, world.admin.pk), form).status_code == 302
    world.admin.refresh_from_db()
    assert (world.admin.is_superuser, world.admin.is_staff, world.admin.is_active) == (False, True, True)


def test_an_administrator_keeps_only_their_own_units(world: World) -> None:
    browser = manager(world)
    answer = browser.post("/admin/procedures/user/add/", person_form(world.other_unit))
    assert answer.status_code == 200, "not a choice"
    assert not User.objects.filter(username="new").exists()
    assert browser.post(page(Unit, world.other_unit.pk), {"name": "Mine now"}).status_code == 403
    assert browser.get("/admin/procedures/unit/add/").status_code == 403
    assert chief(world).get("/admin/procedures/unit/add/").status_code == 200


@pytest.mark.parametrize("who", ["stranger", "chief", "in_team"])
def test_nobody_takes_over_an_account_that_sees_more(world: World, who: str) -> None:
    browser = manager(world)
    match who:
        case "stranger":
            target = world.stranger
        case "chief":
            target = User.objects.create_superuser("chief", display_name="Chief", initials="CF")
        case _:
            target = world.nurse
            case_id = world.open("L1")
            browser = elsewhere(world)
            assert CaseTeam.objects.filter(user=target, case=case_id).exists()
            Membership.objects.filter(user=target).delete()
    password = page(User, target.pk, "change").replace("/change/", "/password/")
    new = {"password1": "another-long-phrase", "password2": "another-long-phrase", "usable_password": "true"}
    assert browser.post(password, new).status_code == 403
    assert browser.post(page(User, target.pk), {"username": "mine"}).status_code == 403
    assert browser.get(page(User, target.pk)).status_code == 200, "may be looked at"


def test_a_password_is_set_without_being_shown(world: World) -> None:
    browser = manager(world)
    address = page(User, world.scrub.pk).replace("/change/", "/password/")
    new = {
        "password1": "another-long-phrase", "password2": "another-long-phrase", "usable_password": "true",
        "set-password": "1",
    }  # fmt: skip
    assert browser.post(address, new).status_code == 302
    world.scrub.refresh_from_db()
    assert world.scrub.check_password("another-long-phrase")


def test_the_rooms_of_a_unit_and_a_product_are_kept(world: World) -> None:
    browser = manager(world)
    form = {
        "name": "Interventional suite", "rooms": "Room A,Room B", "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0", "_save": "1",
    }  # fmt: skip
    assert browser.post(page(Unit, world.unit.pk), form).status_code == 302
    world.unit.refresh_from_db()
    assert world.unit.rooms == ["Room A", "Room B"]
    made = {
        "kind": "cement", "name": "New", "manufacturer": "Maker", "active": "on", "_save": "1",
        "warm_bands-TOTAL_FORMS": "1", "warm_bands-INITIAL_FORMS": "0", "warm_bands-0-above": "23",
        "warm_bands-0-working_from": "3.5", "warm_bands-0-working_until": "8",
    }  # fmt: skip
    assert browser.post("/admin/procedures/product/add/", made).status_code == 302
    assert browser.post("/admin/procedures/product/add/", made).status_code == 200, "there already"
    for band in ({"working_from": "5"}, {"working_until": "5"}, {"working_from": "5", "working_until": "5"}):
        half = {**made, "name": "Half", **band}
        assert browser.post("/admin/procedures/product/add/", half).status_code == 200, band
    wrong = browser.post(
        "/admin/procedures/product/add/", {**made, "name": "Half", "warm_bands-0-working_until": "3.5"}
    )
    assert "Must be later than the beginning." in wrong.content.decode()
    assert Product.objects.filter(manufacturer="Maker", name__in=["New", "Half"]).count() == 1
    assert [str(band.above) for band in Product.objects.get(name="New").warm_bands.all()] == ["23.0"]
