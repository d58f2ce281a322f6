"""A short protocol and its course, for very many cases: what the case log and the statistics stand on, and no more.

A case of the built-in protocol has some 80 events and 60 rows of steps; a million of them would fill 170 GB. Here it
is a third of that: the steps that are milestones or measure something, with the fields that do.
"""

import json
import tomllib
from dataclasses import replace
from typing import Any

from procedures import commands
from procedures.definitions import Role
from procedures.demo.details import amount
from procedures.demo.signing import sign_off
from procedures.demo.stage import Plot, Stage
from procedures.progress import Progress
from procedures.protocols import loader

STEPS = (
    "K04", "CHK-TO", "K08b", "K09a", "K09b", "K09c", "K09d", "K09e", "K09f", "K11", "CHK-OUT", "REC-TURN", "DIS",
    "EV-COMPLICATION", "EV-NOTE", "EV-VITALS", "EV-DRUG", "EV-DEVICE",
)  # fmt: skip
FIELDS = {
    "cement",
    "leak_site",
    "batch",
    "volume",
    "symptomatic",
    "text",
    "sample_hard",
    "device",
}  # beside what measures
LEFT_OUT = {"groups", "dosing"}  # fields to be shared, and limits of a step that is not here
CREW = {Role.OPERATOR, Role.ASSISTANT, Role.CIRCULATING_NURSE, Role.RECOVERY_NURSE}


def protocol() -> bytes:
    """The built-in protocol with these steps and fields alone."""
    read = tomllib.loads(loader.BUILT_IN.read_text())
    steps = [_step(step) for step in read["steps"] if step["code"] in STEPS]
    timers = [timer for timer in read["timers"] if _refers(timer) <= set(STEPS)]
    emergency = [quick for quick in read["emergency"] if quick["step"] in STEPS]
    kept = {**read, "title": "Kyphoplasty, short", "steps": steps, "timers": timers, "emergency": emergency}
    return "".join(f"{key} = {_toml(value)}\n" for key, value in kept.items() if key not in LEFT_OUT).encode()


def plot(given: Plot) -> Plot:
    """The same case with fewer at the table, and mostly through one pedicle."""
    crew = {role: user for role, user in given.crew.items() if role in CREW}
    sides = {
        level: given_sides[:1] if number % 4 or len(given.levels) > 1 else given_sides
        for number, (level, given_sides) in enumerate(given.levels.items(), start=given.start.day)
    }
    return replace(given, crew=crew, levels=sides)


def _step(step: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in step.items() if key != "second_person"}
    kept["fields"] = [
        field
        for field in step.get("fields", ())
        if field.get("measures") or field.get("key") in FIELDS or field.get("needed") == "now"
    ]
    for kind in ("hard", "soft"):
        if kind in step:
            kept[kind] = [n for n in step[kind] if (n["step"] if isinstance(n, dict) else n) in STEPS]
    return kept


def _refers(timer: dict[str, Any]) -> set[str]:
    return {timer[key] for key in ("starts_on", "ends_on", "met_by") if key in timer}


def _toml(value: Any) -> str:
    """A value on one line."""
    match value:
        case dict():
            return "{ " + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case str() | bool():
            return json.dumps(value, ensure_ascii=False)
    return repr(value)


def play(stage: Stage) -> None:
    """A case from the plan to the signature. Raises Curtain at the present."""
    stage.open()
    stage.wait_until(stage.plot.start)
    if stage.has("cancelled"):
        stage.send(commands.cancel, by=stage.nurse, reason="INR 2.4 this morning; new date in a week")
        return
    stage.send(commands.start, by=stage.nurse)
    stage.wait(20, 35)
    general = stage.plot.anaesthesia == "general"
    stage.record("K04", given={"mode": "general" if general else stage.rng.choice(("moderate", "deep"))})
    stage.wait(8, 16)
    stage.record("CHK-TO", late=40 if stage.has("late") else 0)
    _levels(stage)
    stage.wait(3, 6)
    stage.record("K11")
    stage.wait(2, 5)
    stage.record("CHK-OUT")
    stage.wait(3, 6)
    stage.record("REC-TURN")
    if stage.has("rupture"):
        stage.record("EV-COMPLICATION", given={"type": "balloon_rupture", "symptomatic": False})
    stage.wait(60, 130)
    stage.record("DIS")
    stage.send(commands.complete, by=stage.plot.crew[Role.RECOVERY_NURSE])
    sign_off(stage, _note)


def _note(_stage: Stage, _progress: Progress) -> dict[str, str]:
    sections = (
        "urgency",
        "indication",
        "position",
        "findings",
        "prophylaxis",
        "diagnosis_after",
        "instructions",
    )
    return {"procedure": "Balloon kyphoplasty", **dict.fromkeys(sections, "As recorded.")}


def _levels(stage: Stage) -> None:
    accesses = [f"{level}-{side}" for level, sides in stage.plot.levels.items() for side in sides]
    for code in ("K08b", "K09a", "K09b"):
        for access in accesses:
            stage.wait(1.5, 4)
            given: dict[str, Any] = (
                {"approach": stage.plot.approach} if code == "K08b" and stage.plot.approach else {}
            )
            stage.record(f"{code}-{access}", given=given)
    batch = stage.record("K09c")
    stage.wait(3, 5)
    for access in accesses:
        stage.wait(1, 3)
        leaks = stage.rng.random() < stage.plot.leak_share
        leak = stage.rng.choice(("disc", "cortical", "segmental")) if leaks else "none"
        given = {
            "batch": {"seq": batch, "key": "K09c"},
            "leak": [leak],
            "volume": amount(stage.rng, 1.6, 3.4),
        }
        stage.record(f"K09d-{access}", given=given)
    for access in accesses:
        stage.wait(0.4, 1)
        stage.record(f"K09e-{access}")
    stage.wait(14, 17)
    for level in stage.plot.levels:
        stage.record(f"K09f-{level}")
