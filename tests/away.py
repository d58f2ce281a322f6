"""A case with all that can be taken away: two vertebrae, both sides, corrections, an addendum, other scripts."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from procedures import clock, commands, projection
from procedures.models import Case, Product, User
from procedures.progress import Progress
from procedures.protocols import frozen
from procedures.screens.view import View
from procedures.values import stamp
from tests.world import CEMENT, World, everything, tablet_of

MORNING = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
FAMILY, GIVEN, MRN = "الحسن", "محمد علي", "KX00417"
NOTE = "Слова пациента: «спасибо» 日本語 한국어 😀"
FORMULA = '=HYPERLINK("http://example.org","x")'
SURGEON = "Dr Ελένη Παπά"
VOLUMES = {"T12-left": "2.5", "T12-right": "2.10", "L1-left": "3", "L1-right": "3.25"}
CEMENT_IN_ALL = "10.9"  # as it stands in the column of the case: to the tenth


@dataclass
class Course:
    """A case that goes on a minute at a time."""

    world: World
    id: UUID
    now: datetime = MORNING

    def act(self, what: Any, minutes: int = 1) -> Any:
        """Do something, a little later."""
        self.now += timedelta(minutes=minutes)
        with clock.at(self.now):
            return what()

    def progress(self) -> Progress:
        """The case as it stands."""
        case = Case.objects.get(pk=self.id)
        return Progress(frozen.protocol(case.protocol_id), projection.load(case))

    def do(self, key: str, by: str = "nurse", **rest: Any) -> int:
        """Record a step with a value in each field; the seq of its entry."""
        place = self.progress().place(key)
        assert place, key
        sure = frozenset({"again", "total_volume", *(f.key for f in place.definition.fields)})

        def record() -> int:
            values = {**everything(self.id, place.definition), **rest.pop("values", {})}
            command = self.world.command(self.id, by)
            return commands.record_done(command, key, values=values, confirmed=sure, **rest).last

        return int(self.act(record))

    def until(self, stop: str) -> None:
        """Do what comes next until a step with that code comes up; at a new needle both sides."""
        for _ in range(200):
            place = self.progress().next_place()
            if place is None or place.key.code == stop:
                return
            self.do(str(place.key), **({"side": "both"} if place.needs_side else {}))
        raise AssertionError(f"never came to {stop}")

    def send(self, verb: Any, *args: Any, by: str = "nurse", **rest: Any) -> Any:
        """Any other command."""
        return self.act(lambda: verb(self.world.command(self.id, by), *args, **rest))

    def view(self, by: str = "operator") -> View:
        """The case as somebody sees it."""
        with clock.at(self.now + timedelta(minutes=1)):
            return View.load(self.world.people[by], self.id)


def whole(world: World, **details: Any) -> Course:
    """The case, completed and signed, with an addendum on the next day."""
    User.objects.filter(pk=world.operator.pk).update(display_name=SURGEON, profession="Neurosurgeon")
    given = {
        "mrn": MRN,
        "family_name": FAMILY,
        "given_name": GIVEN,
        "birth_date": date(1952, 3, 12),
        **details,
    }
    with clock.at(MORNING):
        course = Course(world, world.open("T12", "L1", **given))
    course.send(commands.start)
    tablet_of(world.unit)
    course.until("K08b")
    for level in ("T12", "L1"):
        if level != "T12":
            course.do(f"K07-{level}")
            course.do(f"K08a-{level}")
        course.do(f"K08b-{level}", side="both")
    for access in VOLUMES:
        course.do(f"K09a-{access}")
        course.do(f"K09b-{access}")
    slip = course.do("K09a-L1-left")
    course.send(commands.void, "K09a-L1-left", about=slip, reason="counted on the wrong side")
    batch = course.do("K09c", "scrub", values={"cement": cement("KX-20931")})
    seq = 0
    for access, volume in VOLUMES.items():
        seq = course.do(
            f"K09d-{access}",
            values={
                "batch": {"seq": batch, "key": "K09c"},
                "volume": {"amount": "9" if access == "L1-right" else volume, "unit": "mL"},
                "leak": ["disc"] if access == "T12-left" else ["none"],
                "started_at": stamp(course.now - timedelta(minutes=1)),
            },
        )
    course.send(
        commands.correct,
        "K09d-L1-right",
        about=seq,
        reason="read 3.25",
        performer=world.nurse.pk,
        values={"volume": {"amount": "3.25", "unit": "mL"}},
        confirmed=frozenset({"volume", "total_volume"}),
    )
    course.do("EV-NOTE", values={"text": NOTE})
    course.do("EV-NOTE", values={"text": FORMULA})
    course.do("EV-COMPLICATION", values={"type": "leak", "level": "T12", "side": "left"})
    course.until("the end")
    course.send(commands.complete)
    course.act(
        lambda: world.sign(course.id, note={"procedure": "Balloon kyphoplasty T12 and L1", "findings": NOTE})
    )
    course.act(
        lambda: commands.add_addendum(
            world.command(course.id, "operator"),
            reason="CT on the next day",
            text="Disc leak, no symptoms",
            key="K09d-L1-left",
            about=course.progress().state.steps["K09d-L1-left"].live[-1].seq,
            values={"leak": ["disc"]},
        ),
        minutes=24 * 60,
    )
    return course


def cement(lot: str) -> dict[str, Any]:
    """A batch of the catalogue's cement, scanned."""
    product = Product.objects.get(kind="cement")
    return {
        "id": product.pk, "name": str(product), "lot": lot, "expires": "2027-03-31", "how": "scanned", "gtin": CEMENT,
        "serial": "S77",
    }  # fmt: skip
