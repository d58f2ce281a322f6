"""Where the lines of the vitals chart go."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from procedures.charts import LEFT, PANEL, RIGHT, WIDTH, Series, chart

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def series(*points: tuple[float, str], name: str = "Heart rate") -> Series:
    """A line through minutes and values."""
    return Series(name, [(NOON + timedelta(minutes=m), Decimal(v)) for m, v in points])


def hour(moment: datetime) -> str:
    """The hour and minute."""
    return f"{moment:%H:%M}"


def test_nothing_measured_is_no_chart() -> None:
    assert chart([], hour) is None
    assert chart([("/min", [series()])], hour) is None


def test_a_line_runs_from_the_first_to_the_last_moment_and_from_high_to_low() -> None:
    found = chart([("/min", [series((20, "60"), (0, "80"))])], hour)
    assert found
    (panel,) = found.panels
    assert (panel.low, panel.high) == ("60", "80")
    assert panel.lines[0].corners == f"{float(LEFT)},{panel.top} {float(WIDTH - RIGHT)},{panel.bottom}"
    assert panel.bottom - panel.top == PANEL
    assert panel.lines[0].last == "60"


def test_one_unit_shares_a_scale_and_each_unit_has_its_own_panel() -> None:
    pressures = [series((0, "150"), (9, "140"), name="Systolic"), series((0, "70"), name="Diastolic")]
    found = chart([("/min", [series((0, "60"))]), ("mmHg", pressures), ("%", [series(name="SpO2")])], hour)
    assert found
    assert [(p.unit, p.title) for p in found.panels] == [
        ("/min", "Heart rate"),
        ("mmHg", "Systolic, Diastolic"),
    ]
    assert (found.panels[1].low, found.panels[1].high) == ("70", "150")
    assert found.height > found.foot > found.panels[1].bottom


def test_a_steady_value_is_a_flat_line_in_the_middle_and_not_a_jagged_one() -> None:
    found = chart([("%", [series((0, "97"), (5, "97"))])], hour)
    assert found
    (panel,) = found.panels
    assert (panel.low, panel.high) == ("92", "102")
    assert panel.lines[0].last_y == (panel.top + panel.bottom) / 2


def test_a_scale_ends_where_no_value_can_be() -> None:
    points = series((0, "97"), (5, "97")).points
    found = chart([("%", [Series("SpO2", points, most=Decimal(100))])], hour)
    assert found
    assert (found.panels[0].low, found.panels[0].high) == ("90", "100")


def test_the_axis_has_round_times_and_not_too_many() -> None:
    for minutes in (0, 7, 33, 120, 600, 3000):
        found = chart([("%", [series((3, "97"), (3 + minutes, "97"))])], hour)
        assert found
        assert 1 <= len(found.ticks) <= 9
        assert all(LEFT <= x <= WIDTH - RIGHT for x, _text in found.ticks)
        assert [x for x, _text in found.ticks] == sorted(x for x, _text in found.ticks)
    found = chart([("%", [series((3, "97"), (36, "97"))])], hour)
    assert found
    assert [text for _x, text in found.ticks] == [
        "12:05",
        "12:10",
        "12:15",
        "12:20",
        "12:25",
        "12:30",
        "12:35",
    ]


def test_an_hour_that_happens_twice_is_an_hour_wide() -> None:
    london = ZoneInfo("Europe/London")
    start = datetime(2026, 10, 25, 1, 30, tzinfo=london, fold=0)
    again = datetime(2026, 10, 25, 1, 30, tzinfo=london, fold=1)
    later = datetime(2026, 10, 25, 2, 30, tzinfo=london)
    found = chart(
        [("%", [Series("SpO2", [(start, Decimal(97)), (again, Decimal(96)), (later, Decimal(95))])])], hour
    )
    assert found
    xs = [float(pair.split(",")[0]) for pair in found.panels[0].lines[0].corners.split()]
    assert xs[1] - xs[0] == xs[2] - xs[1]
