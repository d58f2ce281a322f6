"""The work at the vertebrae in the demo: needles, balloons, cement, and what may go otherwise there."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from procedures import commands
from procedures.definitions import Role
from procedures.state import StepStatus

from .details import amount, person
from .stage import Stage
from .trouble import BLEEDING, HYPOTENSION, LEVEL, RUPTURE, complicate, notice

LEAKS = ("cortical", "cortical", "segmental", "basivertebral", "disc", "disc")
LEAK_SITES = {"cortical": "paravertebral", "segmental": "vein", "basivertebral": "canal", "disc": "disc"}


class Levels:
    """The work at the vertebrae."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.levels = dict(stage.plot.levels)
        self.batch: int | None = None
        self.leaks: set[str] = set()

    def play(self) -> None:
        """All levels: needles first, then balloons, then cement; or one after the other."""
        stage = self.stage
        if stage.has("deferred"):
            last = list(self.levels)[-1]
            del self.levels[last]
            stage.wait(1, 2)
            stage.send(
                commands.defer_level,
                by=stage.nurse,
                vertebra=last,
                reason="No oedema on today’s MRI; not treated",
            )
        groups = [list(self.levels)] if stage.plot.together else [[level] for level in self.levels]
        for number, group in enumerate(groups):
            self._group(group)
            if stage.has("stopped at the vertebra"):
                return
            if number == 0 and stage.has("handover"):
                self._handover()
        if stage.has("added level"):
            self._add_level()

    def _group(self, levels: list[str]) -> None:
        for level in levels:
            self._needles(level)
        for level in list(levels):
            self._balloons(level)
            if self._given_up(level):
                self._abandon(level)
                levels = levels[:-1]
        if levels:
            self._cement(levels)

    def _needles(self, level: str) -> None:
        stage = self.stage
        stage.wait(1.5, 3)
        if stage.plot.anaesthesia == "general" and stage.rng.random() < 0.5:
            stage.mark(f"K07-{level}", StepStatus.NOT_APPLICABLE)
        else:
            stage.record(f"K07-{level}")
        stage.wait(0.5, 1.5)
        stage.record(f"K08a-{level}", verified=not stage.has("unverified"))
        for side in self.levels[level]:
            stage.wait(2.5, 5)
            approach = stage.plot.approach
            stage.record(f"K08b-{level}-{side}", given={"approach": approach} if approach else {})
        if stage.plot.person.indication in ("metastasis", "myeloma"):
            stage.wait(1, 2)
            stage.record(f"K08c-{level}-{self.levels[level][0]}")

    def _balloons(self, level: str) -> None:
        stage = self.stage
        for side in self.levels[level]:
            stage.wait(1.5, 3)
            key = f"K09a-{level}-{side}"
            if stage.has("rupture") and side == "left":
                self._rupture(level, side)
            if stage.rng.random() < 0.3:  # tick first, the numbers follow
                seq = stage.record(key, without=("pressure", "volume"))
                stage.wait(0.5, 1)
                stage.add_details(
                    key,
                    seq,
                    {"pressure": (amount(stage.rng, 9, 17, 0), "atm"), "volume": amount(stage.rng, 2, 3.4)},
                )
            else:
                stage.record(key)
        if stage.has("hypotension"):
            self._hypotension(level)
        if level == next(iter(self.levels)):
            notice(stage, LEVEL, level, self.levels[level][0])
        if self._given_up(level):
            return  # they come out after the decision
        for side in self.levels[level]:
            stage.wait(1, 2)
            stage.record(f"K09b-{level}-{side}")

    def _rupture(self, level: str, side: str) -> None:
        stage = self.stage
        stage.record(f"K09a-{level}-{side}", given={"rupture": True, "stop_reason": "rupture"})
        complicate(stage, RUPTURE, level, side)
        stage.wait(0.5, 1)
        stage.record(f"K09b-{level}-{side}")
        given = {
            "device": "Levara 15/3",
            "lot": f"B{stage.details.lot}",
            "problem": "Ruptured at 210 psi; kept for the maker",
        }
        stage.record("EV-DEVICE", performer=stage.nurse, given=given)
        stage.wait(1, 2)

    def _hypotension(self, level: str) -> None:
        stage = self.stage
        given = {"sbp": Decimal(78), "dbp": Decimal(41), "hr": Decimal(54)}
        stage.record("EV-VITALS", performer=stage.one_of(Role.SEDATION_NURSE, Role.ANAESTHETIST), given=given)
        complicate(stage, HYPOTENSION, level)
        give(stage, "ephedrine", "10", "mg")

    def _given_up(self, level: str) -> bool:
        """Whether this is the vertebra that the plot abandons: the last."""
        return self.stage.has("abandoned") and level == list(self.levels)[-1]

    def _abandon(self, level: str) -> None:
        """Given up with the balloon inside: what went in comes out."""
        stage = self.stage
        complicate(stage, BLEEDING, level, self.levels[level][0])
        stage.wait(1, 2)
        reason = "Brisk bleeding through the cannula and the pedicle cannot be seen well"
        stage.send(commands.abandon_level, by=stage.nurse, vertebra=level, reason=reason)
        for side in self.levels[level]:
            stage.wait(1, 2)
            stage.record(f"K09b-{level}-{side}")
            stage.wait(0.5, 1)
            stage.record(f"K09e-{level}-{side}")

    def _cement(self, levels: Iterable[str]) -> None:
        stage = self.stage
        levels = list(levels)
        stage.wait(1, 2)
        self.batch = stage.record("K09c", verified=not stage.has("unverified"))
        stage.wait(3.5, 4.5)
        for level in levels:
            leak = stage.rng.choice(LEAKS) if stage.rng.random() < stage.plot.leak_share else ""
            sides = self.levels[level]
            for side in sides:
                stage.wait(1.2, 2.4)
                self._inject(level, side, leak if side == sides[0] else "")
        for level in levels:
            for side in self.levels[level]:
                stage.wait(0.4, 1)
                stage.record(f"K09e-{level}-{side}")
        self._harden(levels)

    def _inject(self, level: str, side: str, leak: str) -> None:
        """Volumes around 4.1 mL through one pedicle and 4.9 mL through two (source S18)."""
        stage = self.stage
        mean = 4.1 if len(self.levels[level]) == 1 else 2.45
        smaller = 0.75 if level[0] == "T" else 1.0
        volume = Decimal(f"{min(6.8, max(1.2, stage.rng.gauss(mean * smaller, 0.45))):.1f}")
        given: dict[str, Any] = {"batch": {"seq": self.batch, "key": "K09c"}, "volume": volume}
        if stage.has("stopped at the vertebra"):
            leak = "basivertebral"
        if leak:
            self.leaks.add(leak)
            given |= {"leak": [leak], "leak_site": [LEAK_SITES[leak]], "stop_reason": "leak"}
        key = f"K09d-{level}-{side}"
        seq = stage.record(key, given=given)
        if stage.has("volume corrected"):
            stage.wait(1, 2)
            stage.correct(key, seq, {"volume": volume + Decimal("0.5")}, "Read from the wrong syringe")

    def _harden(self, levels: Iterable[str]) -> None:
        """Cement takes its time, whatever the pace of the people: now and then the sample is felt a little early."""
        stage = self.stage
        stage.wait_until(stage.now + timedelta(minutes=round(stage.rng.uniform(14, 17), 2)))
        for level in levels:
            stage.wait(0.3, 0.8)
            stage.record(f"K09f-{level}")

    def _handover(self) -> None:
        """The nurses change between two vertebrae."""
        stage = self.stage
        stage.send(commands.pause, by=stage.nurse, reason="C-arm restarts")
        stage.wait(4, 8)
        stage.send(commands.resume, by=stage.nurse, identity=True)
        if stage.plot.relief and stage.plot.relief.pk != stage.nurse.pk:
            stage.relieve(stage.plot.relief)

    def _add_level(self) -> None:
        stage = self.stage
        stage.wait(1, 3)
        stage.send(
            commands.add_level,
            by=stage.nurse,
            vertebra="L4",
            reason="Fresh fracture seen on X-ray; consent covers it",
        )
        self.levels["L4"] = ("right",)
        stage.record("CHK-TO", given={"levels_read": ["L4"]})
        self._group(["L4"])


def give(stage: Stage, drug: str, dose: str, unit: str, *, late: float = 0) -> None:
    """One dose into the vein, recorded `late` minutes after."""
    given: dict[str, Any] = {"drug": drug, "dose": (Decimal(dose), unit), "route": "iv"}
    if stage.plot.anaesthesia != "general":
        given["ordered_by"] = person(stage.plot.crew[Role.OPERATOR])
    stage.record(
        "EV-DRUG", performer=stage.one_of(Role.SEDATION_NURSE, Role.ANAESTHETIST), given=given, late=late
    )
