"""The course of a kyphoplasty in the demo, from the ward to discharge, with what may go otherwise on the way.

Minutes are plausible for a routine list (domain.md 1.9); each act takes them before it is recorded.
"""

from datetime import timedelta
from decimal import Decimal

from procedures import commands
from procedures.definitions import Role
from procedures.state import StepStatus

from .details import person
from .levels import Levels, give
from .signing import sign_off
from .stage import MOVED_TO, Stage
from .trouble import FINAL_IMAGES, RECOVERY, notice


def play(stage: Stage) -> None:
    """The whole case: open, start, everything until it is completed, stopped or cancelled, and what is due afterwards.
    Raises Curtain."""
    _play(stage)
    if stage.plot.signed_off:
        sign_off(stage)


def _play(stage: Stage) -> None:
    stage.open()
    if stage.has("only opened"):
        return
    if stage.has("moved"):
        stage.wait(10, 60)
        stage.send(commands.change_case, by=stage.nurse, plan=stage.plan(MOVED_TO))
    stage.wait_until(stage.plot.start)
    if stage.has("cancelled"):
        stage.send(commands.cancel, by=stage.nurse, reason="INR 2.4 this morning; new date in a week")
        return
    if stage.has("opened by mistake"):
        reason = "Opened for another patient with the same family name"
        stage.send(commands.void_case, by=stage.nurse, reason=reason)
        return
    if stage.has("paper"):
        stage.lag = timedelta(hours=stage.rng.choice((3, 5, 7)))
    began = stage.now if stage.lag else None
    stage.send(commands.start, by=stage.one_of(Role.WARD_NURSE), performed_at=began)
    before(stage)
    if stage.has("cancelled on the ward"):
        stage.wait(4, 9)
        stage.send(commands.cancel, by=stage.nurse, reason="New fever; blood cultures first")
        return
    room(stage)
    if stage.has("stopped after sedation"):
        _stop_after_sedation(stage)
        return
    Levels(stage).play()
    if stage.has("stopped at the vertebra"):
        stage.wait(2, 4)
        stage.send(
            commands.stop,
            by=stage.nurse,
            reason="Cement in the epidural veins at the first level; no further level today",
        )
        return
    after(stage)
    recovery(stage)


def before(stage: Stage) -> None:
    """Preparation on the ward."""
    stage.wait(0.5, 2)
    if stage.has("slip"):
        seq = stage.record("K01")
        stage.wait(0.2, 0.5)
        stage.send(commands.void, "K01", by=stage.one_of(Role.WARD_NURSE), about=seq)
        stage.wait(0.3, 1)
    stage.record("PRE-ID")
    if stage.has("name corrected"):
        _correct_name(stage)
    stage.wait(0.5, 2)
    stage.record("PRE-CON")
    stage.wait(1, 3)
    stage.record("PRE-SCR")
    stage.wait(1, 3)
    seq = stage.record("PRE-BASE", given={"weight": Decimal(27)} if stage.has("correction") else {})
    if stage.has("correction"):
        stage.wait(2, 4)
        stage.correct("PRE-BASE", seq, {"weight": Decimal(72)}, "Digits turned round")
    if not stage.has("override"):
        stage.wait(0.5, 2)
        stage.record("PRE-MARK")


def _correct_name(stage: Stage) -> None:
    """The wristband is right, the letter of referral was not."""
    old = stage.plot.person.details
    details = commands.PatientDetails(
        mrn=old.mrn,
        family_name=old.family_name,
        given_name=f"{old.given_name} Ann",
        birth_date=old.birth_date,
        sex=old.sex,
    )
    by = stage.one_of(Role.WARD_NURSE)
    stage.send(
        commands.correct_patient, by=by, details=details, reason="Second given name, from the wristband"
    )


def room(stage: Stage) -> None:
    """In the room, from the table to the time-out."""
    stage.wait(3, 6)
    stage.record("K01")
    stage.wait(2, 4)
    seq = stage.record("K02")
    if stage.has("correction"):
        stage.wait(1, 2)
        stage.correct("K02", seq, {"gauge": Decimal(18)}, "Green hub: it is the larger one")
    stage.wait(1, 3)
    if stage.has("no antibiotic"):
        stage.mark("ABX", StepStatus.NOT_DONE, "Operator: not indicated")
    elif not stage.has("antibiotic after time-out"):
        stage.record("ABX")
    stage.wait(1, 3)
    stage.record("K03")
    if stage.has("new allergy"):
        stage.send(commands.add_allergy, by=stage.nurse, substance="tape (blisters)")
    stage.wait(1, 2)
    stage.record(
        "CHK-IN",
        override_reason="Mark was washed off; drawn again at the table" if stage.has("override") else "",
    )
    if stage.has("override"):
        stage.wait(1, 2)
        stage.record("PRE-MARK")
    steps = [sedate, _position]
    prone_first = stage.plot.anaesthesia == "sedation" and stage.rng.random() < 0.4
    for step in reversed(steps) if prone_first else steps:
        step(stage)
    stage.wait(2, 4)
    if stage.has("offline in the room"):
        stage.go_offline()
    stage.record("K06a")
    stage.wait(3.2, 4.5)  # alcohol dries for three minutes
    stage.record("K06b")
    if stage.has("offline in the room"):
        _reconnect(stage)
    stage.wait(1, 2)
    given = {"antibiotic": "na"} if stage.has("no antibiotic") else {}
    stage.record("CHK-TO", given=given, verified=not stage.has("unverified"))
    if stage.has("antibiotic after time-out") and not stage.has("no antibiotic"):
        stage.wait(0.5, 1.5)
        stage.record("ABX")


def _reconnect(stage: Stage) -> None:
    """The network comes back some minutes later; the clock of the tablet was right, or by some minutes not."""
    stage.wait(3, 9)
    stage.back_online(timedelta(seconds=stage.rng.choice((-2, -1, 1, 2, 3, 190))))


def sedate(stage: Stage) -> None:
    """Sedation or anaesthesia with its first doses; from here on the vitals are taken every few minutes."""
    kind, rng = stage.plot.anaesthesia, stage.rng
    stage.wait(2, 4)
    mode = {"general": "general", "sedation": rng.choice(("moderate", "moderate", "deep")), "local": "none"}[
        kind
    ]
    stage.record("K04", given={"mode": mode, **({} if kind == "sedation" else {"depth": None})})
    stage.next_vitals = stage.now
    doses: dict[str, list[tuple[str, str, str]]] = {
        "general": [("fentanyl", "100", "ug"), ("propofol", "120", "mg")],
        "sedation": [
            ("fentanyl", rng.choice(("25", "50")), "ug"),
            ("midazolam", rng.choice(("1", "1.5", "2")), "mg"),
        ],
        "local": [],
    }
    for drug, dose, unit in doses[kind]:
        give(stage, drug, dose, unit)
        stage.wait(0.2, 0.6)


def _position(stage: Stage) -> None:
    stage.wait(3, 6)
    stage.record("K05")


def _stop_after_sedation(stage: Stage) -> None:
    """Breathing fails once the patient lies face down: turned back, nothing done."""
    stage.wait(1, 3)
    stage.send(commands.set_emergency, by=stage.nurse, on=True)
    given = {
        "type": "respiratory",
        "symptomatic": True,
        "action": "Turned back, mask ventilation, flumazenil",
        "outcome": "resolved",
        "grade_cirse_2017": "2",
    }
    stage.wait(1, 2)
    stage.record("EV-COMPLICATION", performer=stage.nurse, given=given)
    reversal = {
        "drug": "flumazenil",
        "dose": (Decimal("0.3"), "mg"),
        "route": "iv",
        "reason": "Breathing stopped under sedation",
    }
    stage.record(
        "EV-REVERSAL", performer=stage.one_of(Role.SEDATION_NURSE, Role.ANAESTHETIST), given=reversal
    )
    stage.wait(5, 9)
    stage.send(commands.set_emergency, by=stage.nurse, on=False)
    stage.wait(2, 4)
    stage.next_vitals = None
    stage.send(
        commands.stop,
        by=stage.nurse,
        reason="Cannot lie face down under sedation; again under general anaesthesia",
    )


def after(stage: Stage) -> None:
    """Still in the room: final images, counts, dressing, sign-out."""
    stage.wait(0.5, 1.5)
    stage.record("K10")
    stage.wait(1.5, 3)
    stage.record("K11", given={"modality": "ct", "leak": ["disc"]} if stage.has("leak on CT") else {})
    notice(stage, FINAL_IMAGES)
    stage.wait(1, 2)
    if stage.has("count twice"):
        stage.record("CNT", given={"match": False, "counted_out": Decimal(13)})
        stage.wait(2, 4)
    stage.record("CNT", verified=not stage.has("unverified"))
    stage.wait(1, 2)
    stage.record("CLO")
    stage.wait(0.5, 1.5)
    stage.record("CHK-OUT")


def recovery(stage: Stage) -> None:
    """Turned, handed over, watched, discharged, closed."""
    rng = stage.rng
    stage.wait(2, 4)
    stage.record("REC-TURN")
    due = stage.now
    stage.wait(6, 10)
    stage.next_vitals = None
    watcher = stage.plot.crew[Role.RECOVERY_NURSE]
    stage.record("REC-HO", given={"receiver": person(watcher)})
    if stage.has("late"):
        give(stage, "paracetamol", "1000", "mg", late=26)
    notice(stage, RECOVERY)
    if stage.has("offline in recovery"):
        stage.go_offline()
    for minutes in (15, 15, 15, 15, 30, 30)[: rng.choice((4, 5, 6, 6))]:  # source S11
        due += timedelta(minutes=minutes)
        stage.wait_until(due + timedelta(minutes=round(rng.uniform(-2, 3), 2)))
        stage.record("REC-OBS", late=17 if stage.has("late") and minutes == 30 else 0)
    if stage.has("offline in recovery"):
        _reconnect(stage)
    stage.record("REC-SCO")
    stage.wait(10, 30)
    stage.record("DIS")
    stage.wait(2, 8)
    stage.send(commands.complete, by=watcher)
