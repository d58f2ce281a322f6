"""After the case in the demo: the operator signs, a trainer signs beside, and later something is added."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from procedures import commands, drafting
from procedures.account import to_sign
from procedures.definitions import Milestone, Role
from procedures.models import User
from procedures.models.case import INDICATIONS
from procedures.models.people import ROLE_LABELS
from procedures.progress import Progress
from procedures.signing_rules import lacking

from .stage import Stage

_OLD = timedelta(days=9)  # by then nearly all are signed
_REASONS = (
    "Not written down at the time, and nobody is sure any more",
    "On the anaesthesia chart, which stays with the patient",
    "Not measured",
)
# What no step holds, by the section that it is written into.
_BY_HAND = {
    "urgency": "Elective.",
    "indication": "Painful on the spot; oedema on the MRI of the week before.",
    "position": "Stab incisions of 5 mm.",
    "findings": "Bone as expected.",
    "prophylaxis": "Stockings; no heparin before tomorrow.",
    "diagnosis_after": "As before.",
    "instructions": "Flat for two hours, legs every 15 minutes; then walking, with help at first.",
}
_LEAKS_LATER = {
    "disc": "the disc",
    "segmental": "a segmental vein",
    "cortical": "the tissue beside the vertebra",
}
_SITES = {"disc": "disc", "segmental": "vein", "cortical": "paravertebral"}


def sign_off(stage: Stage, written: Callable[[Stage, Progress], dict[str, str]] | None = None) -> None:
    """What is due after the case: most are signed within a day, some late, a few not at all. Raises Curtain."""
    rng, operator = stage.rng, stage.plot.crew[Role.OPERATOR]
    stage.now, stage.lag, stage.next_vitals = stage.now + stage.lag, timedelta(), None
    progress = stage.door.progress(stage.case_id)
    age = stage.until - stage.now
    if not to_sign(progress) or rng.random() > (0.97 if age > _OLD else 0.62):
        return
    hours = rng.choice((0.4, 0.7, 1.5, 2, 3, 4, 5, 22, 26, 49))
    stage.wait_until(stage.now + timedelta(hours=hours, minutes=rng.randrange(60), seconds=rng.randrange(60)))
    said = (written or note)(stage, progress)
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


def note(stage: Stage, progress: Progress) -> dict[str, str]:
    """The note as the program drafts it, with what the operator writes into it by hand."""
    crew, team = stage.plot.crew, progress.state.team
    known = [*crew.values(), stage.plot.relief, stage.plot.trainer]
    names = {user.pk: user.display_name for user in known if user}
    by_role = {role: [names[m.user] for m in team if m.role == role and m.user in names] for role in Role}
    facts = drafting.Facts(
        names=names,
        team=[
            (str(ROLE_LABELS[role]), list(dict.fromkeys(found))) for role, found in by_role.items() if found
        ],
        indication=str(INDICATIONS[stage.plot.person.indication]),
    )
    drafted = drafting.draft(progress, facts)
    for section, words in _BY_HAND.items():
        drafted[section] = "\n".join(part for part in (drafted[section], words) if part)
    return {section: text for section, text in drafted.items() if text}
