"""The table behind a plot: rounded on the page, unrounded and harmless in the CSV."""

import pytest

from procedures.screens.statistics.tables import Column, Kind, Table, harmless, text


def test_a_table_is_rounded_on_the_page_and_whole_in_the_csv() -> None:
    table = Table(
        [Column("Operator"), Column("Cases", Kind.COUNT), Column("Median, min", Kind.MINUTES),
         Column("Cement, mL", Kind.AMOUNT), Column("Rate, %", Kind.PERCENT)],
        [["Dr Chen", 12, 31.25, 4.125, 1 / 15], ["Dr Few", 0, None, None, None]],
    )  # fmt: skip
    assert [[cell for cell, _is_number in row] for row in table.shown] == [
        ["Dr Chen", "12", "31.2", "4.12", "6.7"],
        ["Dr Few", "0", "–", "–", "–"],
    ]
    assert [is_number for _cell, is_number in table.shown[0]] == [False, True, True, True, True]
    assert list(table.csv()) == [
        ["Operator", "Cases", "Median, min", "Cement, mL", "Rate, %"],
        ["Dr Chen", "12", "31.25", "4.125", "6.666666667"],
        ["Dr Few", "0", "", "", ""],
    ]


@pytest.mark.parametrize("words", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "\r=1", "\n=1", "|x", "%0A=1"])
def test_no_words_are_computed_by_a_spreadsheet(words: str) -> None:
    assert harmless(words) == f"'{words}"
    assert list(Table([Column(words)], [[words]]).csv()) == [[f"'{words}"]] * 2


@pytest.mark.parametrize("words", ["Dr Chen", "5 %, min", "", "T12", "2026-03"])
def test_other_words_stay_as_they_are(words: str) -> None:
    assert harmless(words) == words


def test_words_among_numbers_are_words() -> None:
    assert text("too few to judge", Kind.WORDS) == "too few to judge"
    assert text(0, Kind.COUNT) == "0"
