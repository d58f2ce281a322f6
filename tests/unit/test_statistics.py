"""The numbers of the statistics, against NumPy and against formulas written another way."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from procedures import statistics
from procedures.statistics import Figures, Verdict, box, by_month, figures, quantile, running_median, wilson

IN_ACCOUNT = ("levels", "stretches", "steps", "fluoro_s", "dap", "kerma", "mode", "entries", "late")
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
amounts = st.floats(0, 1e6, allow_nan=False)


def case(number: int = 1, at: datetime = START, **details: Any) -> Figures:
    """One case; `levels` as the account has them."""
    account: dict[str, Any] = {key: details.pop(key) for key in IN_ACCOUNT if key in details}
    given = {"operator": 7, "operator_name": "Dr W. Chen", "version": "1", "status": "completed"}
    return figures(
        account, case_id=UUID(int=number), at=at,
        **{**given, "skin_seconds": None, "complications": 0, **details},
    )  # fmt: skip


def level(cement: str | None = "4.0", leak: list[str] | None = None, **rest: Any) -> dict[str, Any]:
    """A vertebra as the account has it."""
    return {"cement": cement, "leak": leak, "sides": ["left"], "approach": ["transpedicular"], **rest}


# Made from the account ----------------------------------------------------------------------------------------------


def test_figures_are_what_the_account_says() -> None:
    found = case(
        levels={"L1": level("4.5", ["disc"]), "T12": level(None)},
        fluoro_s="240", dap="12.3", kerma="310", mode="moderate", entries=62, late=3,
        stretches={"cement": 600}, steps={"K01": 120}, skin_seconds=3000,
    )  # fmt: skip
    assert [one.vertebra for one in found.levels] == ["T12", "L1"]
    assert [one.vertebra for one in found.treated] == ["L1"]
    assert found.treated[0].cement == 4.5
    assert (found.fluoro_seconds, found.dap, found.kerma) == (240, 12.3, 310)
    assert (found.entries, found.late, found.mode) == (62, 3, "moderate")


def test_what_was_not_recorded_is_not_nought() -> None:
    found = case()
    assert (found.fluoro_seconds, found.dap, found.kerma) == (None, None, None)
    assert statistics.dose([found.dap], 300).box is None
    assert statistics.skin([found]) is None
    assert statistics.leaks_of(case(levels={"L1": level(leak=None)})) == (0, 0)
    assert statistics.leaks_of(case(levels={"L1": level(leak=[])})) == (0, 1)


# Quantiles ----------------------------------------------------------------------------------------------------------


@given(st.lists(amounts, min_size=1, max_size=80), st.floats(0, 1))
def test_a_quantile_is_numpys_to_the_last_bit(values: list[float], share: float) -> None:
    assert quantile(sorted(values), share) == float(np.quantile(np.array(values), share, method="linear"))


@given(st.lists(amounts, min_size=1, max_size=80))
def test_a_box_is_numpys(values: list[float]) -> None:
    found = box(values)
    assert found
    assert (found.n, found.least, found.most) == (len(values), min(values), max(values))
    assert [found.p5, found.q1, found.median, found.q3, found.p95] == [
        float(np.percentile(values, percent)) for percent in (5, 25, 50, 75, 95)
    ]
    assert found.dots == (tuple(sorted(values)) if len(values) <= statistics.DOTS else ())


def test_times_are_in_minutes_and_cement_by_vertebra() -> None:
    cases = [
        case(1, skin_seconds=1800, stretches={"cement": 300}, steps={"K01": 90},
             levels={"L1": level("4"), "L2": level("6")}),
        case(2, skin_seconds=3600, stretches={"cement": 900}, levels={"L1": level("5")}),
    ]  # fmt: skip
    assert statistics.skin(cases) == box([30, 60])
    assert statistics.stretches(cases) == {"cement": box([5, 15])}
    assert statistics.steps(cases) == {"K01": box([1.5])}
    assert statistics.cement(cases) == box([4, 5, 6])
    assert statistics.cement(cases, "L1") == box([4, 5])
    assert statistics.cement(cases, "T7") is None


# Rates --------------------------------------------------------------------------------------------------------------


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_limits_are_where_the_score_test_just_accepts(counts: tuple[int, int]) -> None:
    hits, n = counts
    found = wilson(hits, n)
    assert found.rate is not None
    assert found.low is not None
    assert found.high is not None
    # (p - x)² = z² x (1 - x) / n, solved for x by another hand.
    share, z2 = hits / n, statistics.Z95**2
    low, high = sorted(np.roots([1 + z2 / n, -(2 * share + z2 / n), share**2]).real)
    assert found.low == pytest.approx(low, abs=1e-7)
    assert found.high == pytest.approx(high, abs=1e-7)
    assert 0 <= found.low <= found.rate <= found.high <= 1


def test_the_interval_of_a_known_example() -> None:
    found = wilson(15, 148)  # Newcombe 1998, table II
    assert (round(found.low or 0, 4), round(found.high or 0, 4)) == (0.0624, 0.1605)
    assert wilson(0, 20).low == 0
    assert wilson(20, 20).high == 1
    assert wilson(0, 0).rate is None


months = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 12)).flatmap(
        lambda pair: st.tuples(st.just(pair[0]), st.integers(0, pair[1]), st.just(pair[1]))
    ),
    min_size=1,
    max_size=30,
)


@given(months)
def test_a_control_chart_is_what_numpy_makes_of_it(counts: list[tuple[int, int, int]]) -> None:
    """Leaks in months after 2024-03, as (month, leaks, vertebrae)."""
    cases = [
        case(
            number, datetime(2024 + (2 + month) // 12, (2 + month) % 12 + 1, 9, tzinfo=UTC),
            levels={f"L{place % 5 + 1}" if place < 5 else f"T{place - 4}": level(leak=["disc"] if place < hits else [])
                    for place in range(n)},
        )
        for number, (month, hits, n) in enumerate(counts)
    ]  # fmt: skip
    found = by_month(cases, statistics.leaks_of)
    hits, n = (np.zeros(31), np.zeros(31))
    for at, leaks, vertebrae in counts:
        hits[at] += leaks
        n[at] += vertebrae
    if not n.sum():
        assert found.months == ()
        return
    centre = hits.sum() / n.sum()
    first, last = np.flatnonzero(n)[[0, -1]]
    assert len(found.months) == last - first + 1
    with np.errstate(divide="ignore", invalid="ignore"):
        rates, reach = hits / n, 3 * np.sqrt(centre * (1 - centre) / n)
    for month in found.months:
        place = (month.first.year - 2024) * 12 + month.first.month - 3
        assert (month.hits, month.n) == (hits[place], n[place])
        if month.rate is None or month.low is None or month.high is None:
            assert not n[place]
            assert month.verdict is Verdict.GAP
            continue
        assert month.rate == rates[place]
        assert month.low == pytest.approx(np.clip(centre - reach[place], 0, 1))
        assert month.high == pytest.approx(np.clip(centre + reach[place], 0, 1))
        if n[place] < 5:
            assert month.verdict is Verdict.FEW
        else:
            outside = Verdict.ABOVE if month.rate > month.high else Verdict.BELOW
            assert month.verdict is (Verdict.WITHIN if month.low <= month.rate <= month.high else outside)


def test_a_month_far_above_the_others_lies_outside_and_an_empty_one_is_a_gap() -> None:
    counts = {1: (0, 40), 2: (1, 40), 4: (12, 40)}
    cases = [
        case(100 * month + place, datetime(2026, month, 3, tzinfo=UTC), complications=int(place < bad))
        for month, (bad, n) in counts.items()
        for place in range(n)
    ]
    found = by_month(cases, statistics.complications_of)
    assert [month.verdict for month in found.months] == ["within", "within", "gap", "above"]
    assert [month.first for month in found.outside] == [date(2026, 4, 1)]
    assert (found.total.hits, found.total.n) == (13, 120)


def test_late_entries_are_counted_out_of_all_entries() -> None:
    found = by_month([case(1, entries=60, late=3), case(2, entries=40, late=0)], statistics.late_of)
    assert (found.total.hits, found.total.n, found.total.rate) == (3, 100, 0.03)


# Learning, radiation ------------------------------------------------------------------------------------------------


@given(st.lists(amounts, min_size=1, max_size=60), st.sampled_from([1, 3, 11]))
def test_a_running_median_is_the_median_of_each_window(values: list[float], window: int) -> None:
    half = window // 2
    assert running_median(values, window) == pytest.approx(
        [float(np.median(values[max(0, place - half) : place + half + 1])) for place in range(len(values))],
        rel=1e-12,  # a mean of two and a point between them may differ in the last bit
    )


def test_a_learning_curve_is_in_the_order_of_time_and_per_treated_vertebra() -> None:
    cases = [
        case(1, START + timedelta(days=9), skin_seconds=2400, levels={"L1": level()}),
        case(2, START, skin_seconds=7200, levels={"L1": level(), "L2": level(), "L3": level(None)}),
        case(3, START, skin_seconds=None, levels={"L1": level()}),
        case(4, START, skin_seconds=600, levels={"L1": level(None)}),
    ]
    found = statistics.curve(cases)
    assert found
    assert list(found.minutes) == [60, 40]
    assert list(found.running) == [50, 50]
    assert statistics.curve(cases[2:]) is None


def test_only_what_lies_over_the_alert_level_is_counted() -> None:
    found = statistics.dose([10, 300, 300.1, None, 900], 300)
    assert found.box
    assert (found.above, found.box.n) == (2, 4)
