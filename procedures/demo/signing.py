"""After the case in the demo: the operator signs, a trainer signs beside, and later something is added."""

from datetime import timedelta
from typing import Any

from procedures import commands
from procedures.account import to_sign
from procedures.definitions import Milestone, Role
from procedures.models import User
from procedures.progress import Progress
from procedures.signing_rules import lacking

from .stage import Stage

_OLD = timedelta(days=9)  # by then nearly all are signed
_REASONS = (
    "Not measured, the patient was agitated",
    "Kept on the device, its memory was overwritten",
    "Nobody wrote it down and nobody is sure any more",
)
_LEAKS_LATER = {
    "disc": "the disc",
    "segmental": "a segmental vein",
    "cortical": "the tissue beside the vertebra",
}
_SITES = {"disc": "disc", "segmental": "vein", "cortical": "paravertebral"}


def sign_off(stage: Stage) -> None:
    """What is due after the case: most are signed within a day, some late, a few not at all. Raises Curtain."""
    rng, operator = stage.rng, stage.plot.crew[Role.OPERATOR]
    stage.now, stage.lag, stage.next_vitals = stage.now + stage.lag, timedelta(), None
    progress = stage.door.progress(stage.case_id)
    age = stage.until - stage.now
    if not to_sign(progress) or rng.random() > (0.97 if age > _OLD else 0.62):
        return
    hours = rng.choice((0.4, 0.7, 1.5, 2, 3, 4, 5, 22, 26, 49))
    stage.wait_until(stage.now + timedelta(hours=hours, minutes=rng.randrange(60), seconds=rng.randrange(60)))
    said = note(progress)
    stage.send(
        commands.sign,
        by=operator,
        note=said,
        explained={key: rng.choice(_REASONS) for key in lacking(progress, said)},
        cosign_by=stage.plot.trainer.pk if stage.plot.trainer else None,
    )
    if stage.plot.trainer and rng.random() < (0.85 if age > 2 * _OLD else 0.3):
        stage.wait_until(
            stage.now + timedelta(hours=rng.choice((1, 3, 20, 30, 70)), seconds=rng.randrange(3600))
        )
        remark = rng.choice(("", "", "Supervised throughout", "Second needle placed again together"))
        stage.send(commands.cosign, by=stage.plot.trainer, remark=remark)
    _add(stage, operator)


def _add(stage: Stage, operator: User) -> None:
    """A leak that only the CT of the next day shows; the histology; a remark."""
    rng = stage.rng
    progress = stage.door.progress(stage.case_id)
    chance = rng.random()
    if chance < 0.03:
        _leak_seen_later(stage, progress, operator)
    elif chance < 0.05 or (chance < 0.6 and "K08c" in progress.by_code and _biopsy(progress)):
        stage.wait_until(stage.now + timedelta(days=rng.randrange(3, 9), minutes=rng.randrange(600)))
        found = "Plasma cell infiltrate" if stage.plot.person.indication == "myeloma" else "No tumour seen"
        text = (
            f"{found} in the biopsy." if _biopsy(progress) else "Patient called: no pain, walks to the shop."
        )
        stage.send(commands.add_addendum, by=operator, reason="Result of today", text=text)


def _biopsy(progress: Progress) -> bool:
    return any(place.step.live for place in progress.by_code.get("K08c", ()))


def _leak_seen_later(stage: Stage, progress: Progress, operator: User) -> None:
    """Data and words say the same: the injection gets the leak, the text says where it was seen."""
    step = progress.protocol.by_milestone[Milestone.CEMENT]
    tight = [
        (place, entry)
        for place in progress.by_code.get(step.code, ())
        for entry in place.step.live
        if entry.values.get("leak") == ["none"]
    ]
    if not tight:
        return
    place, entry = stage.rng.choice(tight)
    kind = stage.rng.choice(sorted(_LEAKS_LATER))
    stage.wait_until(
        stage.now + timedelta(hours=stage.rng.randrange(12, 26), minutes=stage.rng.randrange(60))
    )
    values: dict[str, Any] = {"leak": [kind], "leak_site": [_SITES[kind]]}
    stage.send(
        commands.add_addendum,
        by=operator,
        key=place.text,
        about=entry.seq,
        values=values,
        reason="CT of the next day",
        text=f"CT at {place.key.level}: a little cement in {_LEAKS_LATER[kind]}. No symptoms.",
    )


def note(progress: Progress) -> dict[str, str]:
    """A short operative note: what no step can hold, and the rest in a few words."""
    state, row = progress.state, progress.summary()
    levels = ", ".join(row.levels)
    cause = str(state.plan["indication"])
    leak = {True: "Cement leak, see the levels.", False: "No leak seen.", None: "No images of a leak."}[
        row.leak
    ]
    return {
        "procedure": f"Balloon kyphoplasty {levels}",
        "urgency": "Elective, times as recorded.",
        "indication": f"Painful fracture {levels}, {cause}; oedema on MRI of the week before.",
        "position": "Face down on rolls. Stab incisions of 5 mm at the sides recorded.",
        "description": f"Needles, balloons and cement as recorded; {row.cement_ml} mL of cement in all.",
        "findings": f"Bone as expected with {cause}. {leak}",
        "complications": f"{row.complications} recorded." if row.complications else "None.",
        "prophylaxis": "Antibiotic as recorded. Stockings; no heparin before tomorrow.",
        "diagnosis_after": f"Fracture {levels}, {cause}.",
        "instructions": state.end_reason or "Flat for two hours, legs every 15 minutes; mobile afterwards.",
    }
