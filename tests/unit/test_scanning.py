"""Scans as hospitals' scanners send them."""

from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from procedures import scanning
from procedures.scanning import GS, Scan, Unreadable, encode, read

GTIN = "09521100000017"
WHOLE = Scan(GTIN, "A12-B", "2027-03-31", "77", "2025-02-28")
# The character set 82 of GS1, of which lots and serial numbers are made.
SIGNS = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"


def refused(code: str) -> str:
    with pytest.raises(Unreadable) as problem:
        read(code)
    return problem.value.sentence


@pytest.mark.parametrize(
    ("code", "scan"),
    [
        (f"01{GTIN}112502281727033110A12-B{GS}2177", WHOLE),
        (f"]d201{GTIN}112502281727033110A12-B{GS}2177", WHOLE),
        (f"]C1{GS}01{GTIN}1125022817270331{GS}10A12-B{GS}2177{GS}", WHOLE),
        (f"01{GTIN}10A12-B|2177|1125022817270331", WHOLE),
        (f"01{GTIN}10A12-B<GS>2177<GS>1125022817270331", WHOLE),
        (f"01{GTIN}10A12-B␝2177^]1125022817270331", WHOLE),
        (f"(01){GTIN}(11)250228(17)270331(10)A12-B(21)77", WHOLE),
        (f"(01){GTIN} (11)250228 (17)270331 (10)A12-B (21)77", WHOLE),
        (f"https://id.gs1.org/01/{GTIN}/10/A12-B/21/77?11=250228&17=270331", WHOLE),
        (GTIN, Scan(GTIN)),
        ("9521100000017", Scan(GTIN)),
        ("]E09521100000017", Scan(GTIN)),
        (f"01{GTIN}17280200", Scan(GTIN, expires="2028-02-29")),
        (f"01{GTIN}17270200", Scan(GTIN, expires="2027-02-28")),
        (f"01{GTIN}7003270331235910A1", Scan(GTIN, "A1", "2027-03-31")),
        (f"01{GTIN}172704007003270331235910A1", Scan(GTIN, "A1", "2027-03-31")),
        (f"01{GTIN}100007", Scan(GTIN, "0007")),
        (f"01{GTIN}30250{GS}10A1", Scan(GTIN, "A1")),
        ("17270331", Scan(expires="2027-03-31")),
        (f"01{GTIN} 1727033110A1", Scan(GTIN, "A1", "2027-03-31")),
    ],
)
def test_a_code_is_read_whatever_the_scanner_makes_of_it(code: str, scan: Scan) -> None:
    assert read(code) == scan


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("", "names no product"),
        ("]", "not a GS1 product code"),
        ("hello", "not a GS1 product code"),
        ("+H1235ABC", "HIBC"),
        (f"01{GTIN[:-1]}8", "last digit does not fit"),
        ("9521100000018", "last digit does not fit"),
        (f"01{GTIN}17271301", "not a GS1 product code"),
        (f"01{GTIN}17270230", "not a GS1 product code"),
        (f"01{GTIN}10" + "x" * 21, "not a GS1 product code"),
        (f"01{GTIN}01{GTIN[:-2]}24", "two products"),
        (f"01{GTIN} 0109521100000024", "two products"),
        (f"(01){GTIN}(10)A(1", "not a GS1 product code"),
        (f"01{GTIN}10Größe", "not a GS1 product code"),
        ("30" + "2", "names no product"),
        ("x" * 401, "too long"),
        ("01\x0000000000000", "not a GS1 product code"),
    ],
)
def test_what_cannot_be_read_says_why(code: str, words: str) -> None:
    assert words in refused(code)


def test_a_lost_separator_is_told_where_the_last_part_could_be_two() -> None:
    assert read(f"01{GTIN}1727033110A12B2177QX").unsure
    assert read(f"01{GTIN}10A12B17270331").unsure
    assert not read(f"01{GTIN}1727033110A12B{GS}2177QX").unsure
    assert not read(f"01{GTIN}1727033110A9B").unsure


texts = st.text(SIGNS, min_size=1, max_size=20)
days = st.dates(date(2000, 1, 1), date(2049, 12, 31)).map(date.isoformat)
gtins = st.integers(1, 10**13 - 1).map(
    lambda n: f"{n:013}{-sum(int(d) * (3, 1)[i % 2] for i, d in enumerate(f'{n:013}')) % 10}"
)


@given(
    gtin=gtins,
    lot=texts,
    serial=texts,
    expires=days,
    made=days,
    identifier=st.sampled_from(["", "]d2", "]C1"]),
)
def test_every_product_reads_back_from_its_code(
    gtin: str, lot: str, serial: str, expires: str, made: str, identifier: str
) -> None:
    assume("<GS>" not in lot + serial)
    scan = Scan(gtin, lot, expires, serial, made)
    assert read(identifier + encode(scan).removeprefix("]d2")) == scan


@given(st.permutations(["01", "10", "17", "21"]), st.sampled_from([GS, "|", "~", "␝", "{GS}"]))
def test_the_parts_stand_in_any_order(order: list[str], separator: str) -> None:
    parts = {"01": GTIN, "10": "A12-B", "17": "270331", "21": "77"}
    code = separator.join(ai + parts[ai] for ai in order)
    assert read(code) == Scan(GTIN, "A12-B", "2027-03-31", "77")


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        found = read(text)
    except Unreadable as problem:
        sentence = problem.sentence
    else:
        assert found != Scan()
        return
    assert sentence


@given(days)
def test_the_last_day_of_a_month_is_day_00(day: str) -> None:
    last = (date.fromisoformat(day) + timedelta(days=1)).day == 1
    assert encode(Scan(GTIN, expires=day)).endswith("00") is last


@pytest.mark.parametrize("text", ["", "123", "0" * 14, "x" * 14, "²" * 14, "9521100000018"])
def test_a_number_that_is_no_gtin(text: str) -> None:
    with pytest.raises(Unreadable):
        scanning.check_gtin(text)


def test_a_gtin_has_fourteen_digits() -> None:
    assert scanning.check_gtin(" 9521100000017") == GTIN
    assert scanning.check_gtin("96385074") == "00000096385074"
