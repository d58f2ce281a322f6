"""The patients of the demo: invented names from many places, and what is known of each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from procedures.commands import PatientDetails

from .names import Name, names

# Family name, given name, sex.
_NAMES = (
    ("Haugen", "Ingrid", "F"),
    ("Okonkwo", "Chidi", "M"),
    ("Marchetti", "Lucia", "F"),
    ("Takeda", "Haruko", "F"),
    ("Petrov", "Dimitar", "M"),
    ("Fernández", "Rosario", "F"),
    ("Nguyen", "Thi Mai", "F"),
    ("Schneider", "Walter", "M"),
    ("Abebe", "Tsehay", "F"),
    ("O’Brien", "Maeve", "F"),
    ("Kaya", "Emine", "F"),
    ("Lindström", "Birgit", "F"),
    ("Rahman", "Abdul", "M"),
    ("Dubois", "Colette", "F"),
    ("Kowalska", "Zofia", "F"),
    ("Silva", "Joaquim", "M"),
    ("Iyer", "Lakshmi", "F"),
    ("Papadopoulos", "Eleni", "F"),
    ("Mokoena", "Naledi", "F"),
    ("Jensen", "Karsten", "M"),
    ("Haddou", "Fatima", "F"),
    ("Horváth", "Ilona", "F"),
    ("Kim", "Soon-ja", "F"),
    ("Tupou", "Sione", "M"),
    ("Weber", "Hannelore", "F"),
    ("Çelik", "Ahmet", "M"),
    ("Morales", "Guadalupe", "F"),
    ("Sokolova", "Nadezhda", "F"),
    ("Campbell", "Isla", "F"),
    ("Suzuki", "Kenji", "M"),
    ("Van der Merwe", "Annelie", "F"),
    ("Bianchi", "Ernesto", "M"),
    ("Mwangi", "Wanjiru", "F"),
    ("Larsen", "Solveig", "F"),
    ("Chowdhury", "Nasreen", "F"),
    ("Dvořák", "Milada", "F"),
    ("Hernández", "Tomás", "M"),
    ("Akhmetova", "Aigul", "F"),
    ("Levy", "Miriam", "F"),
    ("Santos", "Benedita", "F"),
    ("Kahananui", "Leilani", "F"),
    ("Popescu", "Viorica", "F"),
    ("Sharma", "Devendra", "M"),
    ("Virtanen", "Aino", "F"),
    ("Rossi", "Maria", "F"),
    ("Rossi", "Marina", "F"),
)
_ALLERGIES = ("penicillin", "latex", "ibuprofen", "sticking plaster", "codeine", "nickel", "sulfonamides")
_INDICATIONS = ("osteoporosis",) * 7 + ("metastasis", "myeloma", "trauma", "haemangioma")


@dataclass(frozen=True, slots=True)
class Person:
    """A patient with the allergies told at the first visit and the reason for coming."""

    details: PatientDetails
    allergies: tuple[str, ...]
    indication: str


def patients(rng: Random, day: date) -> Iterator[Person]:
    """All of them once, in the order of the list; the last two share their family name. Ages are those on `day`."""
    numbers = rng.sample(range(100_000_000, 1_000_000_000), len(_NAMES))
    yield from _persons(rng, day, zip(numbers, _NAMES, strict=True))


def year_of_patients(rng: Random, day: date) -> Iterator[Person]:
    """As many as a year needs, beside those of `patients`: none has a record number of theirs."""
    for number, name in enumerate(names(rng)):
        yield from _persons(rng, day, [(20_000_000 + 7919 * number + rng.randrange(7919), name)])


def _persons(rng: Random, day: date, named: Iterable[tuple[int, Name]]) -> Iterator[Person]:
    for number, (family_name, given_name, sex) in named:
        age = min(96, max(38, rng.gauss(75, 9)))  # mean 76, range 35 to 98 in the series of source S24
        details = PatientDetails(
            mrn=f"{number:09}",
            family_name=family_name,
            given_name=given_name,
            birth_date=day - timedelta(days=int(age * 365.25)),
            sex=sex,
        )
        allergies = tuple(rng.sample(_ALLERGIES, rng.choices((0, 1, 2), (6, 3, 1))[0]))
        yield Person(details, allergies, rng.choice(_INDICATIONS))
