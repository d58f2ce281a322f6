"""The case log and what is taken from it, at very many cases against three hundred, interleaved.

Both databases lie on one server of their own, `var/bench-many`, which is kept from run to run: filling takes longer
than measuring. `BENCH_CASES` says how many cases are very many (20,000). A hundred thousand take 5.6 GB; a million of
which every twentieth has its log (`BENCH_LOGS_OF_EVERY=20`) took 338 s and 5.8 GB on two cores.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import psycopg
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from kypho import database
from procedures import caselog, directory
from procedures.caselog import pages
from procedures.models import Case, User
from procedures.protocols import frozen
from tests.bench import report, taken
from tests.bench.actors import Browser
from tests.bench.report import Row, at_most, median, spread
from tests.server import Server, environment

MANY, FEW, FEW_CASES = "kypho", "few", 300
CASES = int(os.environ.get("BENCH_CASES") or 20_000)
FILE = 100_000  # cases in the CSV
LOGS_OF_EVERY = int(os.environ.get("BENCH_LOGS_OF_EVERY") or 1)
DEEP = 1000  # the page, or the last one where there are fewer
ROUNDS, EACH = 5, 6
MADE_BY_RUNS = 500  # one more case with each run, for its ticks
WHO, WHO_OF_ONE = "chen", "chen2"  # members of every unit, and of one of a hundred
LOT = "kx-20931"
# What is asked for, as it stands in the address. A word stands there sealed.
FILTERS = {
    "all": "",
    "mine": "operator=me",
    "a level": "level=L1",
    "some years": "since=2020-01-01&until=2025-06-30",
    "cancelled": "status=cancelled",
    "late entries": "flag=late",
    "an indication": "indication=myeloma",
    "with complications": "complication=any",
    "leaks": "leak=yes",
    "a lot": "lot={lot}",
    "approach, two levels": "approach=extrapedicular&level=T7&level=T8",
    "by skin to skin": "sort=-skin",
    "by patient": "sort=patient",
    "mine by cement": "operator=me&sort=-cement",
    "a name": "find=Venkatanarasimharajuvaripeta",
    "a lot as a word": "find={lot}",
    "lots that begin alike": "find=kx-20410",
    "signed and unsigned": "flag=signed&flag=unsigned",
    "a lot that leaked": "lot={lot}&leak=yes",
    "a room that is none": "room=Nowhere",
}
# The same for somebody of one unit of a hundred, as most are.
OF_ONE_UNIT = {
    "one unit": "",
    "one unit, late entries": "flag=late",
    "one unit, leaks": "leak=yes",
    "one unit, a name": "find=Venkatanarasimharajuvaripeta",
    "one unit, signed and unsigned": "flag=signed&flag=unsigned",
    "one unit, late entries by patient": "flag=late&sort=patient",
    "one unit, by cement": "sort=-cement",
}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: its browser, and what its pages are asked for."""

    name: str
    browser: Browser
    first: dict[str, str]
    deep: dict[str, str]
    numbers: dict[str, int]  # of the deep pages


def rows(root: Path, static: str, *, quick: bool) -> list[Row]:
    """Everything about very many cases."""
    folder = root / "var" / "bench-many"
    database.start(folder)
    try:
        for name, cases in ((FEW, FEW_CASES), (MANY, CASES)):
            _filled(folder, name, cases)
        with _server(folder, MANY, static) as many, _server(folder, FEW, static) as few:
            sides = [_side(folder, MANY, many.url), _side(folder, FEW, few.url)]
            found = _pages(sides[0], sides[1], 2 if quick else ROUNDS)
            of_one = _side(folder, MANY, many.url, WHO_OF_ONE, OF_ONE_UNIT)
            found += _pages(of_one, _side(folder, FEW, few.url, WHO, OF_ONE_UNIT), 2 if quick else ROUNDS)
            found.append(_statistics(sides[0]))
            with pointed_at(folder, MANY):
                ticks = taken.Ticks(many.url)
                file = _newest(User.objects.get(username=WHO))
            found += taken.csv(many, sides[0].browser, ticks, *file)
        with pointed_at(folder, MANY):
            found.append(_queries(sides[0]))
        return found
    finally:
        database.stop(folder)


def _server(folder: Path, name: str, static: str) -> Server:
    return Server(database.url("kypho_app", folder, name), static, workers=2, LOG_LEVEL="error")


# Filling ------------------------------------------------------------------------------------------------------------


def _filled(folder: Path, name: str, cases: int) -> None:
    """Make the database and fill it, unless it has so many cases and the tables of today already."""
    address = database.url("postgres", folder, name)
    own = environment(
        TEST_DATABASE_URL=database.url("kypho_owner", folder, name),
        KYPHO_TEST_FOLDER=str(folder),
        DJANGO_SETTINGS_MODULE="tests.settings",
        LOG_LEVEL="error",
    )
    if _has(address, cases) and _migrated(own):
        return
    with psycopg.connect(database.url("postgres", folder, "postgres"), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name} OWNER kypho_owner")
        # A server that can be made anew need not wait for the disk while it is filled.
        server.execute("ALTER SYSTEM SET max_wal_size = '4GB'")
        server.execute("SELECT pg_reload_conf()")
    fill = [sys.executable, "-m", "tests.bench.filling", str(cases), "--logs-of-every", str(LOGS_OF_EVERY)]
    subprocess.run(fill, env=own, check=True)


def _has(address: str, cases: int) -> bool:
    try:
        with psycopg.connect(address) as raw:
            found = raw.execute("SELECT count(*) FROM procedures_case").fetchone()
    except psycopg.Error:
        return False
    return found is not None and found[0] - cases in range(MADE_BY_RUNS)


def _migrated(own: dict[str, str]) -> bool:
    command = [sys.executable, "-m", "django", "migrate", "--check"]
    return subprocess.run(command, env=own, check=False, capture_output=True).returncode == 0


@contextmanager
def pointed_at(folder: Path, name: str) -> Iterator[None]:
    """Django's connection at another database, as its owner; what this process keeps of the first is forgotten."""
    entry = connection.settings_dict
    kept = {key: entry[key] for key in ("NAME", "HOST")}
    _change(NAME=name, HOST=str(database.socket_folder(folder)))
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")  # the bench counts all that fits; no page does
    try:
        yield
    finally:
        _change(**kept)


def _change(**changes: str) -> None:
    connection.close()
    connection.settings_dict.update(changes)
    directory.forget()
    frozen._cache.clear()


# Measuring ----------------------------------------------------------------------------------------------------------


def _side(
    folder: Path, name: str, url: str, who: str = WHO, filters: Mapping[str, str] = MappingProxyType(FILTERS)
) -> Side:
    with pointed_at(folder, name):
        user = User.objects.get(username=who)
        first, deep, numbers = {}, {}, {}
        lot = _a_lot()
        for label, asked in filters.items():
            query = _sealed(asked.format(lot=lot))
            first[label] = f"/log/?{query.urlencode()}"
            token, numbers[label] = _deep(user, query)
            query["at"] = token
            deep[label] = f"/log/?{query.urlencode()}" if token else first[label]
        return Side(name, Browser(url, user), first, deep, numbers)


def _a_lot() -> str:
    """One of the lots of that name, in the middle of the years."""
    facets = Case.objects.filter(facets__contains=["flag:signed"]).values_list("facets", flat=True)
    lots = {facet for row in facets.order_by("pk")[:2000] for facet in row if facet.startswith(f"lot:{LOT}-")}
    return sorted(lots)[len(lots) // 2].removeprefix("lot:")


def _sealed(asked: str) -> QueryDict:
    query = QueryDict(asked, mutable=True)
    if words := query.get("find"):
        query["find"] = caselog.seal(str(words))
    return query


def _deep(user: User, query: QueryDict) -> tuple[str, int]:
    """The token and the number of the DEEPth page, or of the last one."""
    found = caselog.Found.of(user, caselog.Filters.read(query, user)).cases
    number = min(DEEP, -(-found.count() // pages.SIZE))
    if number < 2:
        return "", 1
    sort = query.get("sort") or pages.NEWEST
    order = pages.order_of(sort)
    before = order.sorted(order.behind(found, None))[(number - 1) * pages.SIZE - 1 :][:1]
    return pages._place(sort, order, before[0], back=False), number


def _newest(user: User) -> tuple[str, int]:
    """An address of the log with the newest cases, FILE of them or a day's more, and how many those are."""
    seen = caselog.Found.of(user, caselog.Filters()).cases
    newest = list(seen.order_by("-scheduled_at").values_list("scheduled_at", flat=True)[FILE - 1 : FILE])
    if not newest:
        return "", seen.count()
    query = f"since={newest[0]:%Y-%m-%d}"
    filters = caselog.Filters.read(QueryDict(query), user)
    return query, caselog.Found.of(user, filters).cases.count()


def _pages(many: Side, few: Side, rounds: int) -> list[Row]:
    """For each filter: its first and its deep page at very many cases, against the first at few."""
    found, slowest = [], {}
    for label in many.first:
        ratios: dict[str, list[float]] = {"first": [], "deep": []}
        absolute = []
        for number in range(rounds + 1):
            took: dict[str, list[float]] = {"few": [], "first": [], "deep": []}
            for _ in range(EACH):
                took["few"].append(_timed(few.browser, few.first[label]))
                took["first"].append(_timed(many.browser, many.first[label]))
                took["deep"].append(_timed(many.browser, many.deep[label]))
            if number:  # the first round warms up
                base = median(took["few"])
                for name, all_of_it in ratios.items():
                    all_of_it.append(median(took[name]) / base)
                absolute.append(median(took["first"]) * 1000)
        deep = f"page {many.numbers[label]:,}"
        for name, page in (("first", "first page"), ("deep", deep)):
            title = f"log, {label}: {page} at {CASES:,} / 300 ({spread(ratios[name])})"
            found.append(at_most(title, median(ratios[name]), "×", 3))
        slowest[label] = median(absolute)
    label = max(slowest, key=lambda name: slowest[name])
    found.append(Row(f"log, {label}: the slowest first page at {CASES:,}", slowest[label], "ms"))
    asked = {"HX-Request": "true", "HX-Target": "figures"}
    figures = {name: _timed(many.browser, path, **asked) * 1000 for name, path in many.first.items()}
    label = max(figures, key=lambda name: figures[name])
    return [
        *found,
        Row(f"log, {label}: the slowest figures, which come after the page", figures[label], "ms"),
    ]


def _timed(browser: Browser, path: str, **headers: str) -> float:
    started = time.perf_counter()
    status, body = browser.get(path, **headers)
    took = time.perf_counter() - started
    if status != 200:
        raise AssertionError(f"{path} answered {status}: {body[:300]!r}")
    return took


def _statistics(many: Side) -> Row:
    """All plots of one operator's cases."""
    path = "/log/statistics/?operator=me"
    many.browser.connection.close()  # the server has, after a while without a request
    _timed(many.browser, path)
    best = report.median([_timed(many.browser, path) for _ in range(5)])
    return at_most(f"statistics of one operator at {CASES:,} cases", best, "s", 1)


def _queries(many: Side) -> Row:
    """The statements of the worst page, transaction control not counted."""
    client = Client()
    client.force_login(User.objects.get(username=WHO))
    most, of = 0, ""
    words = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    for label in FILTERS:
        for path in (many.first[label], many.deep[label]):
            client.get(path)
            with CaptureQueriesContext(connection) as caught:
                client.get(path)
            number = sum(not query["sql"].startswith(words) for query in caught.captured_queries)
            most, of = max((most, of), (number, label))
    return at_most(f"queries of a page of the case log (most: {of})", most, "", 6)
