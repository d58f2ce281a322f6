"""The nouns of Kypho (design.md section 3)."""

from .accounts import AccountEvent, Pin
from .case import Access, Case, CaseTeam, Level, Step
from .catalogue import Product, WarmBand
from .event import Event
from .export import Export, ExportedCase
from .note import NoteDraft
from .patient import Allergy, Patient
from .people import Membership, Tablet, Unit, User, WallLink
from .protocol import FieldDefinition, Protocol, ProtocolVersion, Requirement, StepDefinition, TimerDefinition
from .saved import SavedView

__all__ = [
    "Access",
    "AccountEvent",
    "Allergy",
    "Case",
    "CaseTeam",
    "Event",
    "Export",
    "ExportedCase",
    "FieldDefinition",
    "Level",
    "Membership",
    "NoteDraft",
    "Patient",
    "Pin",
    "Product",
    "Protocol",
    "ProtocolVersion",
    "Requirement",
    "SavedView",
    "Step",
    "StepDefinition",
    "Tablet",
    "TimerDefinition",
    "Unit",
    "User",
    "WallLink",
    "WarmBand",
]
