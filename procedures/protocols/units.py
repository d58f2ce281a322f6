"""The units that a protocol may use, in UCUM, with what they measure and how large they are.

The sizes only catch a wrong factor in a protocol file: each is in the first unit of its kind. Temperature in degrees
Fahrenheit is missing on purpose: it needs an offset, and a factor alone would be wrong.
"""

from decimal import Decimal

_KINDS: dict[str, dict[str, str]] = {
    "volume": {"mL": "1", "L": "1000"},
    "mass of a drug": {"mg": "1", "ug": "0.001", "g": "1000"},
    "weight": {"kg": "1", "[lb_av]": "0.45359237"},
    "length": {"mm": "1", "cm": "10"},
    "angle": {"deg": "1"},
    "pressure of a balloon": {"[psi]": "1", "atm": "14.69595", "bar": "14.50377", "kPa": "0.1450377"},
    "blood pressure": {"mm[Hg]": "1"},
    "rate": {"/min": "1"},
    "flow": {"L/min": "1"},
    "share": {"%": "1"},
    "temperature": {"Cel": "1"},
    "time": {"s": "1", "min": "60", "h": "3600"},
    "air kerma": {"mGy": "1", "Gy": "1000"},
    "dose-area product": {
        "Gy.cm2": "1",
        "dGy.cm2": "0.1",
        "cGy.cm2": "0.01",
        "mGy.cm2": "0.001",
        "uGy.m2": "0.01",
    },
    "concentration in blood": {"g/dL": "1", "g/L": "0.1"},
    "cells in blood": {"10*9/L": "1"},
    "needle gauge": {"{G}": "1"},
    "score": {"{score}": "1"},
    "INR": {"{INR}": "1"},
}
KNOWN = {unit: (kind, Decimal(size)) for kind, units in _KINDS.items() for unit, size in units.items()}
TOLERANCE = Decimal("0.001")


def factor_problem(unit: str, further: str, factor: Decimal) -> str | None:
    """Why `further` cannot be converted to `unit` by this factor, or None. Both must be known."""
    (kind, size), (other_kind, other_size) = KNOWN[unit], KNOWN[further]
    if kind != other_kind:
        return f"{further} measures {other_kind}, {unit} measures {kind}"
    right = other_size / size
    if abs(factor / right - 1) > TOLERANCE:
        return f"1 {further} is {right.normalize():f} {unit}, not {factor:f}"
    return None
