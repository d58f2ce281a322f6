"""The sections of an operative note, in their order: what the Joint Commission (RC.02.01.03), CMS (42 CFR 482.51) and
the Royal College of Surgeons (Good Surgical Practice) ask for, and what a kyphoplasty adds (docs/sources.md)."""

from django.utils.translation import gettext_lazy as _

SECTIONS = {
    "procedure": _("Procedure"),
    "urgency": _("Date, time and urgency"),
    "team": _("Operator, assistants, anaesthetist"),
    "indication": _("Indication and diagnosis before"),
    "anaesthesia": _("Anaesthesia and drugs"),
    "position": _("Position, incision and access"),
    "description": _("Description, level by level"),
    "findings": _("Findings"),
    "implants": _("Implants and devices"),
    "complications": _("Problems and complications"),
    "blood_loss": _("Blood loss"),
    "specimens": _("Specimens, tissue removed or added"),
    "radiation": _("Imaging and radiation"),
    "closure": _("Closure"),
    "prophylaxis": _("Antibiotic and clot prevention"),
    "diagnosis_after": _("Diagnosis after"),
    "instructions": _("Instructions for afterwards"),
}

# Why something is added after signing: what is chosen with one tap.
REASONS = {
    "image": _("Seen on a later image"),
    "result": _("A result came in later"),
    "forgotten": _("Not written down at the time"),
    "wrong": _("It was recorded wrongly"),
}
