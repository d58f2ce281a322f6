"""The operative note as it was signed, with what was added later: a Composition of an identified export."""

from html import escape

from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from procedures import completeness, operative_note
from procedures.state import Event, EventKind

from . import vocabulary as v
from .assembly import Assembly
from .shapes import Json, coding, concept, moment

NOTE = "operative_note"


def told(making: Assembly) -> bool:
    """Whether the bundle has the note: it is signed, and its words may be told."""
    return making.identified and making.state.signed is not None


def reference(making: Assembly) -> Json:
    """A reference to the note."""
    return making.reference("Composition", NOTE)


def of_case(making: Assembly) -> None:
    """The note of a signed case. Nothing where there is none, or where it may not be told."""
    if making.state.signed is None or not told(making):
        return
    signed = making.by_seq[making.state.signed.seq]
    cosigned = making.by_seq[making.state.cosigned.seq] if making.state.cosigned else None
    addenda = [event for event in making.events if event.kind is EventKind.ADDENDUM_ADDED]
    found = {
        "resourceType": "Composition",
        "identifier": making.entry_id(signed.seq),
        "status": "amended" if addenda else "final",
        "type": concept(_("Operative note"), coding(v.CONCEPT, NOTE)),
        "subject": making.patient,
        "date": moment(addenda[-1].recorded_at if addenda else signed.recorded_at),
        "author": [making.person(signed.performed_by)],
        "title": _("Operative note"),
        "attester": [
            _attester(making, "legal", signed),
            _attester(making, "professional", cosigned) if cosigned else {},
        ],
        "custodian": making.unit,
        "section": [*_sections(making, signed), *(_addendum(making, event) for event in addenda)],
    }
    making.add(found, NOTE)


def _attester(making: Assembly, mode: str, event: Event) -> Json:
    return {"mode": mode, "time": moment(event.recorded_at), "party": making.person(event.performed_by)}


def _sections(making: Assembly, signed: Event) -> list[Json]:
    """The sections in their order, and last why something is missing."""
    said = signed.values["note"]
    found = [
        _section(key, str(title), said[key]) for key, title in operative_note.SECTIONS.items() if key in said
    ]
    labels = {item.key: item.label for item in completeness.items(making.progress)}
    lines = [f"{labels.get(key, key)}: {why}" for key, why in signed.values["explained"].items()]
    return (
        [*found, _section("explained", _("What is missing, and why"), "\n".join(lines))] if lines else found
    )


def _addendum(making: Assembly, event: Event) -> Json:
    """An addendum: when and why, its words, and the entry that it adds or changes."""
    at = f"{localtime(event.recorded_at):%Y-%m-%d %H:%M}"
    section = _section(
        "addendum",
        _("Addendum, %(time)s") % {"time": at},
        "\n".join(part for part in (event.reason, event.values["text"]) if part),
    )
    section["author"] = [making.person(event.recorded_by)]
    if event.step_key:
        section["entry"] = [making.reference("Task", event.about or event.seq)]
    return section


def _section(code: str, title: str, text: str) -> Json:
    lines = "<br/>".join(escape(line) for line in text.splitlines())
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{lines}</p></div>'
    return {
        "title": title,
        "code": concept(title, coding(v.SECTION, code)),
        "text": {"status": "additional", "div": div},
    }
