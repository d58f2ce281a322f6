"""Cases for the export, lived through by commands: one with all that a record can hold, and one in each other state."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from procedures import clock, commands, projection
from procedures.definitions import Step
from procedures.models import Case, Product, User
from procedures.progress import Progress
from procedures.protocols import frozen
from procedures.scanning import Scan, encode
from procedures.screens.view import View
from procedures.state import LevelStatus, Source, StepStatus
from procedures.values import quantity, stamp
from tests.world import BALLOON, CEMENT, World, everything, tablet_of

MORNING = datetime(2026, 11, 22, 8, 0, 0, 123456, tzinfo=UTC)
PATIENT = {"mrn": "00-42/Ж", "family_name": "Παπαδοπούλου-王", "given_name": "Ζωή 🦴"}
MRN = "KX00417"
SURGEON = "Д-р Ольга Щербакова"
OTHER_UNITS = {
    "pressure": ("12.5", "atm"), "dap": ("1363.9", "cGy.cm2"), "fluoro_time": ("4.5", "min"),
    "air_kerma": ("0.212", "Gy"), "dose": ("50", "ug"), "haemoglobin": ("131", "g/L"),
}  # fmt: skip


class Play:
    """A case that goes on minute by minute."""

    def __init__(self, world: World, *levels: str, **details: Any) -> None:
        self.world, self.now = world, MORNING
        self.id = self.act(lambda: world.open(*levels, **details))

    def act[T](self, what: Callable[[], T], minutes: float = 1) -> T:
        """Do something, a little later."""
        self.now += timedelta(minutes=minutes)
        with clock.at(self.now):
            return what()

    def start(self) -> None:
        """The case begins."""
        self.act(lambda: commands.start(self.world.command(self.id)))

    def progress(self) -> Progress:
        """The case as it stands."""
        case = Case.objects.get(pk=self.id)
        return Progress(frozen.protocol(case.protocol_id), projection.load(case))

    def do(self, key: str, by: str = "nurse", **rest: Any) -> int:
        """Record a step with a value in each field. Returns the seq of its (last) entry."""
        return self.act(lambda: self._do(key, by, **rest))

    def _do(self, key: str, by: str, **rest: Any) -> int:
        command = self.world.command(self.id, by)
        for name in ("source", "performed_by", "device_at", "offset_ms", "tablet", "via"):
            if name in rest:
                command = replace(command, **{name: rest.pop(name)})
        step = self.step(key)
        values = {**usual(self.id, step), **rest.pop("values", {})}
        sure = frozenset({"again", "total", *(f.key for f in step.fields)})
        return commands.record_done(command, key, values=values, confirmed=sure, **rest).last

    def step(self, key: str) -> Step:
        """The definition of a step."""
        place = self.progress().place(key)
        assert place, key
        return place.definition

    def until(self, stop: str) -> None:
        """Do what comes next until that step comes up; at a new needle both sides."""
        for _ in range(200):
            place = self.progress().next_place()
            if place is None or place.key.code == stop:
                return
            self.do(str(place.key), **({"side": "both"} if place.needs_side else {}))
        raise AssertionError(f"never came to {stop}")

    def send(self, verb: Any, *args: Any, by: str = "nurse", for_: str = "", **rest: Any) -> Any:
        """Any other command."""
        return self.act(lambda: verb(self.world.command(self.id, by, for_), *args, **rest))

    def view(self) -> View:
        """The case as the operator sees it."""
        with clock.at(self.now + timedelta(minutes=1)):
            return View.load(self.world.operator, self.id)


def usual(case_id: UUID, step: Step) -> dict[str, Any]:
    """A value in every field, some in another unit than the canonical one."""
    found = everything(case_id, step)
    for field in step.fields:
        if field.key in OTHER_UNITS and OTHER_UNITS[field.key][1] in field.units:
            amount, unit = OTHER_UNITS[field.key]
            found[field.key] = quantity(field, Decimal(amount), unit)
    return {key: value for key, value in found.items() if key != "other_drug"}


def scanned(kind: str, gtin: str, lot: str) -> dict[str, Any]:
    """A product as a scan gives it, with serial number, raw code and day of making."""
    scan = Scan(gtin=gtin, lot=lot, expires="2027-03-31", serial="S/N77", made="2025-04-01")
    product = Product.objects.get(kind=kind)
    return {
        "id": product.pk, "name": str(product), "lot": lot, "expires": scan.expires, "how": "scanned",
        "serial": scan.serial, "gtin": gtin, "made": scan.made, "scan": encode(scan),
    }  # fmt: skip


def whole(world: World) -> Play:
    """Two levels, both sides, corrections, what was taken back, another script, offline and paper, to the end."""
    User.objects.filter(pk=world.operator.pk).update(
        display_name=SURGEON, profession="Нейрохирург", registration_number="GMC-0042"
    )
    details = {**PATIENT, "mrn": MRN, "birth_date": date(1952, 3, 12)}
    play = Play(world, "T12", "L1", **details)
    play.start()
    tablet = tablet_of(world.unit)
    first = play.do("PRE-ID", "ward")
    play.send(commands.verify, "PRE-ID", about=first, by="scrub")
    at = play.now - timedelta(minutes=9)
    play.do("PRE-CON", source=Source.PAPER, performed_at=at, performed_by=world.operator.pk)
    play.until("ABX")
    play.send(commands.mark, "ABX", status=StepStatus.NOT_DONE, reason="Аллергия на цефалоспорины")
    play.do(
        "K02",
        source=Source.OFFLINE,
        performed_at=play.now - timedelta(minutes=4),
        device_at=play.now - timedelta(minutes=5),
        offset_ms=60_000,
        tablet=tablet.pk,
        via=world.ward.pk,
    )
    play.until("K08b")
    play.do("K08b-T12", side="both")
    play.do("K07-L1")
    play.do("K08a-L1", "operator")
    play.do("K08b-L1", side="both")
    for level in ("T12", "L1"):
        for side in ("left", "right"):
            balloon = scanned("balloon", BALLOON, f"B-{level}-{side}")
            play.do(f"K09a-{level}-{side}", values={"balloon": balloon}, performed_by=world.operator.pk)
    slip = play.do("K09a-L1-left")
    play.send(commands.void, "K09a-L1-left", about=slip, reason="L1 на другой стороне")
    for access in ("T12-left", "T12-right", "L1-left", "L1-right"):
        play.do(f"K09b-{access}")
    batch = play.do("K09c", "scrub", values={"cement": scanned("cement", CEMENT, "KX-20931")})
    play.do(
        "K09c",
        "scrub",
        values={
            "cement": {"id": None, "name": "Цемент", "lot": "007", "expires": "2026-12-31", "how": "typed"}
        },
    )
    for number, (level, side) in enumerate((lv, sd) for lv in ("T12", "L1") for sd in ("left", "right")):
        seq = play.do(
            f"K09d-{level}-{side}",
            values={
                "batch": {"seq": batch, "key": "K09c"},
                "volume": {"amount": f"2.{number}0", "unit": "mL"},
                "leak": ["disc", "cortical"] if number == 0 else ["none"],
                "started_at": stamp(play.now - timedelta(minutes=2)),
            },
        )
    play.send(
        commands.correct,
        "K09d-L1-right",
        about=seq,
        reason="abgelesen: 3,25",
        performer=world.operator.pk,
        for_="operator",
        values={"volume": {"amount": "3.25", "unit": "mL"}, "consistency": None},
        performed_at=play.now - timedelta(minutes=3),
    )
    play.do("EV-VITALS", "sedation", values={"dbp": None})
    play.do("EV-DRUG", "anaesthetist", values={"drug": "other", "other_drug": "Метамизол", "route": None})
    play.do("EV-REVERSAL", "anaesthetist", values={"dose": None})
    play.do("EV-COMPLICATION", values={"type": "leak", "level": "T12", "side": "left"})
    play.do("EV-DEVICE")
    play.do("EV-NOTE", values={"text": "Gespräch mit Frau Παπαδοπούλου\n日本語"})
    play.until("CNT")
    count = play.do("CNT", "scrub")
    found = {
        "match": False,
        "counted_in": {"amount": "10", "unit": ""},
        "counted_out": {"amount": "9", "unit": ""},
    }
    play.send(commands.verify, "CNT", about=count, values=found)
    play.do("CNT", "scrub")
    play.until("the end")
    play.send(commands.complete)
    _sign(play)
    return play


def _sign(play: Play) -> None:
    """Signed by the operator, beside him by the trainer; then a word, a CT of the next day, and what it showed."""
    world = play.world
    world.operator_too("trainer")
    play.act(lambda: world.sign(play.id, note=NOTE, cosign_by=world.people["trainer"].pk))
    play.send(commands.cosign, by="trainer", remark="Gesehen")
    play.send(
        commands.add_addendum, by="operator", reason="Forgotten", text="Family told <1 h> after & again"
    )
    leak = {"leak": ["segmental"]}
    last = play.progress().places["K09d-T12-right"].step.live[-1].seq
    seen = {"modality": "ct", **leak}
    play.send(commands.add_addendum, by="radiographer", reason="CT", key="K11", values=seen)
    more: dict[str, Any] = {"key": "K09d-T12-right", "about": last, "values": leak}
    play.send(commands.add_addendum, by="operator", reason="CT", **more)


NOTE = {"procedure": "Кифопластика T12, L1", "findings": "Soft bone;\ncement <well> spread & held"}


def states(world: World) -> dict[str, Play]:
    """One case in each state that a case can be in but the completed one."""
    found = {
        name: Play(world, "L1", "L2", mrn=f"S{n}")
        for n, name in enumerate(("scheduled", "cancelled", "voided"))
    }
    found |= {
        name: Play(world, "L1", "S1", mrn=name)
        for name in ("running", "paused", "recovery", "stopped", "moved")
    }
    for name in ("running", "paused", "recovery", "stopped", "moved", "cancelled"):
        found[name].start()
    found["cancelled"].send(commands.cancel, reason="Fever")
    found["voided"].send(commands.void_case, reason="wrong patient")
    found["running"].until("K09c")
    found["paused"].until("K03")
    found["paused"].send(commands.pause, reason="Fire alarm")
    found["recovery"].until("REC-HO")
    found["stopped"].until("K09c")
    ends = {"L1": (LevelStatus.ABANDONED, "Pedicle not visible"), "S1": (LevelStatus.ABANDONED, "")}
    found["stopped"].send(commands.stop, reason="Hypotension", levels=ends)
    moved = found["moved"].do("EV-VITALS", "ward")
    with clock.at(found["running"].now + timedelta(minutes=5)):
        commands.move_entry(
            world.command(found["moved"].id),
            "EV-VITALS",
            about=moved,
            to=found["running"].id,
            reason="wrong bed",
        )
    return found
