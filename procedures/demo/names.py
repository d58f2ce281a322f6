"""Invented names for a year of patients, from many places and in several scripts. None is anybody's."""

from collections.abc import Iterator
from random import Random

# Each origin: family names for women, for men, given names of women, of men. Three women come for every man.
type Origin = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]

_LATIN: tuple[Origin, ...] = (
    (
        ("Ashworth", "Pemberton", "Hollis", "Thackeray", "Wainwright", "Brannigan", "Cotterill", "Fairclough"),
        ("Ashdown", "Pickering", "Hathaway", "Redfern", "Winterbourne", "Brockway", "Crosland", "Fenwick"),
        ("Dorothy", "Margaret", "Edith", "Sheila", "Pauline", "Maureen"),
        ("Arthur", "Leonard", "Stanley", "Gordon"),
    ),
    (
        ("Brückner", "Hölzl", "Vogelsang", "Wiesner", "Klingenberg", "Sauerbrey", "Oberländer"),
        ("Brüggemann", "Hasselbach", "Vollmer", "Westphal", "Krüger", "Steinmetz"),
        ("Gertrud", "Hildegard", "Erika", "Ursula", "Waltraud"),
        ("Günther", "Horst", "Manfred"),
    ),
    (
        ("Lefèvre", "Charpentier", "Désormeaux", "Guérin", "Villeneuve", "Beauchêne"),
        ("Fontaine", "Chevrolat", "Delacroix", "Garnier", "Vasseur"),
        ("Geneviève", "Odile", "Thérèse", "Marguerite"),
        ("Étienne", "Lucien", "Fernand"),
    ),
    (
        ("Castellanos", "Figueroa", "Zambrano", "Ibáñez", "Quintanilla", "Peñalosa"),
        ("Cienfuegos", "Montalvo", "Zapatero", "Iriarte", "Quiñones"),
        ("Encarnación", "Pilar", "Consuelo", "Remedios"),
        ("Anselmo", "Eusebio", "Fermín"),
    ),
    (
        ("Wiśniewska", "Zielińska", "Krzyżanowska", "Łukasik", "Nováková", "Růžičková", "Șerbănescu"),
        ("Wójtowicz", "Zając", "Kołodziej", "Łapiński", "Novotný", "Řezníček", "Țurcanu"),
        ("Bożena", "Grażyna", "Jadwiga", "Květa", "Ioana"),
        ("Zbigniew", "Stanisław", "Jiří", "Gheorghe"),
    ),
    (
        ("Adebayo", "Chukwu", "Okeke", "Wambui", "Achieng", "Tesfaye", "Nkosi"),
        ("Afolabi", "Eze", "Obi", "Kiprono", "Otieno", "Bekele", "Dlamini"),
        ("Ngozi", "Adunni", "Njeri", "Almaz", "Thandiwe"),
        ("Emeka", "Tunde", "Kamau", "Sipho"),
    ),
    (
        ("Rajagopalan", "Krishnamurthy", "Bhattacharya", "Deshpande", "Chaudhry", "Perera"),
        ("Subramaniam", "Mukherjee", "Kulkarni", "Qureshi", "Fernando"),
        ("Saraswati", "Kamala", "Meenakshi", "Shabana"),
        ("Venkatesh", "Harish", "Imran"),
    ),
    (
        ("Trần", "Phạm", "Lê", "Wong", "Tan", "Park", "Yoon", "Watanabe", "Kobayashi"),
        ("Đặng", "Vũ", "Ngô", "Leung", "Lim", "Choi", "Matsumoto"),
        ("Thị Hoa", "Ngọc Anh", "Mei Ling", "Young-hee", "Fumiko"),
        ("Văn Đức", "Kwok Wai", "Jae-sung", "Hiroshi"),
    ),
    (
        ("Ólafsdóttir", "Sæther", "Bjørnstad", "Hyvärinen", "Kjærgaard", "Åkesson"),
        ("Þórarinsson", "Sørbø", "Bråten", "Mäkinen", "Østergaard", "Öberg"),
        ("Guðrún", "Åse", "Bodil", "Kaarina"),
        ("Sigurður", "Håkon", "Eero"),
    ),
)  # fmt: skip
_OTHER_SCRIPTS: tuple[Origin, ...] = (
    (
        ("Παπαδοπούλου", "Καραγιάννη", "Οικονόμου"),
        ("Δημητρίου", "Αλεξόπουλος"),
        ("Ελένη", "Σοφία", "Αικατερίνη"),
        ("Γεώργιος", "Νικόλαος"),
    ),
    (
        ("Лебедева", "Кузнецова", "Шевченко", "Йорданова"),
        ("Соловьёв", "Мельник", "Щербаков"),
        ("Надежда", "Галина", "Олександра", "Цветанка"),
        ("Анатолий", "Юрій"),
    ),
    (("佐々木", "渡辺", "齋藤"), ("山口", "髙橋"), ("花子", "千代", "美智子"), ("健一", "清")),
    (("الحسيني", "المنصوري"), ("بن عيسى", "الخطيب"), ("فاطمة الزهراء", "خديجة"), ("عبد الرحمن", "يوسف")),
)
# Too long for a line of a form, a label or a column that was measured with "Smith".
_LONG = (
    ("Featherstonehaugh-Cholmondeley-Wetherington", "Alexandrina Wilhelmina Philippa", "F"),
    ("Venkatanarasimharajuvaripeta Srinivasaraghavan", "Padmavathi", "F"),
    ("Fernández-Villaverde y Ruiz de Alarcón de la Fuente", "María de los Ángeles Guadalupe", "F"),
    ("Hohenlohe-Schillingsfürst-Oberkirchbergshausen", "Friedrich-Maximilian Leopold", "M"),
)

type Name = tuple[str, str, str]  # family name, given name, sex


def names(rng: Random) -> Iterator[Name]:
    """Names in no order, no two alike: long ones and other scripts now and then. About three hundred."""
    usual = _all(rng, _LATIN)
    rare = [*_all(rng, _OTHER_SCRIPTS)[:24], *_LONG]
    rng.shuffle(rare)
    while usual:
        yield rare.pop() if rare and rng.random() < 0.11 else usual.pop()


def _all(rng: Random, origins: tuple[Origin, ...]) -> list[Name]:
    found = set()
    for her_family, his_family, her_given, his_given in origins:
        found |= {(family, rng.choice(her_given), "F") for family in her_family for _ in range(6)}
        found |= {(family, rng.choice(his_given), "M") for family in his_family for _ in range(2)}
    listed = sorted(found)
    rng.shuffle(listed)
    return listed
