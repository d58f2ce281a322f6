"""Many past cases at once, for pages that count: rows copied from a case that the commands completed.

Only what the statistics read differs: date, operator, times, cement, leaks, dose. Their events are those of nobody.
"""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from procedures.models import Case, User
from tests.world import World

STRETCHES = {"before": 35, "room": 25, "needle": 12, "balloon": 8, "cement": 10, "hardened": 17, "after": 11,
             "recovery": 100, "discharge": 25}  # fmt: skip
STEPS = (
    "PRE-ID", "PRE-CON", "PRE-SCR", "PRE-BASE", "PRE-MARK", "K01", "K02", "ABX", "K03", "CHK-IN", "K04", "K05", "K06a",
    "K06b", "CHK-TO", "K07", "K08a", "K08b", "K08c", "K09a", "K09b", "K09c", "K09d", "K09e", "K09f", "K10", "K11",
    "CNT", "CLO", "CHK-OUT", "REC-TURN", "REC-HO", "REC-OBS", "REC-SCO", "DIS",
)  # fmt: skip
VERTEBRAE = ("T7", "T8", "T11", "T12", "L1", "L2", "L3")
NEWEST = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def accounts(rng: random.Random) -> dict[str, Any]:
    """What `account.py` would say of a plausible case."""
    some = rng.sample(VERTEBRAE, rng.choice([1, 1, 1, 2, 3]))
    sides = rng.choice([["left"], ["left", "right"]])

    def around(minutes: float) -> int:
        return max(20, int(rng.lognormvariate(0, 0.3) * minutes * 60))

    found: dict[str, Any] = {
        "stretches": {name: around(minutes) for name, minutes in STRETCHES.items()},
        "steps": {code: around(5) for code in STEPS if rng.random() > 0.1},
        "levels": {
            vertebra: {
                "cement": f"{max(1.0, rng.gauss(4.3, 0.9)):.1f}",
                "leak": rng.choice([None, [], [], [], [], [], [], ["disc"], ["cortical", "disc"]]),
                "sides": sides,
                "approach": [rng.choice(["transpedicular", "transpedicular", "extrapedicular"])],
            }
            for vertebra in some
        },
        "entries": rng.randrange(50, 80),
        "late": rng.choice([0, 0, 1, 4]),
    }
    if rng.random() > 0.1:
        found |= {"fluoro_s": str(around(5)), "dap": f"{rng.lognormvariate(3, 0.6):.1f}",
                  "kerma": f"{rng.lognormvariate(6, 0.6):.0f}"}  # fmt: skip
    return found


def template(world: World) -> Case:
    """A case that was done from the first step to the last."""
    case_id = world.started("L1", mrn="700000001", scheduled_at=NEWEST - timedelta(days=900))
    world.do_until(case_id, "none")
    return Case.objects.get(pk=case_id)


def many(like: Case, operator: User | None, number: int, seed: int = 1, **fixed: Any) -> list[UUID]:
    """So many more cases of an operator, spread over a year; `fixed`: columns that are the same in all."""
    rng = random.Random(f"{seed} {operator and operator.username}")
    rows: list[Case] = []
    for _ in range(number):
        account = accounts(rng)
        case = Case.objects.get(pk=like.pk) if not rows else _copy(rows[0])
        case.pk, case.operator, case.account = uuid4(), operator, account
        case.scheduled_at = NEWEST - timedelta(days=rng.randrange(360), minutes=rng.randrange(600))
        case.treated = len(account["levels"])
        case.levels = [vertebra for vertebra in VERTEBRAE if vertebra in account["levels"]]
        case.skin_seconds = sum(account["stretches"][name] for name in ("needle", "balloon", "cement"))
        case.complications = int(rng.random() < 0.08)
        case.facets = [f"operator:{operator.pk}"] if operator else []
        for name, value in fixed.items():
            setattr(case, name, value)
        rows.append(case)
    Case.objects.bulk_create(rows, batch_size=1000)
    return [case.pk for case in rows]


def _copy(case: Case) -> Case:
    return Case(**{field.attname: getattr(case, field.attname) for field in Case._meta.concrete_fields})
