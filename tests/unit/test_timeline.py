"""Where everything of a case stands on the timeline: an honest axis, words that never overlap, nothing outside."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations, pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from procedures import time_axis, timeline
from procedures.charts import Series
from procedures.time_axis import LEFT, RIGHT, WIDTH
from procedures.timeline import Course, Lane, Moment, Spot, Stretch, Timeline

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
END = WIDTH - RIGHT


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def label(moment: datetime) -> tuple[str, str]:
    return f"{moment:%H:%M}", f"{moment:%d %b}"


def lasted(time: timedelta) -> str:
    return f"{time / timedelta(minutes=1):.0f} min"


def drawn(course: Course) -> Timeline:
    found = timeline.draw(course, label, lasted)
    assert found
    return found


def marks(*minutes: float, text: str = "Fentanyl 50 µg") -> list[Moment]:
    return [Moment(at(m), "drug", text) for m in minutes]


# The axis -----------------------------------------------------------------------------------------------------------


def test_a_case_without_anything_has_no_plot() -> None:
    assert timeline.draw(Course(), label, lasted) is None


def test_minutes_are_equally_wide_where_nothing_is_cut() -> None:
    axis = time_axis.axis([at(0), at(20), at(40), at(60)])
    xs = [axis.x(at(m)) for m in (0, 15, 30, 45, 60)]
    assert xs[0] == LEFT
    assert xs[-1] == END
    assert len({round(b - a, 0) for a, b in pairwise(xs)}) == 1


def test_a_long_time_without_anything_is_cut_and_the_cut_says_how_long() -> None:
    found = drawn(Course(rows=[Lane("Drugs", moments=marks(0, 10, 20, 20 + 600, 630))]))
    (cut,) = found.cuts
    assert cut.text == "600 min"
    assert cut.width == time_axis.CUT
    beside = [s.x for s in found.rows[0].spots]
    assert beside[1] - beside[0] > 4 * time_axis.CUT, "what happened has the width"


def test_what_stands_alone_on_another_day_has_its_day_and_time_on_the_axis() -> None:
    days = [marks(0, 20, 40), marks(3000), marks(6000)]
    found = drawn(Course(rows=[Lane("x", moments=[m for day in days for m in day])]))
    assert [bar.text for bar in found.cuts] == ["2960 min", "2990 min"]
    assert [t.day for t in found.ticks if t.day] == ["22 Nov", "24 Nov", "26 Nov"]


def test_what_is_not_long_is_not_cut() -> None:
    assert drawn(Course(rows=[Lane("Drugs", moments=marks(0, 44, 80, 120))])).cuts == []


def test_a_long_recovery_is_narrower_and_says_so_and_the_work_keeps_its_width() -> None:
    recovery = marks(*range(60, 480, 30))
    found = drawn(
        Course(rows=[Lane("x", moments=[*marks(0, 20, 40, 60), *recovery])], room=at(0), after=at(60))
    )
    (narrow,) = found.narrow
    assert narrow.end == END
    assert narrow.x - LEFT > 0.7 * (END - LEFT)


def test_a_short_recovery_has_the_same_scale() -> None:
    found = drawn(Course(rows=[Lane("x", moments=marks(0, 40, 80, 90))], room=at(0), after=at(80)))
    assert found.narrow == []


def test_the_ticks_are_round_times_and_another_day_is_named() -> None:
    start = datetime(2026, 11, 22, 23, 20, tzinfo=UTC)
    moments = [Moment(start + timedelta(minutes=m), "drug") for m in range(0, 90, 10)]
    found = drawn(Course(rows=[Lane("x", moments=moments)]))
    assert [t.day for t in found.ticks if t.day] == ["22 Nov", "23 Nov"]
    assert all(int(t.text[-2:]) % 5 == 0 for t in found.ticks)


def test_an_hour_that_happens_twice_is_an_hour_wide() -> None:
    london = ZoneInfo("Europe/London")
    times = [datetime(2026, 10, 25, 1, 30, tzinfo=london, fold=f) for f in (0, 1)]
    times.append(datetime(2026, 10, 25, 2, 30, tzinfo=london))
    moments = [m for first in times for m in (first, first.astimezone(UTC) + timedelta(minutes=30))]
    axis = time_axis.axis(moments)
    one, two, three = (axis.x(t) for t in times)
    assert abs((two - one) - (three - two)) <= 0.2


# Lanes and rows -----------------------------------------------------------------------------------------------------


def test_a_bar_says_its_name_only_where_it_has_room_and_the_key_says_the_others() -> None:
    phases = [Stretch(at(0), at(40), "room", "Room"), Stretch(at(40), at(42), "after", "After")]
    found = drawn(Course(phases=phases))
    assert [bar.text for bar in found.phases] == ["Room", ""]
    assert found.unnamed == {"after": "After"}


def test_timers_at_the_same_time_stand_under_each_other_and_one_not_kept_is_crossed() -> None:
    bars = [Stretch(at(0), at(20), "kept"), Stretch(at(10), at(30), "bad"), Stretch(at(40), at(44), "kept")]
    (clock,) = drawn(Course(clocks=[Lane("Hardening", bars)])).clocks
    assert clock.bars[0].y < clock.bars[1].y
    assert clock.bars[2].y == clock.bars[0].y
    assert [(s.kind, s.x) for s in clock.spots] == [("bad", clock.bars[1].end)]


def test_the_last_values_of_two_lines_are_written_apart() -> None:
    pressures = [
        Series(name, [(at(0), Decimal(high)), (at(30), Decimal(last))])
        for name, high, last in (("Systolic", 150, 97), ("Diastolic", 70, 95))
    ]
    (panel,) = drawn(Course(panels=[("mmHg", pressures)])).panels
    systolic, diastolic = (line.last_y for line in panel.lines)
    assert diastolic - systolic >= timeline.LAST_APART


def test_words_without_a_free_line_are_left_out_and_counted_and_the_worst_keep_theirs() -> None:
    crowd = [*marks(*[30 + n / 10 for n in range(20)]), Moment(at(31), "complication", "Cardiac arrest", 0)]
    (row,) = drawn(Course(rows=[Lane("Events", moments=[*crowd, *marks(0, 60, text="")])])).rows
    assert row.silent == 21 - sum(bool(s.text) for s in row.spots) > 0
    assert [s.text for s in row.spots if s.kind == "complication"] == ["Cardiac arrest"]
    assert len(row.spots) == 23, "the mark itself always stays"


def test_a_long_text_is_shortened_and_stands_before_its_mark_at_the_end_of_the_axis() -> None:
    (row,) = drawn(
        Course(rows=[Lane("Events", moments=[*marks(0, text=""), *marks(40, text="x" * 90)])])
    ).rows
    assert row.spots[1].before
    assert row.spots[1].text.endswith("…")


def test_words_are_whole_where_there_is_room_and_shortened_only_where_there_is_none() -> None:
    long = "Turned onto the back, transferred to the ward"
    (row,) = drawn(
        Course(rows=[Lane("Events", moments=[*marks(0, 60, text=""), *marks(20, text=long)])])
    ).rows
    assert [s.text for s in row.spots if s.text] == [long]
    crowd = [Moment(at(30 + n), "check", long, n) for n in range(8)]
    (row,) = drawn(Course(rows=[Lane("Events", moments=[*marks(0, 60, text=""), *crowd])])).rows
    said = [s.text for s in sorted(row.spots, key=lambda s: s.x) if s.text]
    assert said.count(long) > 2
    assert {len(words) for words in said} - {len(long)} == {timeline.FEWER_LETTERS}


def test_a_long_name_takes_a_second_line_and_pushes_what_follows_down() -> None:
    stretch = Stretch(at(0), at(30), "kept")
    name = "Operative note before leaving recovery"
    one, other, last = drawn(Course(clocks=[Lane(n, [stretch]) for n in (name, "Lying flat", "Skin")])).clocks
    assert " ".join(line for line, _y in one.name) == name
    assert len(one.name) == 2
    assert all(len(line) * timeline.LETTER <= LEFT for line, _y in one.name)
    (first_y, second_y), (next_y,) = ([y for _line, y in lane.name] for lane in (one, other))
    assert first_y < second_y <= next_y - 10
    assert last.y - other.y < next_y - first_y


# Whatever the case --------------------------------------------------------------------------------------------------

minutes = st.floats(0, 4000, allow_nan=False)
moments = st.builds(
    lambda m, text, rank: Moment(at(m), "note", text, rank),
    minutes,
    st.text("Wi µ", max_size=60),
    st.integers(0, 3),
)
kinds = st.sampled_from(["needle", "bad"])
stretches = st.builds(lambda a, b, kind: Stretch(at(a), at(b), kind, "Name"), minutes, minutes, kinds)
lane = st.builds(
    lambda s, m: Lane("L1 left", s, m), st.lists(stretches, max_size=4), st.lists(moments, max_size=12)
)
lanes = st.lists(lane, max_size=3)
points = st.lists(st.tuples(minutes.map(at), st.integers(30, 200).map(Decimal)), max_size=6)
courses = st.builds(
    lambda phases, own, rows, clocks, shades, measured, room, after: Course(
        phases=phases, lanes=own, rows=rows, clocks=clocks, shades=shades,
        panels=[("/min", [Series("Heart rate", measured)])], room=room, after=after,
    ),
    st.lists(stretches, max_size=5), lanes, lanes, lanes, st.lists(stretches, max_size=2), points,
    st.none() | minutes.map(at), st.none() | minutes.map(at),
)  # fmt: skip


@given(st.lists(minutes, min_size=1, max_size=40), st.none() | minutes, st.none() | minutes)
def test_the_axis_keeps_the_order_and_stays_inside(
    given_minutes: Sequence[float], room: float | None, after: float | None
) -> None:
    ordered = [at(m) for m in sorted(given_minutes)]
    border = [at(m) if m is not None else None for m in (room, after)]
    axis = time_axis.axis(ordered, *border)
    xs = [axis.x(moment) for moment in ordered]
    assert xs == sorted(xs)
    assert all(LEFT <= x <= END for x in xs)
    assert axis.pieces[0].x0 == LEFT
    assert round(axis.pieces[-1].x1, 3) == END
    assert all(a.x1 == b.x0 and a.end == b.start for a, b in pairwise(axis.pieces))


@given(courses)
def test_nothing_stands_outside_and_no_words_overlap(course: Course) -> None:
    found = timeline.draw(course, label, lasted)
    if found is None:
        return
    bars = [*found.phases, *found.shades, *found.cuts, *found.narrow]
    for lane in (*found.lanes, *found.rows, *found.clocks):
        bars += lane.bars
        assert all(LEFT <= s.x <= END and 0 <= s.y <= found.foot for s in lane.spots)
    for bar in bars:
        assert LEFT - 0.1 <= bar.x <= bar.end <= END + 0.1
        assert found.top <= bar.y <= bar.y + bar.height <= found.foot + 0.1
    for row in found.rows:
        assert [s.x for s in row.spots] == sorted(s.x for s in row.spots)
        for one, other in combinations([s for s in row.spots if s.text], 2):
            assert one.y != other.y or apart(one, other)
    for clock in found.clocks:
        for first, second in combinations(clock.bars, 2):
            assert first.y != second.y or first.end < second.x or second.end < first.x
    ticks = [t.x for t in found.ticks]
    assert all(b - a >= time_axis.TICK_APART for a, b in pairwise(ticks))
    assert all(LEFT <= x <= END for x in ticks)


def apart(one: Spot, other: Spot) -> bool:
    (a, b), (c, d) = one.span, other.span
    return b < c or d < a
