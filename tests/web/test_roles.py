"""Every URL of the whole resolver, asked by everybody, against tests/web/roles.toml. A URL without a row fails."""

import tomllib
from collections.abc import Iterator
from copy import deepcopy
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from django.db import transaction
from django.urls import URLResolver, get_resolver, reverse

from procedures import access, rules
from procedures.definitions import Role
from procedures.models import User
from tests.web.stage import Stage
from tests.web.visitor import Visitor
from tests.world import PASSWORD, World

pytestmark = pytest.mark.django_db

type Named = tuple[str, frozenset[str]]

TABLE = tomllib.loads((Path(__file__).parent / "roles.toml").read_text())
WHO = TABLE.pop("columns").split()
# Patterns that cannot be reversed, or whose arguments are not plain numbers.
ADDRESSES = {
    "absent": "/accounts/signup/",
    "account_confirm_email": "/accounts/confirm-email/abc/",
    "account_reset_password_from_key": "/accounts/password/reset/key/1-a-b/",
    "admin:app_list": "/admin/procedures/",
    "account_signup": "/accounts/signup/",
    "admin:-": "/admin/nothing/here/",
}


def named(resolver: URLResolver, space: str = "", given: frozenset[str] = frozenset()) -> Iterator[Named]:
    """Every URL of the resolver with its name (`-` stands for one without) and the arguments that it takes."""
    for pattern in resolver.url_patterns:
        arguments = given | pattern.pattern.regex.groupindex.keys()
        if isinstance(pattern, URLResolver):
            yield from named(
                pattern, f"{space}{pattern.namespace}:" if pattern.namespace else space, arguments
            )
        else:
            yield f"{space}{pattern.name or '-'}", arguments


URLS = dict(reversed(list(named(get_resolver()))))


def row(name: str) -> dict[str, str]:
    """The row of a URL: its own, else the first pattern that fits."""
    found = TABLE.get(name) or next((TABLE[p] for p in TABLE if fnmatchcase(name, p)), None)
    assert found, f"no row in roles.toml for {name}"
    return dict(found)


def address(name: str, stage: Stage | None) -> str:
    if stage and name in stage.requests:
        return reverse(name, args=stage.requests[name].args)
    if name in ADDRESSES:
        return ADDRESSES[name]
    nobodys = 0 if name.startswith("admin:") else 1  # no row has this number
    return reverse(name, kwargs=dict.fromkeys(URLS[name], nobodys))


@pytest.fixture
def visitors(world: World) -> dict[str, Visitor]:
    """Everybody of the table's columns."""
    chief = User.objects.create_superuser("chief", display_name="Chief", initials="C", password="x")
    users = {**world.people, "administrator": world.admin, "stranger": world.stranger, "superuser": chief}
    for user in users.values():
        user.set_password(PASSWORD)
        user.save()
    return {who: Visitor(users.get(who)) for who in WHO}


def deviations(names: list[str], visitors: dict[str, Visitor], stage: Stage | None) -> list[str]:
    """Ask each URL with GET and POST as everybody, each time on untouched rows."""
    found = []
    for name in names:
        path, expected = address(name, stage), row(name)
        for method in ("GET", "POST"):
            data = stage.data(name) if stage and method == "POST" and name in stage.requests else {}
            seen = " ".join(ask(visitor, method, path, data) for visitor in visitors.values())
            if seen != " ".join(expected[method].split()):
                found.append(f'{name} {method} gave "{seen}", the table says "{expected[method]}"')
    return found


def ask(visitor: Visitor, method: str, path: str, data: dict[str, str]) -> str:
    access.forget()
    cookies = deepcopy(visitor.client.cookies)
    before = transaction.savepoint_create()
    try:
        return str(visitor.ask(method, path, data).status)
    finally:
        transaction.savepoint_rollback(before)
        visitor.client.cookies = cookies


OURS = [
    name for name in URLS if ":" not in name and not name.startswith(("account_", "mfa_", "socialaccount_"))
]


def test_every_page_of_ours(world: World, visitors: dict[str, Visitor]) -> None:
    stage = Stage(world)
    assert set(stage.requests) == set(OURS) - {"readyz", "metrics", "absent"}
    assert deviations(OURS, visitors, stage) == []


def test_every_page_of_the_sign_in(visitors: dict[str, Visitor]) -> None:
    names = [n for n in URLS if ":" not in n and n not in OURS]
    assert deviations(names, visitors, None) == []


def test_every_page_of_the_admin(visitors: dict[str, Visitor]) -> None:
    assert deviations([n for n in URLS if ":" in n], visitors, None) == []


def test_no_row_without_a_url() -> None:
    unused = [key for key in TABLE if not any(fnmatchcase(name, key) for name in URLS)]
    assert unused == []


def test_the_table_for_people_says_what_the_rules_say() -> None:
    text = (Path(__file__).parents[2] / "docs" / "roles.md").read_text()
    lines = [line.strip("| ").split("|") for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line] for line in lines if "---" not in line[0]]
    acts, *roles = ([*line, *[""] * 9][:9] for line in cells)
    written = {act: {role for role, *may in roles if may[at] == "yes"} for at, act in enumerate(acts[1:])}
    assert written == {
        act.value: {role.value.replace("_", " ") for role in allowed} for act, allowed in rules.MAY.items()
    }
    assert {role for role, *_ in roles} == {role.value.replace("_", " ") for role in Role}
