"""A small suite, built by the commands only: no test stands on a state that the app cannot reach."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.hashers import make_password

from procedures import clock, commands
from procedures.commands import Command, PatientDetails, Plan, Receipt
from procedures.definitions import Field, FieldType, Key, Needed, Role, Step
from procedures.models import Case, Membership, Pin, Product, Tablet, Unit, User
from procedures.protocols import frozen, loader
from procedures.state import Source, StepState
from procedures.values import quantity, stamp

PASSWORD = "a-long-enough-phrase"
PIN = "271828"
SECRET = "the secret that the cookie of the enrolled tablet holds"
CEMENT, BALLOON, NEEDLE = "09521100000017", "09521100000024", "09521100000031"  # GTINs of the examples' range
PEOPLE = {
    "ward": ("Wanda Ward", Role.WARD_NURSE),
    "nurse": ("Ada Okafor", Role.CIRCULATING_NURSE),
    "sedation": ("Liam Moreau", Role.SEDATION_NURSE),
    "scrub": ("Sven Scrub", Role.SCRUB_NURSE),
    "radiographer": ("Rita Rayes", Role.RADIOGRAPHER),
    "operator": ("Dr W. Chen", Role.OPERATOR),
    "assistant": ("Dr A. Assist", Role.ASSISTANT),
    "anaesthetist": ("Dr N. Gas", Role.ANAESTHETIST),
    "recovery": ("Rose Rest", Role.RECOVERY_NURSE),
    "admin": ("Adam Admin", Role.ADMINISTRATOR),
}


@dataclass
class World:
    """One unit with its people, a stranger in another unit, and the built-in protocol."""

    unit: Unit
    other_unit: Unit
    people: dict[str, User]
    stranger: User
    cases: dict[str, UUID] = field(default_factory=dict)

    def __getattr__(self, name: str) -> User:
        try:
            return self.__dict__["people"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(name) from None

    def open(
        self, *levels: str, anaesthesia: str = "sedation", mrn: str = "004217889", **details: Any
    ) -> UUID:
        """A scheduled case, opened by the circulating nurse."""
        case_id = uuid4()
        open_with(self, case_id, levels or ("T12", "L1"), anaesthesia=anaesthesia, mrn=mrn, **details)
        return case_id

    def started(self, *levels: str, **details: Any) -> UUID:
        """A case that was started."""
        case_id = self.open(*levels, **details)
        commands.start(self.command(case_id))
        return case_id

    def command(
        self, case_id: UUID, by: str = "nurse", performed_by: str = "", source: Source = Source.LIVE
    ) -> Command:
        """A fresh command of one of the people."""
        performer = self.people[performed_by].pk if performed_by else None
        return Command(
            case_id=case_id,
            by=self.people[by],
            command_id=uuid4(),
            performed_by=performer,
            source=source,
        )

    def abroad(self, name: str, role: Role) -> User:
        """Somebody who works in the other unit; known by that name from now on."""
        user = User.objects.create_user(name, display_name=name.title(), initials=name[:2].upper())
        Membership.objects.create(user=user, unit=self.other_unit, role=role)
        self.people[name] = user
        return user

    def step(self, case_id: UUID, key: str) -> StepState:
        """A step of a case, from its row."""
        from procedures import projection

        return projection.load(Case.objects.get(pk=case_id)).steps[key]

    def do(self, case_id: UUID, *keys: str, by: str = "nurse", **rest: Any) -> Receipt:
        """Record steps as done, one after the other, with what each needs now."""
        receipt = None
        for key in keys:
            values = {**needed_now(case_id, key), **rest.get("values", {})}
            sure = rest.get("confirmed", frozenset({"again"}))
            receipt = commands.record_done(
                self.command(case_id, by), key, **{**rest, "values": values, "confirmed": sure}
            )
        assert receipt
        return receipt

    def rush(self, case_id: UUID, *keys: str, **rest: Any) -> None:
        """Record steps whatever their order, in an emergency that is over afterwards."""
        commands.set_emergency(self.command(case_id), on=True)
        self.do(case_id, *keys, **rest)
        commands.set_emergency(self.command(case_id), on=False)

    def do_until(self, case_id: UUID, stop: str, by: str = "nurse") -> None:
        """Do what comes next, one after the other, until the step with this code comes up."""
        from procedures import projection
        from procedures.progress import Progress

        for _ in range(400):
            case = Case.objects.get(pk=case_id)
            place = Progress(frozen.protocol(case.protocol_id), projection.load(case)).next_place()
            if place is None or place.key.code == stop:
                return
            self.do(case_id, str(place.key), by=by, **({"side": "left"} if place.needs_side else {}))
        raise AssertionError(f"never came to {stop}")

    def signed(self, *levels: str, **details: Any) -> UUID:
        """A case that has come to the recovery and whose note the operator has signed, with each gap explained."""
        case_id = self.started(*levels, **details)
        self.do_until(case_id, "REC-HO")
        self.sign(case_id)
        return case_id

    def sign(self, case_id: UUID, by: str = "operator", **rest: Any) -> Receipt:
        """Sign the operative note, with each gap explained."""
        return commands.sign(self.command(case_id, by), **self.note(case_id, **rest))

    def note(self, case_id: UUID, **rest: Any) -> dict[str, Any]:
        """What is signed: a note, and why something is missing."""
        from procedures import projection, signing_rules
        from procedures.progress import Progress

        case = Case.objects.get(pk=case_id)
        progress = Progress(frozen.protocol(case.protocol_id), projection.load(case))
        note = rest.get("note", {"procedure": "Balloon kyphoplasty"})
        explained = dict.fromkeys(signing_rules.lacking(progress, note), "Not written down at the time")
        return {"note": note, "explained": explained, **rest}

    def operator_too(self, name: str) -> User:
        """A second operator of the unit; known by that name from now on."""
        user = User.objects.create_user(name, display_name=name.title(), initials=name[:2].upper())
        Membership.objects.create(user=user, unit=self.unit, role=Role.OPERATOR)
        self.people[name] = user
        return user


def build() -> World:
    """The suite."""
    loader.load(loader.BUILT_IN)
    unit = Unit.objects.create(name="Interventional suite", rooms=["IR room 1", "IR room 2"])
    other = Unit.objects.create(name="Other hospital wing", rooms=["Theatre 9"])
    people = {}
    for name, (display, role) in PEOPLE.items():
        people[name] = User.objects.create_user(
            name, password=None, display_name=display, initials="".join(w[0] for w in display.split())[-3:]
        )
        Membership.objects.create(user=people[name], unit=unit, role=role)
    stranger = User.objects.create_user("stranger", display_name="Stan Ger", initials="SG")
    Membership.objects.create(user=stranger, unit=other, role=Role.OPERATOR)
    Product.objects.create(
        kind="cement", name="Cement A", manufacturer="Maker", gtin=CEMENT, working_from=5, working_until=12
    )
    Product.objects.create(
        kind="balloon", name="Balloon 15/3", manufacturer="Maker", gtin=BALLOON, max_pressure_psi=400
    )
    Product.objects.create(kind="needle", name="Needle 11 G", manufacturer="Maker", gtin=NEEDLE)
    return World(unit, other, people, stranger)


def give_pin(user: User, pin: str = PIN) -> None:
    """Let somebody have a PIN."""
    Pin.objects.create(user=user, hash=make_password(pin), changed_at=clock.now())


def secret_of(name: str) -> str:
    """What the cookie of a tablet of that name holds."""
    return f"the-secret-of-{name.replace(' ', '-')}"


def tablet_of(unit: Unit, name: str = "Room 2") -> Tablet:
    """A tablet enrolled for a unit."""
    digest = sha256(secret_of(name).encode()).digest()
    return Tablet.objects.create(unit=unit, name=name, secret_hash=digest, enrolled_at=clock.now())


def open_with(world: World, case_id: UUID, levels: Any, **details: Any) -> Receipt:
    """Open a case as the circulating nurse, with any detail set otherwise."""
    patient = PatientDetails(
        mrn=details.get("mrn", "004217889"),
        family_name=details.get("family_name", "Rossi"),
        given_name=details.get("given_name", "Maria"),
        birth_date=details.get("birth_date", date(1952, 3, 12)),
        sex="F",
    )
    plan = Plan(
        room="IR room 2",
        scheduled_at=details.get("scheduled_at", datetime(2026, 11, 22, 9, 0, tzinfo=UTC)),
        indication="osteoporosis",
        anaesthesia=details.get("anaesthesia", "sedation"),
        levels=list(levels),
        team={world.operator.pk: Role.OPERATOR, world.nurse.pk: Role.CIRCULATING_NURSE},
    )
    command = Command(case_id=case_id, by=details.get("by", world.nurse), command_id=case_id)
    return commands.open_case(
        command,
        unit=world.unit,
        patient=patient,
        plan=plan,
        allergies=details.get("allergies", ["penicillin"]),
    )


def needed_now(case_id: UUID, key: str) -> dict[str, Any]:
    """A plausible value for each field without which there is no tick."""
    step = frozen.protocol(Case.objects.get(pk=case_id).protocol_id).by_code[Key.parse(key).code]
    return {f.key: plausible(f, case_id) for f in step.fields if f.needed is Needed.NOW}


def everything(case_id: UUID, step: Step) -> dict[str, Any]:
    """A plausible value for each field of a step."""
    return {f.key: plausible(f, case_id) for f in step.fields}


def plausible(f: Field, case_id: UUID) -> Any:
    """A usual value of a field."""
    match f.type:
        case FieldType.NUMBER | FieldType.QUANTITY:
            amount = f.typical if f.typical is not None else (f.warn_below or f.refuse_below or 1)
            return quantity(f, amount)  # type: ignore[arg-type]
        case FieldType.CHOICE:
            return f.options[0][0]
        case FieldType.CHOICES:
            return ["none"] if "none" in dict(f.options) else [f.options[0][0]]
        case FieldType.YESNO:
            return True
        case FieldType.TIME:
            return stamp(clock.now() - timedelta(minutes=1))
        case FieldType.DATE:
            return "2099-03-31"
        case FieldType.PRODUCT:
            product = Product.objects.filter(kind=f.product_kind).first()
            return {
                "id": product.pk if product else None,
                "name": str(product),
                "lot": "KX-1",
                "expires": "2099-03-31",
                "how": "picked",
            }
        case FieldType.PERSON | FieldType.PEOPLE:
            user = User.objects.get(username="scrub")
            named = {"id": user.pk, "name": user.display_name}
            return [named] if f.type is FieldType.PEOPLE else named
        case FieldType.ENTRY:
            from procedures.models import Step as Row

            entries = Row.objects.get(case=case_id, code=f.entry_of).entries
            return {"seq": entries[-1]["seq"], "key": f.entry_of}
    return "text"
