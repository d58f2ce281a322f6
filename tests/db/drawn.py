"""What random people enter into the fields of a step."""

from typing import Any

from hypothesis import strategies as st

from procedures.definitions import Field, FieldType, Key
from procedures.values import quantity


def values_of(field: Field) -> st.SearchStrategy[Any]:
    """A value of a field: usual, unusual or impossible; None where it stays empty."""
    match field.type:
        case FieldType.NUMBER | FieldType.QUANTITY:
            return st.decimals(0, 40, places=2).map(lambda amount: quantity(field, amount))
        case FieldType.CHOICE:
            return st.sampled_from([code for code, _label in field.options] + ["nonsense"])
        case FieldType.CHOICES:
            return st.lists(st.sampled_from([code for code, _label in field.options]), max_size=2)
        case FieldType.YESNO:
            return st.booleans()
        case FieldType.TEXT:
            return st.sampled_from(["a note", "日本語 é"])
        case FieldType.ENTRY:
            return st.integers(1, 30).map(lambda seq: {"seq": seq, "key": field.entry_of})
    return st.none()


def needed(key: str) -> dict[str, Any]:
    """What the step needs now, from its first option."""
    now: dict[str, dict[str, Any]] = {
        "K04": {"mode": "moderate"},
        "K09f": {"sample_hard": True},
        "CNT": {"match": True},
        "EV-NOTE": {"text": "x"},
    }
    return now.get(Key.parse(key).code, {})
