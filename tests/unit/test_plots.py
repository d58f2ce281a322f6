"""Where the marks of the statistics go."""

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procedures import plots
from procedures.plots import GUTTER, MONTHS_LEFT, MONTHS_RIGHT, PLOT_RIGHT, WIDTH, Row, axis, boxes
from procedures.statistics import Curve, box, by_month, complications_of, figures, running_median

amounts = st.floats(0, 1e5, allow_nan=False)
lists = st.lists(amounts, min_size=1, max_size=60)


def points(path: str) -> list[tuple[float, float]]:
    """The points of a path of dots."""
    return [(float(x), float(y)) for x, y in re.findall(r"M(\S+) (\S+?)h0", path)]


@given(st.floats(0.01, 1e7), st.sampled_from([(), plots.ROUND_MINUTES]))
def test_an_axis_starts_at_nought_and_has_a_few_round_ticks(most: float, rounds: tuple[float, ...]) -> None:
    found = axis(most, rounds)
    assert found.ticks[0][0] == 0
    assert 2 <= len(found.ticks) <= 8
    places = [x for x, _text in found.ticks]
    assert places == sorted(set(places))
    assert places[-1] <= 1 + 1e-9
    values = [float(text) for _x, text in found.ticks]
    for x, value in zip(places, values, strict=True):
        assert x == pytest.approx(value / most, rel=1e-3)


def test_ticks_of_minutes_are_those_of_a_clock() -> None:
    assert [text for _x, text in axis(95, plots.ROUND_MINUTES).ticks] == ["0", "20", "40", "60", "80"]
    assert [text for _x, text in axis(170, plots.ROUND_MINUTES).ticks] == [
        "0",
        "30",
        "60",
        "90",
        "120",
        "150",
    ]
    assert [text for _x, text in axis(1.4).ticks] == ["0.0", "0.5", "1.0"]


@given(st.lists(lists, min_size=1, max_size=5))
def test_a_box_lies_between_its_whiskers_and_all_within_the_frame(rows: list[list[float]]) -> None:
    found = boxes([Row(str(place), box(values)) for place, values in enumerate(rows)], "min", clock=True)
    assert found
    assert [line.y for line in found.lines] == sorted(line.y for line in found.lines)
    for line in found.lines:
        assert GUTTER <= line.p5 <= line.q1 <= line.middle <= round(line.q1 + line.wide, 1) <= line.p95
        assert line.p95 <= PLOT_RIGHT
        assert plots.TOP <= line.y <= found.bottom < found.height
        assert all(GUTTER <= x <= PLOT_RIGHT and abs(y - line.y) < 6 for x, y in points(line.dots))
    assert all(GUTTER <= x <= PLOT_RIGHT for x, _text in found.ticks)


def test_marks_stand_where_their_values_are() -> None:
    found = boxes([Row("Needle", box([0, 10, 20, 30, 40]), "20")], "min", clock=True)
    assert found
    (line,) = found.lines
    end = (PLOT_RIGHT - GUTTER) / (38 * 1.04)  # 38 is the 95th percentile
    assert [line.p5, line.q1, line.middle, line.p95] == [
        pytest.approx(GUTTER + value * end, abs=0.06) for value in (2, 10, 20, 38)
    ]
    assert (line.n, line.median) == ("5", "20")


def test_one_odd_case_stands_at_the_edge_and_does_not_flatten_the_rest() -> None:
    found = boxes([Row("Needle", box([10.0] * 19 + [11.0, 900.0]))], "min")
    assert found
    assert found.lines[0].beyond
    assert found.lines[0].middle > WIDTH / 2
    assert len(points(found.lines[0].dots)) < 20  # equal ones are drawn once in each of three rows


def test_nothing_known_is_no_plot_and_a_line_without_a_value_stays_empty() -> None:
    assert boxes([Row("Needle")], "min") is None
    found = boxes([Row("At the vertebra", head=True), Row("Needle", box([1])), Row("Balloon")], "min")
    assert found
    assert [(line.head, line.drawn, line.n) for line in found.lines] == [
        (True, False, ""), (False, True, "1"), (False, False, "0"),
    ]  # fmt: skip


def test_a_long_name_is_cut_to_its_gutter_and_kept_whole() -> None:
    found = boxes([Row("Skin cleaned and draped, three minutes dry", box([1]))], "min")
    assert found
    assert found.lines[0].name == "Skin cleaned and draped,…"
    assert found.lines[0].whole_name.endswith("dry")


def test_a_level_to_compare_with_is_drawn_where_it_fits_and_said_where_it_does_not() -> None:
    rows = [Row("Fluoroscopy", box([10, 12, 20]))]
    near, far = boxes(rows, "min", mark=(30, "30 min")), boxes(rows, "min", mark=(300, "300 min"))
    assert near
    assert far
    assert near.mark
    assert far.mark
    assert near.mark.x is not None
    assert GUTTER < near.mark.x <= PLOT_RIGHT
    assert far.mark.x is None


def test_few_cases_are_dots_without_a_box() -> None:
    found = boxes([Row("L4", box([3, 4])), Row("L5", box([3, 4, 4, 5, 6]))], "mL")
    assert found
    assert [(line.drawn, line.boxed, len(points(line.dots))) for line in found.lines] == [
        (True, False, 2), (True, True, 5),
    ]  # fmt: skip


def test_each_case_over_the_level_is_a_triangle_beyond_its_line() -> None:
    values = [10.0] * 40 + [95.0, 120.0]
    found = boxes([Row("Fluoroscopy", box(values), over=(95, 120))], "min", mark=(90, "90 min"))
    assert found
    assert found.mark
    assert found.mark.x is not None
    places = [float(x) for x in re.findall(r"M(\S+) \S+?l5 9h-10z", found.lines[0].over)]
    assert len(places) == 2
    assert found.mark.x < places[0] <= places[1] <= PLOT_RIGHT


def months(*counts: tuple[int, int, int]) -> plots.MonthPlot:
    """A control chart of complications: (month of 2026, cases with one, cases)."""
    cases = [
        figures({}, case_id=UUID(int=month * 1000 + place), at=datetime(2026, month, 3, tzinfo=UTC), operator=1,
                operator_name="", version="", status="completed", skin_seconds=None, complications=int(place < bad))
        for month, bad, n in counts for place in range(n)
    ]  # fmt: skip
    found = plots.months(by_month(cases, complications_of), lambda first: f"{first:%b}")
    assert found
    return found


def test_months_stand_in_their_slots_and_a_gap_breaks_line_and_band() -> None:
    found = months((1, 1, 20), (2, 0, 20), (4, 12, 30), (6, 0, 2))
    slot = (MONTHS_RIGHT - MONTHS_LEFT) / 6
    assert [point.x for point in found.points] == [
        pytest.approx(MONTHS_LEFT + slot * (place + 0.5), abs=0.06) for place in (0, 1, 3, 5)
    ]
    assert [point.verdict for point in found.points] == ["within", "within", "above", "few"]
    assert [line.count(",") for line in found.lines] == [2, 1, 1]
    assert len(found.bands) == 3
    assert [text for _x, text in found.labels] == ["Jan", "Feb", "Mar", "Apr", "May", "Jun"]
    assert [text for _x, text in found.numbers] == ["20", "20", "0", "30", "0", "2"]


def test_a_rate_stands_at_its_height() -> None:
    found = months((1, 5, 10), (2, 0, 10))
    top, bottom = (point.y for point in found.points)
    assert bottom == found.bottom
    ticks = {text: y for y, text in found.ticks}
    assert top == pytest.approx(found.bottom - (found.bottom - ticks["40"]) * 50 / 40, abs=0.2)
    assert found.top <= top < found.centre < bottom


def test_every_limit_lies_within_the_frame() -> None:
    found = months((1, 1, 1), (2, 0, 40), (3, 1, 40))
    for band in found.bands:
        assert all(found.top <= float(y) <= found.bottom for y in re.findall(r" (\S+?)[Lz]", band))


def curve(number: int, n: int) -> Curve:
    """An operator who gets faster."""
    values = [60 - 0.1 * place + place % 7 for place in range(n)]
    return Curve(number, f"Dr {number}", tuple(values), tuple(running_median(values)))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 12])
def test_panels_share_their_scales_and_do_not_overlap(n: int) -> None:
    found = plots.curves([curve(number, 3 + 5 * number) for number in range(n)])
    assert found
    assert (len(found.panels), found.more) == (min(n, 9), max(0, n - 9))
    assert len({tuple(text for _y, text in panel.y_ticks) for panel in found.panels}) == 1
    for panel in found.panels:
        assert 0 <= panel.left < panel.right <= WIDTH
        assert panel.bottom < found.height
        assert all(
            panel.left <= x <= panel.right and panel.top <= y <= panel.bottom for x, y in points(panel.dots)
        )
    spots = [(panel.left, panel.top) for panel in found.panels]
    assert len(set(spots)) == len(spots)


def test_a_long_curve_is_drawn_with_few_corners_up_to_its_last_case() -> None:
    found = plots.curves([curve(1, 5000)])
    assert found
    (panel,) = found.panels
    corners = panel.running.split()
    assert len(corners) <= plots.MOST_CORNERS + 1
    assert panel.n == "5000"
    assert float(corners[-1].split(",")[0]) == pytest.approx(panel.right - 4, abs=0.1)
    assert plots.curves([]) is None
