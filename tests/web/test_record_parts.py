"""The Record read in a minute: what each part says, and that every kind of flag is said in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from procedures import clock, commands
from procedures.definitions import Role
from procedures.models import Membership, Product, User
from procedures.screens.record import RecordScreen
from tests.web.reading import screen_of, words
from tests.web.visitor import Answer, Visitor
from tests.world import World

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


class Hours:
    """A clock that goes on by a minute with every act."""

    def __init__(self) -> None:
        self.now = START

    @contextmanager
    def later(self, minutes: float = 1) -> Iterator[None]:
        """So many minutes later."""
        self.now += timedelta(minutes=minutes)
        with clock.at(self.now):
            yield


def mg(amount: str) -> dict[str, str]:
    return {"amount": amount, "unit": "mg"}


def ug(entered: str) -> dict[str, str]:
    return {"amount": str(Decimal(entered) / 1000), "unit": "mg", "entered": entered, "entered_unit": "ug"}


def ml(amount: str) -> dict[str, str]:
    return {"amount": amount, "unit": "mL"}


def leak(*kinds: str, **rest: Any) -> dict[str, Any]:
    return {"leak": list(kinds), "stop_reason": "filled", **rest}


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.fixture
def whole(world: World, hours: Hours) -> UUID:
    """Two vertebrae: T12 from both sides with a ruptured balloon and a leak, L1 from the left; out of the room."""
    with hours.later():
        case_id = world.started("T12", "L1")

    def do(*keys: str, by: str = "nurse", minutes: float = 1, **values: Any) -> int:
        for key in keys:
            with hours.later(minutes):
                seq = world.do(case_id, key, by=by, values=values, confirmed=SURE).last
        return seq

    with hours.later():
        world.do_until(case_id, "PRE-BASE")
    do("PRE-BASE", weight={"amount": "72", "unit": "kg"})
    with hours.later():
        world.do_until(case_id, "ABX")
    do("ABX", by="sedation", drug="cefazolin", dose=mg("2000"), route="iv")
    do("K03", "CHK-IN")
    do("K04", mode="moderate")
    do("K05", "K06a")
    do("K06b", minutes=4)
    do("CHK-TO", patient="yes", images="no", levels_read=["T12", "L1"], present=[person(world.operator)])
    do("EV-DRUG", by="sedation", drug="fentanyl", dose=ug("50"), route="iv")
    do("EV-DRUG", by="sedation", drug="fentanyl", dose=ug("25"), route="iv", minutes=6)
    for level, volume in (("T12", "10"), ("L1", "8")):
        do(f"K07-{level}", drug="lidocaine", concentration={"amount": "1", "unit": "%"}, volume=ml(volume))
        do(f"K08a-{level}", level_read=level, count_method="sacrum")
    for access in ("T12-left", "T12-right", "L1-left"):
        do(f"K08b-{access}", approach="transpedicular", gauge={"amount": "10", "unit": "{G}"})
    balloon = {"id": None, "name": "Balloon 15/3", "lot": "B-77", "how": "typed"}
    psi = {"amount": "198.395", "unit": "[psi]", "entered": "13.5", "entered_unit": "atm"}
    do("K09a-T12-left", balloon=balloon, size="15/3", pressure=psi, stop_reason="rupture", rupture=True)
    do(
        "EV-COMPLICATION",
        type="balloon_rupture",
        level="T12",
        side="left",
        symptomatic=False,
        outcome="resolved",
    )
    do("K09b-T12-left")
    for access in ("T12-left", "T12-right", "L1-left"):
        do(
            f"K09a-{access}",
            balloon=balloon,
            size="15/3",
            volume=ml("2.5"),
            stop_reason="height",
            rupture=False,
        )
        do(f"K09b-{access}")
    cement = Product.objects.get(kind="cement")
    scanned = {"id": cement.pk, "name": str(cement), "lot": "KX-20931", "gtin": cement.gtin, "how": "scanned",
               "expires": "2028-01-31", "scan": "0109521100000017\x1d10KX-20931"}  # fmt: skip
    batch = {"seq": do("K09c", cement=scanned, liquid_lot="LQ-1", liquid_expires="2028-02-28"), "key": "K09c"}
    do("K09d-T12-left", volume=ml("2.0"), minutes=7, batch=batch, **leak("disc"))
    do("K09d-T12-right", volume=ml("1.5"), batch=batch, **leak("none"))
    do("K09d-L1-left", volume=ml("4.5"), batch=batch, **leak("none"))
    do("K09e-T12-left", "K09e-T12-right", "K09e-L1-left")
    do("K09f-T12", "K09f-L1", minutes=16)
    do("K10")
    do("K11", modality="ct", leak=["disc"], height="partly", fluoro_time={"amount": "390", "unit": "s"},
       dap={"amount": "12.3", "unit": "Gy.cm2", "entered": "1230", "entered_unit": "cGy.cm2"})  # fmt: skip
    do("CNT", "CLO", "CHK-OUT", "REC-TURN")
    return case_id


SURE = frozenset({"again", "pressure", "volume", "total_volume", "fluoro_time", "dap"})


def person(user: User) -> dict[str, Any]:
    return {"id": user.pk, "name": user.display_name}


@dataclass(frozen=True)
class Read:
    """The record of that case, as it is built and as it is drawn."""

    case_id: UUID
    screen: RecordScreen
    answer: Answer


_read: list[Read] = []


@pytest.fixture
def read(request: pytest.FixtureRequest) -> Read:
    """Recorded once for all tests that only read: what was read is frozen and needs no database."""
    if not _read:
        world, case_id = request.getfixturevalue("world"), request.getfixturevalue("whole")
        _read.append(Read(case_id, screen_of(world, case_id), Visitor(world.nurse).get("record", case_id)))
    return _read[0]


# In a minute --------------------------------------------------------------------------------------------------------


def test_the_heading_says_what_was_done_and_the_numbers(read: Read) -> None:
    screen = read.screen
    assert screen.title == "Balloon kyphoplasty T12 both sides, L1 left"
    figures = {f.key: (f.value, f.note, f.tone) for f in screen.figures}
    assert figures["cement"] == ("8.0 mL", "in 2 vertebrae", "")
    assert figures["leak"] == ("Disc (D)", "", "warn")
    assert figures["complications"] == ("1", "", "warn")
    assert figures["radiation"] == ("6:30 min", "12.3 Gy·cm²", "")
    assert figures["skin"][0] == "24 min"
    facts = dict(screen.facts)
    assert facts["Anaesthesia"] == "Moderate sedation"
    assert facts["Planned anaesthesia"] == "Sedation"
    text = read.answer.page.text
    for said in ("Balloon kyphoplasty T12 both sides, L1 left", "Dr W. Chen", "IR room 2", "Osteoporosis"):
        assert said in text, said


def test_the_title_of_what_went_otherwise(world: World) -> None:
    planned = world.started("T12", "L1")
    assert screen_of(world, planned).title == "Kyphoplasty T12, L1, planned"
    commands.defer_level(world.command(planned), vertebra="L1", reason="No oedema")
    world.rush(planned, "K08b-T12-left", "K09d-T12-left")
    assert screen_of(world, planned).title == "Vertebroplasty T12, left; L1 deferred"
    stopped = world.started("L2", mrn="2")
    world.do_until(stopped, "K05")
    commands.stop(world.command(stopped), reason="Cannot lie flat")
    assert screen_of(world, stopped).title == "Kyphoplasty L2, not done"


def test_the_table_has_a_column_for_each_side_and_totals_for_each_vertebra(read: Read) -> None:
    table = read.screen.levels
    assert table
    assert [c.title for c in table.columns] == ["T12 left", "T12 right", "L1 left"]
    assert [(h.level, h.width) for h in table.heads] == [("T12", 2), ("L1", 1)]
    rows = {
        (g.title, r.label): [[s.text for s in c.said] for c in r.cells] for g in table.groups for r in g.rows
    }
    assert rows["Balloon", "Rupture"] == [["1: yes", "2: no"], ["no"], ["no"]]
    assert rows["Balloon", "Highest pressure"] == [["1: 13.5 atm (198 psi)"], [], []]
    assert rows["Cement", "Volume"] == [["2.0 mL"], ["1.5 mL"], ["4.5 mL"]]
    assert rows["Cement", "Leak"] == [["Disc (D)"], ["None seen"], ["None seen"]]
    assert rows["Whole vertebra", "Cement in all"] == [["3.5 mL"], ["4.5 mL"]]
    assert rows["Whole vertebra", "Leak at this vertebra"] == [["Disc (D)"], ["none seen"]]


def test_doses_come_to_a_sum_in_both_units_and_local_anaesthetic_to_mg(read: Read) -> None:
    screen = read.screen
    totals = {drug.name: (drug.total, drug.canonical, drug.unit, len(drug.doses)) for drug in screen.drugs}
    assert totals["Fentanyl"] == ("75 µg (0.075 mg)", Decimal("0.075"), "mg", 2)
    assert totals["Cefazolin"] == ("2000 mg", Decimal(2000), "mg", 1)
    assert [row.in_mg for row in screen.local] == ["100 mg", "80 mg"]
    assert [total.words for total in screen.local_totals] == ["180 mg in 18 mL, 2.5 mg/kg"]


def test_a_dose_without_an_amount_is_not_in_the_sum_and_is_counted(world: World, whole: UUID) -> None:
    world.do(whole, "EV-DRUG", by="sedation", values={"drug": "fentanyl"}, confirmed=SURE)
    (fentanyl,) = [d for d in screen_of(world, whole).drugs if d.name == "Fentanyl"]
    assert (fentanyl.canonical, fentanyl.unknown) == (Decimal("0.075"), 1)


def test_radiation_is_canonical_and_as_entered(read: Read) -> None:
    rows = {r.key: (r.words, r.also, [text for _act, text in r.entered]) for r in read.screen.radiation}
    assert rows["dap"] == ("12.3 Gy·cm²", "", ["1230 cGy·cm²"])
    assert rows["fluoro_time"] == ("390 s", "6:30 min", ["390 s"])


def test_implants_stand_first_with_all_that_identifies_them(read: Read) -> None:
    powder, liquid, *rest = read.screen.devices
    assert (powder.lot, powder.gtin, powder.how) == ("KX-20931", "09521100000017", "scanned")
    assert powder.scan == "0109521100000017|10KX-20931"
    assert powder.places == liquid.places == ["T12 left", "T12 right", "L1 left"]
    assert (liquid.lot, liquid.expires) == ("LQ-1", "28 Feb 2028")
    first = rest[0]
    assert (first.kind, first.lot, first.how, first.places) == ("Balloon", "B-77", "typed", ["T12 left"])
    assert not any(d.stays for d in rest)


def test_checks_say_who_was_there_and_what_was_not_yes(read: Read) -> None:
    (time_out,) = [c for c in read.screen.checks if c.title == "Time-out"]
    answers = {label: (answer, doubtful) for label, answer, doubtful in time_out.answers}
    assert answers["Patient and procedure"] == ("Yes", False)
    assert answers["Images on the screen"] == ("No", True)
    assert answers["Sterile, equipment in order"] == ("not answered", True)
    assert time_out.present == "Dr W. Chen"
    assert "Dr W. Chen" in words(read.answer, "checks-title")


def test_people_are_counted(read: Read) -> None:
    people = {m.name: m for m in read.screen.people}
    assert (people["Dr W. Chen"].role, people["Dr W. Chen"].performed) == ("Operator", 0)
    assert people["Ada Okafor"].recorded > 30
    assert (people["Liam Moreau"].role, people["Liam Moreau"].performed) == ("", 3)


def test_the_plot_says_what_it_is_and_needs_no_style_in_its_lines(read: Read) -> None:
    html = read.answer.html
    svg = html[
        html.index('<svg class="timeline"') : html.index("</svg>", html.index('<svg class="timeline"'))
    ]
    assert 'role="img" aria-label="The case on one axis of time' in svg
    assert "style=" not in svg
    for said in (
        "T12 left",
        "L1 left",
        "Balloon rupture",
        "Fentanyl 50 µg",
        "Cement hardening",
        "Heart rate",
    ):
        assert (said in svg) == (said != "Heart rate"), said


def test_missing_items_lead_to_their_step_and_the_rest_is_written_by_hand(read: Read) -> None:
    answer = read.answer
    assert f"/cases/{read.case_id}/steps/CLO/" in answer.html
    said = answer.page.ids["complete"]
    assert "Blood loss" in said
    assert "Written into the note by hand: Elective or emergency;" in said


# Signed -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def signed(world: World, whole: UUID) -> UUID:
    trainer = User.objects.create_user("trainer", display_name="Dr T. Rainer", initials="TR")
    Membership.objects.create(user=trainer, unit=world.unit, role=Role.OPERATOR)
    world.people["trainer"] = trainer
    world.sign(whole, note={"procedure": "Balloon kyphoplasty\nT12 and L1"}, cosign_by=trainer.pk)
    return whole


def test_a_signature_says_who_when_why_and_on_what(world: World, signed: UUID, operator: Visitor) -> None:
    block = screen_of(world, signed).signing
    (signature,) = block.signatures
    assert (signature.name, block.asked, block.words) == (
        "Dr W. Chen",
        "Dr T. Rainer",
        "signed, to be co-signed",
    )
    assert signature.head == signature.head.lower()
    assert len(signature.head) == 64
    said = words(operator.get("record", signed), "signed-title")
    for text in ("I am the author of this operative note", f"events 1 to {signature.up_to}", signature.head,
                 "T12 and L1", "Dr T. Rainer was asked to co-sign", "Not written down at the time"):  # fmt: skip
        assert text in said, text
    commands.cosign(world.command(signed, "trainer"), remark="Read together")
    assert screen_of(world, signed).signing.words == "signed and co-signed"
    assert "Read together" in words(operator.get("record", signed), "signed-title")


def test_an_addendum_is_marked_as_added_later_and_counts(
    world: World, signed: UUID, operator: Visitor
) -> None:
    about = world.step(signed, "K09d-L1-left").live[-1].seq
    commands.add_addendum(
        world.command(signed, "operator"), reason="CT on the next day", text="Leak into the disc, no symptoms",
        key="K09d-L1-left", about=about, values={"leak": ["segmental"]},
    )  # fmt: skip
    commands.add_addendum(world.command(signed, "nurse"), reason="Forgotten", text="The daughter was told")
    answer = operator.get("record", signed)
    said = words(answer, "addenda-title")
    for text in ("added later", "Dr W. Chen", "CT on the next day", "Leak into the disc, no symptoms",
                 "None seen → Segmental vein (S)", "The daughter was told", "Ada Okafor"):  # fmt: skip
        assert text in said, text
    assert "added later" in words(answer, "levels-title")
    figures = {f.key: f.value for f in screen_of(world, signed).figures}
    assert figures["leak"] == "Disc (D), Segmental vein (S)"


def test_an_unsigned_case_is_said_to_be_signed_when_it_is_due(world: World, read: Read) -> None:
    assert read.screen.signing.words == "to be signed"
    assert screen_of(world, world.started("L1", mrn="2")).signing.words == ""
    assert "signed-title" not in read.answer.html
