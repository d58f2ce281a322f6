"""Which PINs are taken."""

import pytest

from procedures.rules import Invalid
from procedures.signin import check_new_pin


@pytest.mark.parametrize(
    "pin",
    ["", "12345", "1234567890123", "12345a", "١٢٣٤٥٦", "271 828", "271828\n", "-271828", "2.71828"],
)
def test_a_pin_has_six_to_twelve_digits(pin: str) -> None:
    with pytest.raises(Invalid) as wrong:
        check_new_pin(pin, pin)
    assert "6 to 12 digits" in wrong.value.errors["pin"]


@pytest.mark.parametrize(
    "pin",
    [
        "111111", "123456", "654321", "890123", "135791", "121212", "123123", "112233", "100001", "00000000",
        "120352", "031252", "520312", "12031952", "03121952", "19520312", "290264", "12341234",
    ],
)  # fmt: skip
def test_one_that_is_soon_guessed_is_refused(pin: str) -> None:
    with pytest.raises(Invalid) as wrong:
        check_new_pin(pin, pin)
    assert "Too easy" in wrong.value.errors["pin"]


@pytest.mark.parametrize("pin", ["271828", "314159", "902613", "48205917", "290263" + "7", "998877665543"])
def test_others_are_taken(pin: str) -> None:
    check_new_pin(pin, pin)


def test_it_is_given_twice() -> None:
    with pytest.raises(Invalid) as wrong:
        check_new_pin("271828", "271829")
    assert set(wrong.value.errors) == {"again"}
