"""Two hundred guesses at once, each with its own connection."""

from collections import Counter
from threading import Barrier, Lock, Thread

import pytest
from django.contrib.auth.hashers import check_password
from django.db import connection

from procedures import signin
from procedures.models import Pin
from procedures.rules import Invalid, Refused
from procedures.signin import pins
from tests.world import World, give_pin, tablet_of

GUESSES, AT_ONCE = 200, 40


def test_of_two_hundred_guesses_five_are_judged(
    lasting_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse = lasting_world.nurse
    give_pin(nurse)
    tablet = tablet_of(lasting_world.unit)
    judged, answers, guard, barrier = [], Counter[str](), Lock(), Barrier(AT_ONCE)

    def judge(pin: str, kept: str) -> bool:
        with guard:
            judged.append(pin)
        return check_password(pin, kept)

    def guess(first: int) -> None:
        try:
            barrier.wait(30)
            for number in range(first, GUESSES, AT_ONCE):
                try:
                    signin.check_pin(tablet, nurse.pk, f"{900000 + number}")
                    said = "right"
                except Refused as refused:
                    said = refused.code
                except Invalid:
                    said = "wrong"
                with guard:
                    answers[said] += 1
        finally:
            connection.close()

    monkeypatch.setattr(pins, "check_password", judge)
    threads = [Thread(target=guess, args=(first,)) for first in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(judged) == 5
    assert answers == {"wrong": 4, "pin_locked": GUESSES - 4}
    assert Pin.objects.get().locked_at is not None
