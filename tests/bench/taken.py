"""What is taken away: a CSV of very many cases beside ticks, and the PDF of a record."""

import http.client
import threading
import time
from itertools import count
from urllib.parse import urlencode
from uuid import UUID, uuid4

import psutil

from procedures import clock, commands
from procedures.commands import Command, PatientDetails, Plan
from procedures.definitions import Role
from procedures.models import Case, Membership, User
from tests import world as worlds
from tests.bench.actors import Browser
from tests.bench.report import Row, at_least, at_most, median
from tests.server import Server

TICKS = 40
WARM = 0.1  # of a file: what its first pages bring in stays


class Ticks:
    """Notes of a nurse in a case that runs."""

    def __init__(self, url: str) -> None:
        nurse = User.objects.get(username="nurse")
        self.case = _running(nurse)
        self.browser = Browser(url, nurse)
        self.seen = Case.objects.get(pk=self.case).last_seq
        self.numbers = count()

    def tick(self) -> float:
        """Seconds of one."""
        data = [
            ("v_text", f"steady {next(self.numbers)}"),
            ("command_id", uuid4()),
            ("seen", self.seen),
            ("was", "EV-NOTE"),
        ]
        path = f"/cases/{self.case}/steps/EV-NOTE/done/"
        started = time.perf_counter()
        status, body = self.browser.post(path, data, **{"HX-Request": "true"})
        took = time.perf_counter() - started
        if status != 200:
            raise AssertionError(f"the note answered {status}: {body[:300]!r}")
        self.seen += 1
        return took


def _running(nurse: User) -> UUID:
    unit = Membership.objects.get(user=nurse).unit
    operator = Membership.objects.filter(unit=unit, role=Role.OPERATOR).values_list("user", flat=True)[0]
    case, now = uuid4(), clock.now()
    patient = PatientDetails(
        mrn=f"bench-{case.hex[:12]}", family_name="Bench", given_name="Ticks", birth_date=now.date(), sex="F"
    )
    plan = Plan(
        room=unit.rooms[0],
        scheduled_at=now,
        indication="osteoporosis",
        anaesthesia="sedation",
        levels=["L1"],
        team={operator: Role.OPERATOR},
    )
    commands.open_case(
        Command(case_id=case, by=nurse, command_id=case), unit=unit, patient=patient, plan=plan
    )
    commands.start(Command(case_id=case, by=nurse, command_id=uuid4()))
    return case


class Csv(threading.Thread):
    """One reader of a CSV of the cases of an address of the log."""

    def __init__(self, browser: Browser, query: str) -> None:
        super().__init__()
        asked = [("kind", "csv"), ("rows", "case"), ("query", query)]
        browser.connection.request("POST", "/log/export/", urlencode(asked), browser.headers)
        response = browser.connection.getresponse()
        response.read()
        if response.status != 302:
            raise AssertionError(f"the export answered {response.status}")
        self.path = f"{response.headers['Location']}file/"
        self.browser, self.lines, self.seconds = browser, 0, 0.0

    def run(self) -> None:
        """Read it to its end."""
        started = time.perf_counter()
        whole = http.client.HTTPConnection(
            self.browser.connection.host, self.browser.connection.port, timeout=600
        )
        whole.request("GET", self.path, headers=self.browser.headers)
        response = whole.getresponse()
        while part := response.read1(1 << 16):
            self.lines += part.count(b"\n")
        self.seconds = time.perf_counter() - started


def csv(server: Server, operator: Browser, ticks: Ticks, query: str, cases: int) -> list[Row]:
    """The file of so many cases, and the ticks and the memory of the server meanwhile."""
    before = [ticks.tick() for _ in range(TICKS)]
    reader = Csv(operator, query)
    reader.start()
    during, memory = [], [(0, _memory(server))]
    while reader.is_alive():
        during.append(ticks.tick())
        memory.append((reader.lines, _memory(server)))
        time.sleep(0.1)
    after = [ticks.tick() for _ in range(TICKS)]
    alone = median([*before, *after])
    begun = [held for lines, held in memory if lines <= WARM * cases]
    return [
        at_least(f"a CSV of {cases:,} cases: its lines", reader.lines, "", cases),
        Row(f"a CSV of {cases:,} cases", reader.seconds, "s"),
        Row("ticks alone, p50", alone * 1000, "ms"),
        Row("ticks beside it, p50", median(during) * 1000, "ms"),
        at_most(
            "memory that the server takes on after the first tenth",
            max(m for _l, m in memory) - max(begun),
            "MiB",
            20,
        ),
        at_most("ticks beside it / alone, p50", median(during) / alone, "×", 2),
    ]


def _memory(server: Server) -> float:
    assert server.process
    top = psutil.Process(server.process.pid)
    return sum(p.memory_full_info().pss for p in (top, *top.children(recursive=True))) / 2**20


def pdf(world: worlds.World, url: str) -> Row:
    """The PDF of a whole record."""
    case = world.started("T12", "L1", mrn="pdf")
    world.do_until(case, "nothing")
    browser = Browser(url, world.operator)
    return at_most("PDF of a record", median([_pdf(browser, case) for _ in range(5)]), "s", 1)


def _pdf(browser: Browser, case: UUID) -> float:
    started = time.perf_counter()
    status, body = browser.get(f"/cases/{case}/export/pdf/")
    if status != 200 or not body.startswith(b"%PDF"):
        raise AssertionError(f"the PDF answered {status}")
    return time.perf_counter() - started
