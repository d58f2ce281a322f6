"""The codes of FHIR, LOINC, DICOM, UCUM and SNOMED CT that an export uses, and the systems of our own codes.

Only codes whose meaning was checked (docs/fhir.md). They stand beside our own codes, never instead of them, and without
the texts of their owners: what a reader sees is the label of the protocol. A kyphoplasty has no code of SNOMED CT here,
because none could be verified.
"""

from procedures.definitions import Field, FieldType, Measure

# Our own systems. A code in them keeps its meaning for ever.
OURS = "urn:kypho:"
CASE, ENTRY, LOG, PERSON, PATIENT = (
    f"{OURS}{name}" for name in ("case", "entry", "log", "person", "patient")
)
UNIT, ROLE, STATUS, EVENT, KIND = (f"{OURS}{name}" for name in ("unit", "role", "status", "event", "device"))
REGISTRATION, TABLET, INDICATION = (f"{OURS}{name}" for name in ("registration", "tablet", "indication"))
MEASURE, CONCEPT, SECTION = (f"{OURS}{name}" for name in ("measure", "concept", "section"))
EXTENSION = f"{OURS}extension:"

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
UCUM = "http://unitsofmeasure.org"
CPT = "http://www.ama-assn.org/go/cpt"
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
GS1 = "http://hl7.org/fhir/NamingSystem/gs1-di"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
TRANSLATION = "http://hl7.org/fhir/StructureDefinition/iso21090-PQ-translation"
SIGNATURES = "urn:iso-astm:E1762-95:2013"
AUTHOR, COUNTERSIGN = "1.2.840.10065.1.12.1.1", "1.2.840.10065.1.12.1.5"
DEVICE_ACTION = "http://hl7.org/fhir/device-action"

VERTEBRAE = {
    "T1": "64864005", "T2": "53733008", "T3": "1626008", "T4": "73071006", "T5": "56401006", "T6": "45296009",
    "T7": "62487009", "T8": "11068009", "T9": "82687006", "T10": "7610001", "T11": "12989004", "T12": "23215003",
    "L1": "66794005", "L2": "14293000", "L3": "36470004", "L4": "11994002", "L5": "49668003",
}  # fmt: skip
SIDES = {"left": "7771000", "right": "24028007"}

# The number of the first vertebra of a session by its region, and of each further one. The sacrum has none.
CPT_FIRST = {"T": "22513", "L": "22514"}
CPT_FURTHER = "22515"

REASONS = {"osteoporosis": (ICD, "M80.08XA"), "myeloma": (SNOMED, "109989006")}

BLOOD_PRESSURE = "85354-9"
SYSTOLIC, DIASTOLIC = ("sbp", "8480-6"), ("dbp", "8462-4")

# What a field measures, by its key and its unit: a field of that name in another unit is something else.
QUANTITIES = {
    ("hr", "/min"): (LOINC, "8867-4"),
    ("rr", "/min"): (LOINC, "9279-1"),
    ("spo2", "%"): (LOINC, "2708-6"),
    ("temp", "Cel"): (LOINC, "8310-5"),
    ("weight", "kg"): (LOINC, "29463-7"),
    ("pain", "{score}"): (LOINC, "72514-3"),
}
MEASURES = {
    Measure.FLUORO_S: (DICOM, "113730"),
    Measure.DAP: (DICOM, "113722"),
    Measure.KERMA: (DICOM, "113725"),
}
CATEGORIES = {
    "vital-signs": {"hr", "rr", "spo2", "temp", "weight", "sbp", "dbp"},
    "laboratory": {"inr", "platelets", "haemoglobin"},
    "survey": {"pain", "depth", "total"},
    "exam": {"power_left", "power_right", "sensation", "wound", "asa", "airway"},
    "imaging": {"exposures", "height"},
}
# Choices that say something about the patient, and so are observations; other choices tell how a step was done.
FINDINGS = {
    "power_left",
    "power_right",
    "sensation",
    "wound",
    "asa",
    "airway",
    "leak_site",
    "height",
    "pregnancy",
}
NOT_OF_THE_PATIENT = {"room_temp"}
FOUND = (Measure.LEAK, Measure.ANAESTHESIA)

# Answers that SNOMED CT has a checked code for, by field and answer.
ANSWERS = {
    ("position", "prone"): "1240000",
    ("mode", "general"): "50697003",
    ("mode", "minimal"): "72641008",
    ("mode", "moderate"): "72641008",
    ("mode", "deep"): "398239001",
    ("mode", "regional"): "27372005",
    ("modality", "fluoroscopy"): "44491008",
}

GENDERS = {"F": "female", "M": "male", "X": "other", "U": "unknown"}


def is_observation(field: Field) -> bool:
    """Whether the values of a field are observations of their own: what is measured, and what is found."""
    if field.type in (FieldType.NUMBER, FieldType.QUANTITY):
        return field.key not in NOT_OF_THE_PATIENT
    if field.type not in (FieldType.CHOICE, FieldType.CHOICES):
        return False
    return field.measures in FOUND or field.key in FINDINGS


def category(field: Field) -> str:
    """The kind of observation: `procedure` for what is measured at the work itself."""
    if field.measures in MEASURES:
        return "imaging"
    return next((name for name, keys in CATEGORIES.items() if field.key in keys), "procedure")


def standard(field: Field) -> tuple[str, str] | None:
    """The system and the code that others know what a field measures by."""
    if field.measures in MEASURES:
        return MEASURES[field.measures]
    return QUANTITIES.get((field.key, field.unit))


def answer(field: Field, option: str) -> str | None:
    """The code of SNOMED CT of an answer, or None."""
    keys = {key for key, _label in field.options}
    if keys <= SIDES.keys():
        return SIDES.get(option)
    if option in VERTEBRAE and keys - {"S1"} <= VERTEBRAE.keys():
        return VERTEBRAE[option]
    return ANSWERS.get((field.key, option))
