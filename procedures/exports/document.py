"""The record of a case as a document: sections of facts, tables and texts, which `record.typ` lays out."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

from django.utils.timezone import get_current_timezone_name
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from procedures.completeness import Having
from procedures.models.people import Tablet
from procedures.screens.note import SignatureView
from procedures.screens.record import RecordScreen
from procedures.screens.record.levels import LevelTable
from procedures.state import Source
from procedures.values import day_words

from .blocks import (
    Block,
    act_cell,
    facts,
    flagged,
    gone,
    in_eights,
    moment,
    said,
    second,
    small,
    source_words,
    strong,
    strong_line,
    table,
)

WIDEST = 6  # columns of sides beside each other on a page
ISOLATE, END = "\u2068", "\u2069"


def document(screen: RecordScreen, printed_by: str, at: datetime, tablet: Tablet | None = None) -> Block:
    """All that the PDF shows. `printed_by`: who takes it away, at that moment."""
    banner, case = screen.banner, screen.case
    name = f"{ISOLATE}{banner.name}{END}"
    born = _("born %(date)s") % {"date": day_words(banner.birth_date)}
    who = f"{name} · {born} · {_('MRN')} {banner.mrn}"
    where = f" · {tablet.name}" if tablet else ""
    printed = _("Printed by %(name)s, %(time)s (%(zone)s)%(where)s") % {
        "name": f"{ISOLATE}{printed_by}{END}",
        "time": moment(at),
        "zone": get_current_timezone_name(),
        "where": where,
    }
    return {
        "title": _("Record of a kyphoplasty"),
        "lang": (get_language() or "en").split("-")[0],
        "header": {"patient": who, "case": f"{_('Case')} {case.pk}"},
        "footer": printed,
        "page": _("Page {n} of {all}"),
        "heading": screen.title,
        "top": list(_top(screen)),
        "sections": [{"title": title, "blocks": blocks} for title, blocks in _sections(screen) if blocks],
    }


# The parts ------------------------------------------------------------------------------------------------------------


def _top(screen: RecordScreen) -> Iterator[Block]:
    banner = screen.banner
    allergies = ", ".join(substance for _id, substance in banner.allergies) or _("none recorded")
    yield facts(
        [
            (_("Patient"), [strong(banner.name)]),
            (_("Born"), f"{day_words(banner.birth_date)} ({banner.age})"),
            (_("Sex"), banner.sex),
            (_("MRN"), banner.mrn),
            (_("Allergies"), [strong(allergies)]),
            (_("Status"), " · ".join(w for w in (screen.status_word, screen.signing.words) if w)),
        ]
    )
    if screen.running:
        yield {"kind": "notice", "lines": [_("This case has not ended. More can still be recorded in it.")]}


def _sections(screen: RecordScreen) -> Iterator[tuple[str, list[Block]]]:
    yield (
        _("At a glance"),
        [
            facts([(f.label, [f.value, *([small(f.note)] if f.note else [])]) for f in screen.figures]),
            facts([(label, value) for label, value in screen.facts]),
        ],
    )
    yield _("Operative note"), list(_note(screen))
    yield _("Level by level and side by side"), list(_levels(screen.levels))
    yield _("Drugs"), list(_drugs(screen))
    yield _("X-rays"), list(_radiation(screen))
    yield _("Implants and devices"), list(_devices(screen))
    yield _("Complications"), list(_complications(screen))
    yield _("Spoken checklists"), list(_checks(screen))
    yield _("People"), list(_people(screen))
    yield _("Times kept"), list(_timings(screen))
    yield _("What the record lacks"), list(_lacking(screen))
    yield _("Addenda"), list(_addenda(screen))
    yield _("Corrections"), list(_corrections(screen))
    yield _("Flags"), list(_flags(screen))
    yield _("Every event, in order"), list(_events(screen))


def _note(screen: RecordScreen) -> Iterator[Block]:
    signing = screen.signing
    if not signing.signatures:
        yield {"kind": "notice", "lines": [_("The operative note is not signed.")]}
        return
    yield {"kind": "prose", "parts": [{"title": title, "text": text} for title, text in signing.note]}
    rows = [
        [
            [strong(s.name), small(s.profession)],
            moment(s.at),
            [s.meaning, *_remark(s)],
            [str(s.up_to), small(in_eights(s.head))],
        ]
        for s in signing.signatures
    ]
    head = [_("Signed by"), _("At"), _("Meaning"), _("Stands on events up to, with the hash")]
    yield table(head, rows, (2, 0, 2, 4))
    if signing.asked:
        yield {"kind": "lines", "lines": [_("To be co-signed by %(name)s.") % {"name": signing.asked}]}
    if signing.explained:
        yield {"kind": "title", "text": _("What was missing at signing, and why")}
        yield facts(signing.explained)


def _remark(signature: SignatureView) -> list[str]:
    if signature.instead:
        return [_("Why the operator of the case did not sign: %(reason)s") % {"reason": signature.remark}]
    return [signature.remark] if signature.remark else []


def _levels(found: LevelTable | None) -> Iterator[Block]:
    """The table of sides, cut between vertebrae where it is wider than the page."""
    if found is None:
        return
    start = 0
    for heads in _pages([head.width for head in found.heads]):
        chosen = [found.heads[n] for n in heads]
        width = sum(head.width for head in chosen)
        end = start + width
        rows: list[dict[str, Any]] = []
        for group in found.groups:
            rows.append({"group": True, "label": group.title, "cells": [{"width": width, "lines": ""}]})
            for row in group.rows:
                ends = list(accumulate(cell.width for cell in row.cells))
                cells = [
                    {
                        "width": cell.width,
                        "lines": [c for said in cell.said for c in flagged(said.text, said.flags)],
                    }
                    for cell, stop in zip(row.cells, ends, strict=True)
                    if start < stop <= end
                ]
                rows.append({"group": False, "label": row.label, "cells": cells})
        yield {
            "kind": "sides",
            "heads": [
                {
                    "width": head.width,
                    "lines": [
                        strong(head.level),
                        *(
                            small(word)
                            for word in (head.status, head.reason, "" if head.planned else _("not planned"))
                            if word
                        ),
                    ],
                }
                for head in chosen
            ],
            "columns": [column.title for column in found.columns[start:end]],
            "rows": rows,
        }
        start = end


def _pages(widths: Sequence[int]) -> Iterator[list[int]]:
    """Which vertebrae stand beside each other."""
    page: list[int] = []
    for number, width in enumerate(widths):
        if page and sum(widths[n] for n in page) + width > WIDEST:
            yield page
            page = []
        page.append(number)
    yield page


def _drugs(screen: RecordScreen) -> Iterator[Block]:
    if screen.drugs:
        rows = [
            [
                [
                    strong(drug.name),
                    *(
                        [small(_("%(number)s without an amount") % {"number": drug.unknown})]
                        if drug.unknown
                        else []
                    ),
                ],
                drug.total,
                [
                    line
                    for dose in drug.doses
                    for line in flagged(
                        " ".join(
                            w
                            for w in (
                                moment(dose.act.at),
                                dose.amount or _("no amount"),
                                dose.route,
                                dose.act.by,
                            )
                            if w
                        ),
                        dose.act.flags,
                    )
                ],
            ]
            for drug in screen.drugs
        ]
        yield table([_("Drug"), _("In all"), _("Doses")], rows, (2, 2, 5))
    if screen.local:
        yield {"kind": "title", "text": _("Local anaesthetic")}
        rows = [
            [row.level, row.name, row.technique, row.concentration, row.volume, row.in_mg, act_cell(row.act)]
            for row in screen.local
        ]
        head = [
            _("Level"),
            _("Drug"),
            _("Technique"),
            _("Concentration"),
            _("Volume"),
            _("Amount"),
            _("Given"),
        ]
        yield table(head, rows, (0, 2, 2, 0, 0, 0, 4))
        yield facts([(total.name, total.words) for total in screen.local_totals])


def _radiation(screen: RecordScreen) -> Iterator[Block]:
    if screen.radiation:
        rows = [
            [
                r.label,
                [strong(r.words), *([small(r.also)] if r.also else [])],
                [
                    line
                    for act, text in r.entered
                    for line in flagged(f"{text} ({moment(act.at)})", act.flags)
                ],
            ]
            for r in screen.radiation
        ]
        yield table([_("What"), _("In all"), _("As entered")], rows, (3, 2, 4))
    if screen.images:
        rows = [[i.modality, i.leak, i.height, i.machine, act_cell(i.act)] for i in screen.images]
        yield table([_("Images by"), _("Leak"), _("Height"), _("Machine"), _("Taken")], rows, (2, 2, 2, 2, 3))


def _devices(screen: RecordScreen) -> Iterator[Block]:
    rows = [
        [
            [
                strong(d.name or d.kind),
                *([small(d.kind)] if d.name else []),
                *([small(_("stays in the body"))] if d.stays else []),
                *([d.remark] if d.remark else []),
            ],
            d.lot,
            [w for w in (d.gtin, d.serial) if w] or "",
            d.expires,
            ", ".join(d.places),
            [*act_cell(d.act), *([small(d.how)] if d.how else [])],
        ]
        for d in screen.devices
    ]
    if rows:
        head = [_("What"), _("Lot"), _("GTIN, serial number"), _("Expires"), _("Where"), _("Recorded")]
        yield table(head, rows, (3, 2, 3, 0, 2, 3))


def _complications(screen: RecordScreen) -> Iterator[Block]:
    if not screen.complications:
        yield {"kind": "lines", "lines": [_("None recorded.")]}
        return
    rows = [
        [
            [strong(c.what), *([c.where] if c.where else [])],
            [f"{label}: {value}" for label, value in c.details] or "",
            act_cell(c.act),
        ]
        for c in screen.complications
    ]
    yield table([_("What"), _("Details"), _("Recorded")], rows, (2, 4, 3))


def _checks(screen: RecordScreen) -> Iterator[Block]:
    rows = [
        [
            strong_line(check.title),
            [f"{label}: {answer}" for label, answer, _doubt in check.answers]
            + [f"{label}: {value}" for label, value in check.facts]
            or "",
            check.present,
            [
                *act_cell(check.act),
                *([small(_("verified by %(name)s") % {"name": check.verified})] if check.verified else []),
            ],
        ]
        for check in screen.checks
    ]
    if rows:
        yield table([_("List"), _("Answers"), _("Present"), _("Done")], rows, (2, 4, 2, 3))


def _people(screen: RecordScreen) -> Iterator[Block]:
    rows = [
        [
            [strong(m.name), *([small(m.profession)] if m.profession else [])],
            m.role,
            moment(m.since),
            moment(m.until),
            f"{m.performed} / {m.recorded} / {m.verified}",
        ]
        for m in screen.people
    ]
    if rows:
        head = [_("Who"), _("Role"), _("From"), _("Until"), _("Done / recorded / verified")]
        yield table(head, rows, (3, 2, 2, 2, 2))


def _timings(screen: RecordScreen) -> Iterator[Block]:
    rows = [
        [
            f"{line.what} {line.where}".strip(),
            moment(line.since),
            moment(line.until),
            line.lasted,
            [strong(line.verdict) if line.bad else line.verdict, *([line.detail] if line.detail else [])],
        ]
        for line in screen.timings
    ]
    if rows:
        yield table([_("What"), _("From"), _("Until"), _("min:s"), _("Outcome")], rows, (3, 2, 2, 0, 3))


def _lacking(screen: RecordScreen) -> Iterator[Block]:
    if screen.missing:
        yield {"kind": "title", "text": _("Details that entries lack")}
        yield {"kind": "lines", "lines": [item.sentence for item in screen.missing]}
    lacking = [item.label for item in screen.items if item.having is Having.MISSING]
    if lacking:
        yield {"kind": "title", "text": _("What a complete operative note needs")}
        yield {"kind": "lines", "lines": lacking}


def _addenda(screen: RecordScreen) -> Iterator[Block]:
    rows = [
        [
            str(a.seq),
            [
                second(a.at),
                *([small(_("done at %(time)s") % {"time": second(a.done_at)})] if a.done_at != a.at else []),
            ],
            [
                a.recorded_by,
                *([small(_("done by %(name)s") % {"name": a.author})] if a.recorded_by != a.author else []),
            ],
            [
                strong(a.title or _("Addendum")),
                *([a.text] if a.text else []),
                *([a.words] if a.words and a.words != a.text else []),
                *(f"{label}: {old or '–'} → {new or '–'}" for label, old, new in a.changes),
                f"{_('Reason:')} {a.reason}",
                *([small(source_words(a.source))] if a.source != Source.LIVE else []),
            ],
        ]
        for a in screen.signing.addenda
    ]
    if rows:
        yield table([_("No."), _("Recorded"), _("By"), _("What was added, and why")], rows, (0, 2, 2, 5))


def _corrections(screen: RecordScreen) -> Iterator[Block]:
    rows = [
        [
            str(c.line.seq),
            second(c.line.recorded_at),
            c.line.performed_by,
            said(c.line),
            [
                f"{_('No.')} {c.original.seq}: {c.original.sentence}",
                *([small(c.original.detail)] if c.original.detail else []),
            ]
            if c.original
            else "",
        ]
        for c in screen.corrections
    ]
    if rows:
        yield table(
            [_("No."), _("Recorded"), _("By"), _("What changed"), _("What it changes")], rows, (0, 2, 2, 4, 3)
        )


def _flags(screen: RecordScreen) -> Iterator[Block]:
    rows = [[flag.word, str(len(flag.seqs)), ", ".join(map(str, flag.seqs))] for flag in screen.flags]
    rows += [
        [
            burst.sentence,
            str(burst.number),
            f"{moment(burst.first)} {burst.by}: {', '.join(map(str, burst.seqs))}",
        ]
        for burst in screen.bursts
    ]
    if rows:
        yield table([_("What"), _("Entries"), _("Numbers of their events")], rows, (3, 0, 5))


def _events(screen: RecordScreen) -> Iterator[Block]:
    rows = [
        [
            str(line.seq),
            second(line.performed_at),
            [
                *said(line),
                *([gone()] if line.seq in screen.voided else []),
                *({"kind": "flag", "text": flag} for flag in line.flags),
            ],
            line.performed_by,
            [
                second(line.recorded_at),
                *([line.recorded_by] if line.recorded_by != line.performed_by else []),
                *([small(source_words(line.source))] if line.source != Source.LIVE else []),
            ],
        ]
        for line in screen.lines
    ]
    yield table([_("No."), _("Done at"), _("What"), _("Done by"), _("Recorded")], rows, (0, 0, 5, 2, 0))
    yield facts([(_("Hash of the last event"), in_eights(bytes(screen.case.head_hash).hex()))])
