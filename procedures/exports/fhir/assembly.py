"""One bundle while it is put together: the case, what may be told, and the resources so far."""

from functools import cached_property
from typing import Any
from uuid import UUID, uuid5

from django.utils.crypto import salted_hmac

from procedures import canonical, directory, values
from procedures.definitions import Field, FieldType, Key, Measure, Step
from procedures.models import User
from procedures.progress import Place
from procedures.screens.view import View
from procedures.state import Entry, Event, EventKind

from . import vocabulary as v
from .shapes import Json, clean, coding, concept, identifier, masked

FOR_ALL = UUID("6f7c1c3e-6a52-5c52-9d6e-0b8f5f0d7a11")  # the namespace of the ids of identified exports
TELLING = (FieldType.TEXT, FieldType.PERSON, FieldType.PEOPLE)  # values that may say who somebody is


class Assembly:
    """The resources of one case. `identified` decides whether anybody can be known from them.

    Ids are made from the case, the kind of export and what a resource is, so that the same export of the same case
    has the same ids. Without the server's key nobody can tell which case the ids of a de-identified export are of.
    """

    def __init__(self, view: View, *, identified: bool) -> None:
        self.view, self.state, self.progress = view, view.state, view.progress
        self.case, self.protocol = view.case, view.protocol
        self.identified = identified
        self.resources: list[Json] = []
        self.people: dict[int, Json] = {}
        self.devices: dict[int, list[tuple[str, Json]]] = {}  # of each entry: what kind, and a reference

    # Ids and references -------------------------------------------------------------------------------------

    @cached_property
    def space(self) -> UUID:
        """The namespace of the ids of this export."""
        if self.identified:
            return uuid5(FOR_ALL, str(self.case.pk))
        secret = salted_hmac("procedures.exports.fhir", str(self.case.pk), algorithm="sha256").digest()
        return UUID(bytes=secret[:16], version=5)

    @property
    def case_id(self) -> str:
        """What the case is called in this export."""
        return str(self.case.pk if self.identified else self.space)

    def id(self, *what: Any) -> str:
        """The id of the resource that is about this."""
        return str(uuid5(self.space, "/".join(str(part) for part in what)))

    def reference(self, *what: Any) -> Json:
        """A reference to the resource that is about this: its type, then what tells it from others of the type."""
        return {"reference": f"urn:uuid:{self.id(*what)}"}

    def add(self, resource: Json, *what: Any) -> Json:
        """Take a resource in. Returns a reference to it."""
        kind = resource["resourceType"]
        self.resources.append({"resourceType": kind, "id": self.id(kind, *what), **clean(resource)})
        return self.reference(kind, *what)

    def person(self, user: int) -> Json:
        """A reference to somebody, who is in the bundle from now on."""
        return self.people.setdefault(user, self.reference("Practitioner", user))

    @property
    def patient(self) -> Json:
        """A reference to the patient."""
        return self.reference("Patient")

    @property
    def unit(self) -> Json:
        """A reference to the unit."""
        return self.reference("Organization")

    def procedure(self, key: Key) -> Json:
        """A reference to what a step is part of: its vertebra's procedure, else that of the case."""
        known = any(level.vertebra == key.level for level in self.state.in_order())
        return self.reference("Procedure", key.level) if known else self.reference("Procedure")

    def entry_id(self, seq: int) -> Json:
        """What an entry is called, for ever."""
        return identifier(v.ENTRY, f"{self.case_id}/{seq}")

    # What the case says -------------------------------------------------------------------------------------

    @cached_property
    def places(self) -> list[Place]:
        """The rows that have entries, in the order of work; last those whose access is there no more."""
        found = {text: place for text, place in self.progress.places.items() if place.step.entries}
        for text, step in self.state.steps.items():
            if step.entries and text not in found:
                found[text] = Place(self.protocol.by_code[step.key.code], step.key, step, text)
        return list(found.values())

    # What the log says --------------------------------------------------------------------------------------

    @cached_property
    def events(self) -> list[Event]:
        """The log, oldest first."""
        rows = self.case.events.order_by("seq").values_list("data", flat=True)
        return [canonical.decode(data) for data in rows]

    @cached_property
    def by_seq(self) -> dict[int, Event]:
        """The events by their number."""
        return {event.seq: event for event in self.events}

    @cached_property
    def about(self) -> dict[int, list[Event]]:
        """What was said later about each entry, by the seq of the entry."""
        found: dict[int, list[Event]] = {}
        for event in self.events:
            if event.about:
                found.setdefault(event.about, []).append(event)
        return found

    def changed(self, entry: Entry, by: EventKind) -> set[str]:
        """The keys of the values of an entry that events of a kind changed."""
        later = self.about.get(entry.seq, ())
        return {key for e in later if e.kind is by for key in e.values.get("was", ())}

    # What may be told ---------------------------------------------------------------------------------------

    def text(self, said: str) -> str:
        """What somebody wrote: only in an identified export, since it may name anybody."""
        return said if self.identified else ""

    def reason(self, said: str) -> Json:
        """A reason that somebody gave; without its words where they are not told."""
        if not said:
            return {}
        return {"text": said} if self.identified else masked()

    def tells(self, field: Field) -> bool:
        """Whether the values of a field may be told. A lot is text too, but names nobody."""
        return self.identified or field.type not in TELLING or is_lot(field)

    def show(self, field: Field, value: Any) -> str:
        """A value in words; nothing where it may not be told."""
        if value is None or not self.tells(field):
            return ""
        if field.type is FieldType.PRODUCT and not self.identified:
            return ", ".join(part for part in (self.name_of(value), value.get("lot", "")) if part)
        return self.view.show(field, value) if field.type is FieldType.ENTRY else values.show(field, value)

    def name_of(self, product: Any) -> str:
        """The name of a product; one that was typed may be anything."""
        return str(product["name"]) if self.identified or product["how"] != "typed" else ""

    # Codes of ours ------------------------------------------------------------------------------------------

    def local(self, code: str) -> Json:
        """A code of the protocol version of this case."""
        return coding(f"{v.OURS}protocol:{self.protocol.code}", code, version=str(self.protocol.number))

    def of_step(self, step: Step) -> Json:
        """A step as a concept."""
        return concept(step.title, self.local(step.code))

    def of_field(self, step: Step, field: Field, standard: Json | None = None) -> Json:
        """A field of a step as a concept, with a code that others know where there is one."""
        return concept(field.label, standard, self.local(f"{step.code}.{field.key}"))

    def of_option(self, step: Step, field: Field, option: str) -> Json:
        """An answer to a field as a concept."""
        known = v.answer(field, option)
        own = self.local(f"{step.code}.{field.key}.{option}")
        return concept(
            dict(field.options).get(option, option), coding(v.SNOMED, known) if known else None, own
        )

    def practitioners(self) -> None:
        """Take in everybody who was named so far. Without names where nobody may be known."""
        known = directory.people(self.people)
        columns = ("registration_number", "profession")
        rows = {
            row[0]: row[1:] for row in User.objects.filter(pk__in=self.people).values_list("pk", *columns)
        }
        for user in sorted(self.people):
            told: Json = {}
            if self.identified and user in known:
                registration, profession = rows.get(user, ("", ""))
                told = {
                    "identifier": [
                        identifier(v.PERSON, user),
                        identifier(v.REGISTRATION, registration) if registration else {},
                    ],
                    "name": [{"text": known[user].name}],
                    "qualification": [{"code": {"text": profession}}] if profession else [],
                }
            self.add({"resourceType": "Practitioner", **told}, user)

    def bundle(self) -> list[Json]:
        """The entries of the bundle."""
        return [{"fullUrl": f"urn:uuid:{r['id']}", "resource": r} for r in self.resources]


def is_lot(field: Field) -> bool:
    """Whether a text is the lot of something."""
    known = field.measures is Measure.LOT or field.key == "lot" or field.key.endswith("_lot")
    return field.type is FieldType.TEXT and known
