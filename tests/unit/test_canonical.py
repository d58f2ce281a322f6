"""The one text form of an event: the same for the same event, back to the same event, and chained."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procedures import canonical
from procedures.definitions import Role
from procedures.state import Event, EventKind, Source

CASE = UUID(int=1)
NOON = datetime(2026, 11, 22, 12, 0, 0, 5, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def event(**rest: Any) -> Event:
    given: dict[str, Any] = {
        "seq": 3, "kind": EventKind.STEP_DONE, "performed_by": 1, "recorded_by": 2, "performed_at": NOON,
        "recorded_at": NOON, "command_id": UUID(int=9), "step_key": "K02", **rest,
    }  # fmt: skip
    return Event(**given)


def test_the_text_is_exact() -> None:
    text = canonical.encode(
        CASE, event(values={"gauge": {"unit": "{G}", "amount": "20"}}, flags=("late",), part=1)
    )
    assert text == (
        '{"about":null,"case":"00000000-0000-0000-0000-000000000001",'
        '"command_id":"00000000-0000-0000-0000-000000000009","device_at":null,"flags":["late"],'
        '"kind":"step.done","offset_ms":null,"part":1,'
        '"performed_at":"2026-11-22T12:00:00.000005+00:00","performed_by":1,"reason":"",'
        '"recorded_at":"2026-11-22T12:00:00.000005+00:00","recorded_by":2,"seq":3,"source":"live",'
        '"step_key":"K02","tablet":null,"values":{"gauge":{"amount":"20","unit":"{G}"}},"via":null}'
    )


@given(
    values=st.dictionaries(st.text("abc", max_size=3), JSON, max_size=4), about=st.none() | st.integers(1, 99)
)
def test_an_event_comes_back_as_it_was(values: dict[str, Any], about: int | None) -> None:
    said = event(
        values=values, about=about, flags=("confirmed", "late"), source=Source.OFFLINE, reason="é 脊 \u2028",
        via=4, tablet=7, device_at=NOON, offset_ms=-1500,
    )  # fmt: skip
    assert canonical.decode(json.loads(canonical.encode(CASE, said))) == said


def test_times_are_utc_to_the_microsecond_whatever_the_zone() -> None:
    berlin = NOON.astimezone(timezone(timedelta(hours=1)))
    assert canonical.encode(CASE, event(performed_at=berlin)) == canonical.encode(CASE, event())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("3.50"), '"3.50"'),
        (Decimal("-0.0"), '"0.0"'),
        (Decimal("1E+2"), '"100"'),
        (Decimal("1E-7"), '"0.0000001"'),
        (date(2026, 1, 2), '"2026-01-02"'),
        (Role.OPERATOR, '"operator"'),
        ({"b": 1, "a": {2: None}}, '{"a":{"2":null},"b":1}'),
        ({"b", "a"}, '["a","b"]'),
        (("x", True), '["x",true]'),
        ("é\n", '"é\\n"'),
    ],
)
def test_each_kind_of_value_has_one_form(value: Any, text: str) -> None:
    assert canonical.dump(value) == text


def test_a_plan_is_asked_by_its_fields() -> None:
    @dataclass(frozen=True, slots=True)
    class Plan:
        room: str
        team: dict[int, Role]

    assert canonical.dump(Plan("IR 1", {7: Role.OPERATOR})) == '{"room":"IR 1","team":{"7":"operator"}}'


@pytest.mark.parametrize("value", [1.5, float("nan"), object(), b"bytes", {"a": 0.1}])
def test_what_has_no_exact_form_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="no canonical form"):
        canonical.dump(value)


def test_the_hash_stands_on_the_one_before_and_on_the_text() -> None:
    first = canonical.chain(canonical.GENESIS, "text")
    assert first == hashlib.sha256(bytes(32) + b"text").digest()
    assert canonical.chain(first, "text") != first
    assert canonical.chain(canonical.GENESIS, "texts") != first


def test_the_digest_of_a_command_tells_its_name_and_its_input() -> None:
    asked = canonical.digest("void", {"key": "K02", "about": 3})
    assert canonical.digest("void", {"about": 3, "key": "K02"}) == asked
    assert canonical.digest("verify", {"key": "K02", "about": 3}) != asked
    assert canonical.digest("void", {"key": "K02", "about": 4}) != asked
    assert canonical.digest("void", {"key": "K02", "about": "3"}) != asked
