"""A whole kyphoplasty at T12 and L1, told act by act: what is entered, and where it goes wrong."""

from playwright.sync_api import expect

from .ledger import Shown, Stepped, Values
from .ward import Tablet, Ward, minutes_ago

PATIENT = "Moretti"
OTHER_ROLE = {"by another role"}
OPERATOR, SCRUB, WARD, SEDATION = "Dr W. Chen", "Sven Scrub", "Wanda Ward", "Liam Moreau"
RADIOGRAPHER, RECOVERY = "Rita Rayes", "Rose Rest"
AT_ONCE = {"not at its time"}  # nobody waits for skin to dry or cement to harden here
VITALS: Values = {"Heart rate": "78 /min", "Systolic pressure": "135 mmHg", "Diastolic pressure": "80 mmHg"}
SPO2: Values = {"Oxygen saturation": "97 %"}
LEGS: Values = {"Power, left leg": "5 normal", "Power, right leg": "4 weak", "Feeling in the legs": "Normal"}
NEEDLE: Values = {"Approach": "Through the pedicle", "Gauge": "11 G"}
BALLOON: Values = {
    "Balloon": {"Which": "Balloon 15/3 (Maker)", "Lot": "KX-77", "Expires": "2099-03-31"},
    "Size": "15/3",
    "Stopped because": "Height restored",
    "Rupture": "No",
}
OUT: Values = {"Fully deflated": "Yes", "Whole, nothing left behind": "Yes"}
INJECTED: Values = {
    "Batch": Shown("Cement batch 1", "entry"),
    "Leak": ["None seen"],
    "Stopped because": "Filled",
}


def answers(*labels: str, present: list[str]) -> Values:
    """A checklist read aloud: yes to every item."""
    return {**dict.fromkeys(labels, "Yes"), "Who was there": present}


SIGN_IN = answers(
    "Patient, procedure and site confirmed by the patient",
    "Consent signed",
    "Site marked",
    "Anaesthesia equipment and drugs checked",
    "Oximeter on and working",
    "Allergies said aloud",
    "Difficult airway or aspiration: help and equipment ready",
    "Blood loss above 500 mL: prepared for",
    present=["Ada Okafor", OPERATOR],
)
TIME_OUT = answers(
    "Everybody said name and role",
    "Patient and procedure",
    "Position",
    "Duration, blood loss and critical steps said",
    "Anaesthesia concerns and ASA said",
    "Sterile, equipment in order",
    "Antibiotic within the last 60 minutes",
    "Warmth, glucose and clot prevention",
    "Images on the screen",
    "Cement and balloons here and in date",
    "Contrast and cement allergy excluded",
    "Lead and dosimeters worn",
    "Reversal drugs ready",
    present=[OPERATOR, RADIOGRAPHER, SCRUB],
)
SIGN_OUT = answers(
    "Procedure and levels recorded",
    "Needles, sharps and swabs complete",
    "Specimens labelled",
    "Equipment problems said",
    "Concerns for recovery said",
    present=["Ada Okafor", OPERATOR],
)


def opens_the_case(ward: Ward) -> Tablet:
    """A patient nobody knows yet, T12 and L1 picked on the spine."""
    nurse = ward.signs_in("nurse")
    page, note = nurse.page, ward.ledger.note
    nurse.sends(page.get_by_role("link", name="New case"))
    page.get_by_label("Record number (MRN) from the wristband").fill("004300128")
    nurse.sends(page.get_by_role("button", name="Find"))
    nurse.sees("Nobody with this number is known here")
    page.get_by_label("Family name").fill(PATIENT)
    page.get_by_label("Given name").fill("Carla")
    page.get_by_label("Birth date").fill("1949-05-17")
    page.locator(".segments label", has_text="Female").tap()
    page.get_by_label("Allergies").fill("Penicillin\nLatex")
    for vertebra in ("T12", "L1"):
        page.locator(".vertebra", has_text=vertebra).locator("input").check()
    page.get_by_label("Indication", exact=True).select_option(label="Osteoporosis")
    page.get_by_label("Planned anaesthesia").select_option(label="Sedation")
    page.get_by_label("Operator", exact=True).select_option(label=OPERATOR)
    page.get_by_label("Room", exact=True).select_option("IR room 2")
    page.locator(".check", has_text=nurse.name).locator("input").check()
    assert nurse.sends(page.get_by_role("button", name="Open this case")) == 200
    for sentence in (
        "Case opened", "Vertebra T12 planned", "Vertebra L1 planned",
        f"{nurse.name} joined the team", f"{OPERATOR} joined the team",
        "Allergy added: Penicillin", "Allergy added: Latex",
    ):  # fmt: skip
        note(sentence, nurse.name)
    nurse.sees("Carla", PATIENT, "004300128", "Allergy: Penicillin", "Allergy: Latex", "Not started")
    assert nurse.sends(page.get_by_role("button", name="Start this case")) == 200
    note("Case started", nurse.name)
    return nurse


def on_the_ward(nurse: Tablet, second: Tablet) -> None:
    """Identity with a slip, a tap on a page grown old, a value that cannot be and one that is unusual."""
    identity: Values = {
        "First identifier": "Name",
        "Second identifier": "Birth date",
        "Wristband agrees": "Yes",
    }
    nurse.ticks(
        "Identity checked", {"First identifier": "Record number"}, by=WARD, lacks=["Second identifier"]
    )
    second.opens_the_case_of(PATIENT)
    second.takes_in_hand("Consent checked")
    second.fills(
        second.form("done"), {"Signed by": "Patient"}
    )  # begun: it stays, whatever others do meanwhile
    nurse.undoes("Identity checked")
    assert second.tries("Consent checked") == 409
    second.sees("First: Identity, two identifiers.", "can override this with a reason")
    expect(second.form("done").locator(".button--main")).to_have_count(0)  # no right to override, no button
    nurse.ticks("Identity checked", identity, by=WARD)
    nurse.looks_at_entry("Identity checked")
    nurse.sees("not yet verified", "Somebody else verifies it when signed in")
    expect(nurse.form("verify")).to_have_count(0)
    second.verifies("Identity checked")
    if nurse.ward.javascript:  # it shows by itself; only then does she go on
        expect(nurse.hand).to_contain_text("verified by")
    consent: Values = {"Levels consented to": ["T12", "L1"], "Signed at": f"{minutes_ago(40):%Y-%m-%dT%H:%M}"}
    nurse.ticks("Consent checked", consent, by=OPERATOR, at=minutes_ago(20), flags={"late"})
    screening(nurse)
    nurse.ticks(
        "Baseline taken",
        {
            **VITALS,
            **SPO2,
            **LEGS,
            "Breathing rate": "15 /min",
            "Temperature": "36.6 °C",
            "Weight": "62.5 kg",
            "Pain, 0 to 10": "8",
        },
        by=WARD,
    )


def screening(nurse: Tablet) -> None:
    """An INR that cannot be is refused and stays as typed; one that is unusual is asked about once."""
    typed: Values = {
        "Allergies asked and written down": "Yes",
        "Allergic to": ["Latex", "Antibiotic"],
        "Platelets": "210 ×10⁹/L",
        "Haemoglobin": Shown("118 g/L", "118 g/L (11.8 g/dL)"),
        "Last food": f"{minutes_ago(600):%Y-%m-%dT%H:%M}",
        "ASA class": "III",
        "Blood thinner and last dose": "Apixaban, 3 days ago",
    }
    nurse.takes_in_hand("Screening done")
    assert nurse.tries("Screening done", {**typed, "INR": "99"}) == 422
    nurse.sees("Allowed: 0.5 to 15")
    expect(nurse.box(nurse.form("done"), "INR").locator("input")).to_have_value("99")
    nurse.ticks(
        "Screening done", {"INR": "1.8"}, kept=typed, by=OPERATOR, unusual="INR", flags={"unusual, confirmed"}
    )


def in_the_room(nurse: Tablet, second: Tablet) -> None:
    """Two lines of which one is corrected, an antibiotic that was not given, and a sign-in before the site mark."""
    nurse.ticks("Gowned, on the table", {"Gown on": "Yes"}, by=WARD)
    line: Values = {"Site": "Forearm", "Side": "Left", "Gauge": "20 G", "Flushes freely": "Yes"}
    nurse.ticks("IV line in", {**line, "Attempts": Stepped("2", 2)}, by=WARD)
    nurse.ticks("IV line in", {**line, "Site": "Hand", "Gauge": "22 G"}, by=SEDATION)
    nurse.corrects("IV line in", {"Gauge": "18 G"}, "Read from the packet again", number=0)
    cefazolin: Values = {"Drug": "Cefazolin", "Dose": Shown("2 g", "2 g (2000 mg)"), "Route": "Into the vein"}
    nurse.ticks("Antibiotic started", cefazolin, by=SEDATION)
    second.takes_back("Antibiotic started", "Drawn up, not given: she is allergic to penicillin")
    nurse.ticks(
        "Antibiotic started", {"Drug": "Clindamycin", "Dose": "600 mg", "Route": "Into the vein"}, by=SEDATION
    )
    nurse.ticks(
        "Monitors on",
        {**VITALS, **SPO2, "Monitors running": ["ECG", "Oximeter"], "Oxygen flow": "2 L/min"},
        by=SEDATION,
    )
    reason = "The operator shows the site now and marks it before draping"
    nurse.takes_in_hand("Sign-in done")
    nurse.sees("First: Site mark.")
    nurse.ticks("Sign-in done", SIGN_IN, override=reason, flags={"overridden", "out of order"})
    nurse.ticks("Site marked", {"Region": "Thoracolumbar"}, by=OPERATOR)
    nurse.ticks("Sedation started", {"Kind": "Moderate sedation", "Depth (RASS)": "-2"}, by=SEDATION)
    free = dict.fromkeys(("Eyes free", "Arms relaxed", "Pressure points padded"), "Yes")
    nurse.ticks("In position", {"Position": "Face down", **free})
    nurse.ticks(
        "Skin cleaned", {"Hair removal": "None", "Antiseptic": "Chlorhexidine with alcohol"}, by=SCRUB
    )
    nurse.ticks("Draped", {"Skin was dry": "Yes"}, by=SCRUB, flags=AT_ONCE)
    nurse.ticks("Time-out done", {"Levels read aloud": ["T12", "L1"], **TIME_OUT})
    second.verifies("Time-out done")


def levels_begun(nurse: Tablet, second: Tablet) -> None:
    """T12 from the left, L1 from both sides, by turns; two tablets meet at one step."""
    block: Values = {
        "Technique": "Skin to bone", "Drug": "Lidocaine", "Concentration": "1 %",
        "Volume": "8 mL", "With adrenaline": "No",
    }  # fmt: skip
    counted: Values = {"Counted": "Up from the sacrum", "Both views saved": "Yes"}
    nurse.ticks("Local anaesthetic in, T12", block, by=OPERATOR)
    nurse.ticks("Level confirmed, T12", {**counted, "Level counted": "T12"}, by=OPERATOR)
    second.verifies("Level confirmed, T12")
    second.takes_in_hand("Local anaesthetic in, L1")
    second.fills(second.form("done"), {"Technique": "Nerve block"})
    nurse.ticks("Local anaesthetic in, L1", block, by=OPERATOR)
    assert second.tries("Local anaesthetic in, L1") == 409
    second.sees(f"Done by {OPERATOR} at ")
    nurse.ticks("Needle in, T12", NEEDLE, by=OPERATOR, side="Left")
    nurse.ticks("Level confirmed, L1", {**counted, "Level counted": "L1"}, by=RADIOGRAPHER)
    second.verifies("Level confirmed, L1")
    nurse.ticks("Needle in, L1", NEEDLE, by=OPERATOR, side="Both sides")


def balloons(nurse: Tablet) -> None:
    """One ruptures and is replaced: two entries in, two out."""
    usual: Values = {**BALLOON, "Highest pressure": "220 psi", "Highest volume": "3.5 mL"}
    nurse.ticks(
        "Balloon in, T12 left",
        {**usual, "Highest pressure": Shown("15 atm", "15 atm (220 psi)")},
        by=OPERATOR,
    )
    ruptured: Values = {
        **usual,
        "Stopped because": "Rupture",
        "Rupture": "Yes",
        "Highest pressure": "310 psi",
    }
    nurse.ticks(
        "Balloon in, L1 left", ruptured, by=OPERATOR, unusual="Highest pressure", flags={"unusual, confirmed"}
    )
    nurse.ticks("Balloon out, L1 left", OUT, by=OPERATOR)
    nurse.ticks(
        "Complication recorded",
        {
            "What": "Balloon rupture",
            "Level": "L1",
            "Side": "Left",
            "With symptoms": "No",
            "What was done": "Replaced",
            "Outcome": "Resolved",
        },
    )
    nurse.ticks("Balloon in, L1 left", usual, by=OPERATOR)
    nurse.ticks("Balloon in, L1 right", usual, by=OPERATOR)
    nurse.ticks("Balloon out, L1 right", OUT, by=OPERATOR)
    nurse.ticks("Balloon out, T12 left", OUT, by=OPERATOR)
    expect(nurse.row("K09b-L1-left")).to_contain_text("still inside")
    nurse.ticks("Balloon out, L1 left", OUT, by=OPERATOR)


def cement(nurse: Tablet, second: Tablet) -> None:
    """One batch for three needles; the first volume follows later."""
    batch: Values = {
        "Cement, powder": {"Which": "Cement A (Maker)", "Lot": "C-900", "Expires": "2099-06-30"},
        "Liquid, lot": "L-12", "Liquid, expires": "2099-05-31", "Room temperature": "21.5 °C",
    }  # fmt: skip
    nurse.ticks("Cement mixing started", batch, by=SCRUB)
    second.verifies("Cement mixing started")
    nurse.ticks("Cement in, T12 left", INJECTED, by=OPERATOR, lacks=["Volume"], flags=AT_ONCE)
    given: Values = {**INJECTED, "Volume": "2.5 mL"}
    nurse.ticks("Cement in, L1 left", given, by=OPERATOR, side="Both sides", flags=AT_ONCE)
    nurse.ticks("Vitals taken", {**VITALS, **SPO2}, by=SEDATION)
    nurse.ticks(
        "Drug given",
        {"Drug": "Fentanyl", "Dose": Shown("50 µg", "50 µg (0.05 mg)"), "Route": "Into the vein"},
        by=SEDATION,
    )
    assert nurse.sends(nurse.page.locator("#missing a[href$='/missing/']")) == 200
    assert nurse.sends(nurse.hand.get_by_role("link", name="Volume")) == 200
    nurse.adds_details("Cement in, T12 left", {"Volume": "3 mL"})
    for where in ("T12 left", "L1 left", "L1 right"):
        nurse.ticks(f"Needle out, {where}", {"Whole": "Yes"}, by=OPERATOR)
    for level in ("T12", "L1"):
        nurse.ticks(f"Cement hardened, {level}", {"Sample is hard": "Yes"}, by=SCRUB, flags=AT_ONCE)


def third_level(nurse: Tablet, second: Tablet) -> None:
    """L2 is added with a reason and abandoned with a balloon inside, which is still owed out."""
    nurse.goes_to("manage")
    why = "Fresh fracture seen at L2; the consent covers it"
    fold = nurse.page.locator("#add-level")
    fold.locator("> summary").tap()
    fold.locator("label", has_text="L2").tap()
    assert nurse.sends(fold.get_by_role("button", name="Add this vertebra")) == 422
    nurse.sees("Say why.")
    fold.get_by_label("Why").fill(why)
    assert nurse.sends(fold.get_by_role("button", name="Add this vertebra")) == 200
    nurse.ledger.note("Vertebra L2 added", nurse.name, reason=why)
    nurse.goes_to("")
    nurse.ticks(
        "Level confirmed, L2",
        {"Level counted": "L2", "Counted": "Up from the sacrum", "Both views saved": "Yes"},
        by=OPERATOR,
    )
    second.takes_in_hand("Draped")  # the answer brings what changed meanwhile: L2 is new on this tablet
    second.verifies("Level confirmed, L2")
    nurse.ticks(
        "Needle in, L2", NEEDLE, by=OPERATOR, side="Right", flags={"out of order", "level not read aloud"}
    )
    nurse.ticks(
        "Balloon in, L2 right",
        {**BALLOON, "Highest pressure": "180 psi", "Highest volume": "2 mL"},
        by=OPERATOR,
    )
    nurse.goes_to("manage")
    gave_up = "The wall is breached"
    assert nurse.manages("level-abandon-L2", "Abandon this vertebra", gave_up) == 200
    nurse.ledger.note("Vertebra L2 abandoned", nurse.name, reason=gave_up)
    nurse.goes_to("")
    expect(nurse.row("K09b-L2-right")).to_contain_text("still inside")
    nurse.takes_in_hand("All vertebrae done")
    nurse.sees("First: Needle removed (L2).")
    nurse.ticks("Balloon out, L2 right", OUT, by=OPERATOR)
    nurse.ticks("Needle out, L2 right", {"Whole": "Yes"}, by=OPERATOR)


def leaves_the_room(nurse: Tablet, second: Tablet) -> None:
    """Counts that do not match hold the sign-out."""
    nurse.ticks("All vertebrae done", {"Remark": "L2 was given up"}, by=OPERATOR)
    images: Values = {
        "Images by": "Fluoroscopy", "Leak on final images": ["Disc (D)"], "Height": "Partly restored",
        "Fluoroscopy time": Shown("4.5 min", "4.5 min (270 s)"),
        "Dose-area product": Shown("1250 cGy·cm²", "1250 cGy·cm² (12.5 Gy·cm²)"),
    }  # fmt: skip
    nurse.ticks("Final images taken", images, by=RADIOGRAPHER)
    nurse.ticks("Counted", {"Counts match": "No", "Counted in": "24", "Counted out": "23"})
    nurse.takes_in_hand("Sign-out done")
    nurse.sees("First: Needles, sharps and swabs counted, with the right answer.")
    second.verifies("Counted")
    nurse.ticks("Counted", {"Counts match": "Yes", "Counted in": "24", "Counted out": "24"})
    second.verifies("Counted")
    nurse.ticks(
        "Dressing on", {"Closed with": "Strips", "Dressing": "Dry, sterile", "Blood loss": "10 mL"}, by=SCRUB
    )
    nurse.ticks("Sign-out done", SIGN_OUT)


def recovers_and_goes_home(nurse: Tablet, ward: Ward) -> None:
    """Recovery, discharge, and the end of the case."""
    nurse.ticks("Turned and transferred", {"Airway free": "Yes"}, flags=AT_ONCE)
    handed: Values = {"Taken over by": RECOVERY, "Assessment, concerns, orders": "Lies flat for two hours"}
    nurse.ticks("Handed over", handed, by=SEDATION)
    observed: Values = {
        **VITALS,
        **SPO2,
        **LEGS,
        "Breathing rate": "14 /min",
        "Pain, 0 to 10": "2",
        "Wound": "Dry",
    }
    recovery = ward.signs_in("recovery")
    recovery.opens_the_case_of(PATIENT)
    recovery.ticks("Observations taken", observed)
    items = dict.fromkeys(("Movement", "Breathing", "Blood pressure", "Awake", "Oxygen saturation"), "2")
    recovery.ticks("Score taken", {**items, "Total": "10"})
    recovery.ticks(
        "Discharged",
        {
            "Criteria met": ["Vitals steady", "Wound dry"],
            "Goes with somebody": "Yes",
            "Written instructions given": "Yes",
        },
        flags=AT_ONCE,
    )
    recovery.sees("Nothing is open")
    recovery.goes_to("manage")
    assert recovery.sends(recovery.page.get_by_role("button", name="Complete the case")) == 200
    ward.ledger.note("Case completed", recovery.name)
