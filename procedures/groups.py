"""Which cases stand together in the statistics, and whose are not shown to whom. Pure.

The rule on small groups, said once: figures of fewer than five cases of one operator are shown to that operator alone.

* Of the selection, the cases of every such operator are left out of all that is drawn for somebody else, unless these
  operators together have five or more: then they count, as one group without names.
* Where all that is not one's own is of one operator, a group of a split with fewer than five of their cases is not
  shown. So that it cannot be had by subtracting the others from the whole, the next smallest goes with it until five
  are hidden. Groups of several operators' cases say nothing of one of them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from .statistics import Figures

FEWEST = 5
MOST_GROUPS = 8  # so many stand beside each other; what is smaller goes together
TOGETHER, REST = "together", "rest"


class By(StrEnum):
    """What a split goes by."""

    NOTHING = ""
    LEVELS = "levels"
    ACCESS = "access"
    APPROACH = "approach"
    OPERATOR = "operator"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that stand together. `key` says which (words are made of it elsewhere), `name` is a person or a version."""

    key: str
    name: str
    cases: tuple[Figures, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What of a selection may be shown, and how many cases may not."""

    cases: tuple[Figures, ...]
    withheld: int


@dataclass(frozen=True, slots=True)
class Split:
    """The groups of a split that may be shown, in order, and how many cases stand in those that may not."""

    groups: tuple[Group, ...]
    withheld: int


def shown_to(viewer: int, cases: Sequence[Figures]) -> Shown:
    """The cases whose figures this person may see: the first half of the rule."""
    few = _of_few(viewer, cases)
    left_out = [case for case in cases if case.operator in few]
    if not 0 < len(left_out) < FEWEST:
        return Shown(tuple(cases), 0)
    return Shown(tuple(case for case in cases if case.operator not in few), len(left_out))


def _of_few(viewer: int, cases: Iterable[Figures]) -> set[int]:
    """Operators with fewer than five of these cases, other than the viewer."""
    number: dict[int, int] = {}
    for case in cases:
        if case.operator is not None and case.operator != viewer:
            number[case.operator] = number.get(case.operator, 0) + 1
    return {operator for operator, n in number.items() if n < FEWEST}


def split(viewer: int, cases: Sequence[Figures], by: By) -> Split:
    """What was cleared by `shown_to`, in groups, and the second half of the rule."""
    few = _of_few(viewer, cases) if by is By.OPERATOR else set()
    parts: dict[str, list[Figures]] = {}
    for case in cases:
        key = TOGETHER if case.operator in few else KEYS[by](case)
        parts.setdefault(key, []).append(case)
    groups = [Group(key, _name(by, key, found), tuple(found)) for key, found in parts.items()]
    others = {case.operator for case in cases} - {None, viewer}
    kept, withheld = _without_small(viewer, groups) if len(others) == 1 else (groups, 0)
    return Split(tuple(sorted(_at_most(kept, viewer), key=lambda group: _order(by, group, viewer))), withheld)


def _without_small(viewer: int, groups: list[Group]) -> tuple[list[Group], int]:
    """The groups without what nobody but its owner may see of them, and how many cases that is."""
    kept, hidden, withheld = list(groups), [group for group in groups if _small(viewer, group)], 0
    while hidden:
        for group in hidden:
            place = kept.index(group)
            own = tuple(case for case in group.cases if case.operator == viewer)
            kept[place : place + 1] = [replace(group, cases=own)] if own else []
            withheld += len(group.cases) - len(own)
        others = [group for group in kept if _of_others(viewer, group)]
        hidden = (
            [min(others, key=lambda group: len(_of_others(viewer, group)))]
            if others and withheld < FEWEST
            else []
        )
    return kept, withheld


def _of_others(viewer: int, group: Group) -> list[Figures]:
    return [case for case in group.cases if case.operator not in (None, viewer)]


def _small(viewer: int, group: Group) -> bool:
    return 0 < len(_of_others(viewer, group)) < FEWEST


def _at_most(groups: list[Group], viewer: int) -> list[Group]:
    """Not more groups than can be looked at: the smallest stand together, the viewer's own never among them."""
    if len(groups) <= MOST_GROUPS:
        return groups
    by_size = sorted(groups, key=lambda group: (group.key != str(viewer), -len(group.cases)))
    rest = tuple(case for group in by_size[MOST_GROUPS - 1 :] for case in group.cases)
    return [*by_size[: MOST_GROUPS - 1], Group(REST, "", rest)]


def _levels(case: Figures) -> str:
    return str(min(len(case.treated), 3))


def _access(case: Figures) -> str:
    sides = {len(level.sides) for level in case.treated} - {0}
    return {(): "", (1,): "one", (2,): "both"}.get(tuple(sorted(sides)), "mixed")


def _approach(case: Figures) -> str:
    approaches = {approach for level in case.treated for approach in level.approach}
    return "mixed" if len(approaches) > 1 else next(iter(approaches), "")


KEYS: dict[By, Callable[[Figures], str]] = {
    By.NOTHING: lambda _case: "",
    By.LEVELS: _levels,
    By.ACCESS: _access,
    By.APPROACH: _approach,
    By.OPERATOR: lambda case: str(case.operator or ""),
    By.VERSION: lambda case: case.version,
}


def _name(by: By, key: str, cases: list[Figures]) -> str:
    if key in (TOGETHER, REST):
        return ""
    return {By.OPERATOR: cases[0].operator_name, By.VERSION: key}.get(by, "")


def _order(by: By, group: Group, viewer: int) -> tuple[object, ...]:
    """One's own first, then by name, number or size; what stands together or is not known last."""
    last = (group.key == REST, group.key == TOGETHER, group.key == "")
    match by:
        case By.OPERATOR:
            return (*last, group.key != str(viewer), group.name, group.key)
        case By.VERSION:
            return (*last, [(len(part), part) for part in group.name.split(".")])
        case By.LEVELS:
            return (group.key == "0", group.key)
        case _:
            return (*last, group.key == "mixed", group.key)
