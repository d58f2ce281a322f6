"""Whose figures are shown to whom."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from procedures.groups import FEWEST, MOST_GROUPS, By, shown_to, split
from procedures.statistics import Figures, LevelFigures, figures

ME = 1
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
operators = st.sampled_from([ME, 2, 3, 4, 5, None])


def case(number: int, operator: int | None, *approaches: str, levels: int = 1, version: str = "1") -> Figures:
    """A case of an operator with so many treated vertebrae."""
    known = {
        f"L{place + 1}": {"cement": "4", "leak": [], "sides": ["left"], "approach": approaches}
        for place in range(levels)
    }
    return figures(
        {"levels": known}, case_id=UUID(int=number), at=START + timedelta(days=number), operator=operator,
        operator_name=f"Dr {operator}", version=version, status="completed", skin_seconds=600, complications=0,
    )  # fmt: skip


def of(**numbers: int) -> list[Figures]:
    """So many cases of each operator: of(_2=5, _3=1)."""
    operators = [int(name[1:]) for name, n in numbers.items() for _ in range(n)]
    return [case(number, operator) for number, operator in enumerate(operators)]


selections = st.lists(
    st.tuples(operators, st.integers(0, 4), st.sampled_from(["transpedicular", "extrapedicular"])),
    max_size=60,
).map(lambda rows: [case(place, who, how, levels=n) for place, (who, n, how) in enumerate(rows)])


def test_four_cases_of_somebody_else_are_shown_to_nobody_but_the_owner() -> None:
    cases = of(_1=9, _2=4)
    assert shown_to(ME, cases).withheld == 4
    assert {c.operator for c in shown_to(ME, cases).cases} == {ME}
    assert shown_to(2, cases).withheld == 0
    assert len(shown_to(2, cases).cases) == 13


def test_a_filter_down_to_one_operator_with_few_cases_shows_nothing() -> None:
    assert shown_to(ME, of(_2=4)).cases == ()
    assert len(shown_to(ME, of(_2=5)).cases) == 5
    assert len(shown_to(2, of(_2=1)).cases) == 1


def test_small_operators_count_together_where_they_make_five() -> None:
    cases = of(_1=2, _2=9, _3=4, _4=1)
    shown = shown_to(ME, cases)
    assert shown.withheld == 0
    found = split(ME, shown.cases, By.OPERATOR)
    assert [(group.key, group.name, len(group.cases)) for group in found.groups] == [
        ("1", "Dr 1", 2), ("2", "Dr 2", 9), ("together", "", 5),
    ]  # fmt: skip


def test_a_small_group_of_one_operator_cannot_be_had_by_subtraction() -> None:
    cases = [
        *(case(n, 2, "transpedicular") for n in range(30)),
        *(case(40 + n, 2, "extrapedicular") for n in range(2)),
        *(case(50 + n, 2, "transpedicular", "extrapedicular") for n in range(6)),
        case(60, ME, "extrapedicular"),
    ]
    found = split(ME, cases, By.APPROACH)
    assert [(group.key, len(group.cases)) for group in found.groups] == [
        ("extrapedicular", 1), ("transpedicular", 30),
    ]  # fmt: skip
    assert found.withheld == 8
    own = split(2, shown_to(2, cases).cases, By.APPROACH)  # the case of ME is withheld as a whole
    assert (own.withheld, [len(group.cases) for group in own.groups]) == (0, [2, 30, 6])


def test_the_groups_are_in_an_order_that_means_something() -> None:
    levels = split(ME, [case(n, ME, levels=n % 5) for n in range(5)], By.LEVELS)
    assert [group.key for group in levels.groups] == ["1", "2", "3", "0"]
    assert [len(group.cases) for group in levels.groups] == [1, 1, 2, 1]
    versions = split(ME, [case(n, ME, version=str(n)) for n in (10, 9, 2)], By.VERSION)
    assert [group.name for group in versions.groups] == ["2", "9", "10"]
    assert [g.key for g in split(ME, [case(1, ME)], By.NOTHING).groups] == [""]


def test_both_sides_and_both_approaches_are_told_apart() -> None:
    one = case(1, ME, "transpedicular")
    both = replace(one, treated=(LevelFigures("L1", 4, (), ("left", "right"), ("extrapedicular",)),))
    mixed = replace(one, treated=(*one.treated, *both.treated))
    assert [group.key for group in split(ME, [one, both, mixed], By.ACCESS).groups] == [
        "both",
        "one",
        "mixed",
    ]
    assert [group.key for group in split(ME, [one, both, mixed], By.APPROACH).groups] == [
        "extrapedicular", "transpedicular", "mixed",
    ]  # fmt: skip


def test_not_more_groups_than_can_be_looked_at_and_ones_own_among_them() -> None:
    found = split(ME, of(_1=1, **{f"_{n}": 5 + n for n in range(2, 20)}), By.OPERATOR)
    assert len(found.groups) == MOST_GROUPS
    assert (found.groups[0].key, found.groups[-1].key) == ("1", "rest")


@given(selections)
def test_nobody_ever_sees_few_cases_of_one_other(cases: list[Figures]) -> None:
    shown = shown_to(ME, cases)
    assert [c for c in shown.cases if c.operator == ME] == [c for c in cases if c.operator == ME]
    assert len(shown.cases) + shown.withheld == len(cases)
    number = {who: sum(c.operator == who for c in shown.cases) for who in (2, 3, 4, 5)}
    few = sum(n for n in number.values() if n < FEWEST)
    assert few == 0 or few >= FEWEST
    for by in By:
        found = split(ME, shown.cases, by)
        seen = [c for group in found.groups for c in group.cases]
        assert sorted(c.case_id for c in seen if c.operator == ME) == sorted(
            c.case_id for c in shown.cases if c.operator == ME
        )
        assert len(seen) + found.withheld == len(shown.cases)
        assert found.withheld == 0 or found.withheld >= FEWEST  # else the rest would follow from the whole
        if len({c.operator for c in shown.cases} - {ME, None}) == 1:
            of_others = [[c for c in group.cases if c.operator not in (ME, None)] for group in found.groups]
            assert not any(0 < len(cases) < FEWEST for cases in of_others)


def test_a_small_group_of_several_operators_says_nothing_of_one_and_is_shown() -> None:
    cases = [*of(_2=9, _3=9), case(30, 2, "extrapedicular"), case(31, 3, "extrapedicular")]
    found = split(ME, cases, By.APPROACH)
    assert [len(group.cases) for group in found.groups] == [2, 18]
    assert found.withheld == 0
