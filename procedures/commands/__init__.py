"""The only writers of clinical rows. One verb each; each says what it refuses."""

from .cases import (
    PatientDetails,
    Plan,
    cancel,
    change_case,
    change_team,
    complete,
    open_case,
    pause,
    resume,
    set_emergency,
    start,
    stop,
    void_case,
)
from .drafts import keep_note
from .handover import accept_handover, offer_handover, withdraw_handover
from .ledger import Command, Receipt
from .levels import abandon_level, add_level, defer_level, reopen_level
from .move import move_entry, reconcile
from .patients import add_allergy, correct_patient, withdraw_allergy
from .signing import add_addendum, cosign, move_cosigner, sign
from .steps import BOTH, add_details, correct, mark, record_done, verify, void

__all__ = [
    "BOTH",
    "Command",
    "PatientDetails",
    "Plan",
    "Receipt",
    "abandon_level",
    "accept_handover",
    "add_addendum",
    "add_allergy",
    "add_details",
    "add_level",
    "cancel",
    "change_case",
    "change_team",
    "complete",
    "correct",
    "correct_patient",
    "cosign",
    "defer_level",
    "keep_note",
    "mark",
    "move_cosigner",
    "move_entry",
    "offer_handover",
    "open_case",
    "pause",
    "reconcile",
    "record_done",
    "reopen_level",
    "resume",
    "set_emergency",
    "sign",
    "start",
    "stop",
    "verify",
    "void",
    "void_case",
    "withdraw_allergy",
    "withdraw_handover",
]
