"""What may happen to a patient, by its twist: when it is noticed, and what is recorded of it (domain.md section 4)."""

from dataclasses import dataclass

from procedures.definitions import Role

from .stage import Stage


@dataclass(frozen=True, slots=True)
class Trouble:
    """A complication. `at`: where in the course it shows itself; `grade` is that of CIRSE 2017."""

    at: str
    kind: str
    action: str
    symptomatic: bool = False
    outcome: str = "resolved"
    grade: str = "1"


LEVEL, FINAL_IMAGES, RECOVERY = "level", "final images", "recovery"
# These come with what else is done about them in `levels`.
RUPTURE = Trouble(LEVEL, "balloon_rupture", "Balloon taken out whole, a new one put in")
HYPOTENSION = Trouble(LEVEL, "hypotension", "Fluid, ephedrine; steady after 4 minutes")
BLEEDING = Trouble(LEVEL, "bleeding", "Pressure for 5 minutes, bleeding stopped")
TROUBLES = {
    "cement in the lung": Trouble(
        FINAL_IMAGES, "embolism_cement", "A thread of cement on CT, saturation unchanged; watched", grade="2"
    ),
    "pedicle breach": Trouble(LEVEL, "pedicle_breach", "Needle withdrawn and placed again, CT clear"),
    "slow heart": Trouble(LEVEL, "arrhythmia", "Pulse 38 as the balloon filled; atropine, balloon deflated"),
    "rib": Trouble(RECOVERY, "fracture", "Rib 8 left, from lying face down; pain plan", True, "continuing", "2"),
    "weak leg": Trouble(
        RECOVERY, "neurology", "Foot drop left; CT at once, surgeon called, steroid", True, "continuing", "3"
    ),
    "haematoma": Trouble(RECOVERY, "bleeding", "Swelling at the wound; pressed for 20 minutes", True, grade="2"),
    "rash": Trouble(RECOVERY, "allergy", "Rash on the trunk after the antibiotic; clemastine", True, grade="2"),
}  # fmt: skip


def notice(stage: Stage, at: str, level: str = "", side: str = "") -> None:
    """Record what the plot has for this moment; nothing in most cases."""
    for twist in sorted(stage.plot.twists & TROUBLES.keys()):
        trouble = TROUBLES[twist]
        if trouble.at != at:
            continue
        stage.wait(1, 3)
        complicate(stage, trouble, level, side)


def complicate(stage: Stage, trouble: Trouble, level: str = "", side: str = "") -> None:
    """Record a complication, as the circulating nurse would."""
    given = {
        "type": trouble.kind,
        "level": level or None,
        "side": side or None,
        "symptomatic": trouble.symptomatic,
        "action": trouble.action,
        "outcome": trouble.outcome,
        "grade_cirse_2017": trouble.grade,
    }
    who = stage.plot.crew[Role.RECOVERY_NURSE] if trouble.at == RECOVERY else stage.nurse
    stage.record("EV-COMPLICATION", performer=who, given=given)
