"""Five partners of the circle: where they are, who works there, and how their trade breathes."""

from dataclasses import dataclass

from apps.backoffice.demo.people import OWNER, STAFF, Person

DAYTIME = {10: 3, 11: 5, 12: 6, 13: 6, 14: 6, 15: 6, 16: 6, 17: 6, 18: 5, 19: 4, 20: 2}
DINNER = {12: 3, 13: 5, 14: 4, 15: 2, 16: 2, 17: 3, 18: 6, 19: 9, 20: 9, 21: 7, 22: 3}
SHOP = {11: 3, 12: 5, 13: 6, 14: 5, 15: 5, 16: 5, 17: 6, 18: 7, 19: 7, 20: 5, 21: 2}
CLINIC = {8: 3, 9: 7, 10: 8, 11: 7, 12: 5, 13: 4, 14: 5, 15: 6, 16: 6, 17: 6, 18: 5, 19: 3}


@dataclass(frozen=True)
class Rhythm:
    """How a partner's guests come and pay.

    `visits` a regular makes in 30 days; `weekdays` (Monday first), `hours` and `months` (January
    first) are weights; a receipt is log-normal: `median` ₽, `spread` of its logarithm, in steps of
    `step` ₽, `least` at the least.
    """

    visits: float
    weekdays: tuple[float, ...]
    hours: dict[int, int]
    months: tuple[float, ...]
    median: int
    spread: float
    step: int
    least: int


@dataclass(frozen=True)
class Partner:
    """`also`: how likely a regular of this partner visits each of the others too."""

    slug: str
    name: str
    category: str
    description: str
    locations: tuple[tuple[str, str], ...]
    owner: Person
    staff: tuple[Person, ...]
    rhythm: Rhythm
    share: float
    also: dict[str, float]


def _staff(number: int, first: str, last: str, email: str) -> Person:
    return Person("business_staff", f"+7900000{number:04}", first, last, f"{email}@example.ru")


def _owner(number: int, first: str, last: str, email: str) -> Person:
    return Person("business_owner", f"+7900000{number:04}", first, last, f"{email}@example.ru")


MINDAL = Partner(
    slug="mindal",
    name="Миндаль",
    category="salon",
    description="Салон красоты: волосы, ногти, брови и уход за лицом.",
    locations=(
        ("Патриаршие", "Москва, ул. Малая Бронная, 24, стр. 3"),
        ("Хамовники", "Москва, Комсомольский просп., 31"),
    ),
    owner=OWNER,
    staff=(
        STAFF,
        _staff(111, "Дарья", "Кравцова", "d.kravtsova"),
        _staff(112, "Алина", "Шувалова", "a.shuvalova"),
    ),
    rhythm=Rhythm(
        visits=1.0,
        weekdays=(0.0, 1.1, 1.2, 1.2, 1.5, 1.6, 0.15),
        hours=DAYTIME,
        months=(0.8, 1.0, 1.2, 1.05, 1.1, 1.0, 0.85, 0.85, 1.0, 1.0, 1.05, 1.5),
        median=4600,
        spread=0.5,
        step=50,
        least=900,
    ),
    share=0.32,
    also={"lisichkino": 0.45, "skinerica": 0.5, "stim": 0.12, "millennium": 0.18},
)
LISICHKINO = Partner(
    slug="lisichkino",
    name="Лисичкино",
    category="gastro",
    description="Рестораны домашней кухни с верандами.",
    locations=(
        ("Чистые пруды", "Москва, ул. Покровка, 17, стр. 1"),
        ("Сокол", "Москва, Ленинградский просп., 75, корп. 1"),
        ("Нагатино", "Москва, просп. Андропова, 22"),
    ),
    owner=_owner(120, "Марина", "Лисицкая", "m.lisitskaya"),
    staff=(
        _staff(121, "Полина", "Рогожина", "p.rogozhina"),
        _staff(122, "Яна", "Астахова", "y.astakhova"),
        _staff(123, "Кира", "Меньшова", "k.menshova"),
    ),
    rhythm=Rhythm(
        visits=1.5,
        weekdays=(0.6, 0.65, 0.75, 0.9, 1.5, 1.6, 1.1),
        hours=DINNER,
        months=(0.85, 1.05, 1.1, 0.95, 1.05, 1.1, 1.0, 0.95, 1.0, 0.95, 0.95, 1.4),
        median=2900,
        spread=0.55,
        step=10,
        least=450,
    ),
    share=0.30,
    also={"mindal": 0.35, "skinerica": 0.25, "stim": 0.1, "millennium": 0.15},
)
SKINERICA = Partner(
    slug="skinerica",
    name="Skinerica",
    category="cosmetics",
    description="Корейская и французская косметика, подбор ухода.",
    locations=(
        ("Петровка", "Москва, ул. Петровка, 15, стр. 1"),
        ("Якиманка", "Москва, ул. Большая Якиманка, 26"),
    ),
    owner=_owner(130, "Эрика", "Штольц", "e.stolz"),
    staff=(
        _staff(131, "Милана", "Сафонова", "m.safonova"),
        _staff(132, "Вероника", "Гусева", "v.guseva"),
    ),
    rhythm=Rhythm(
        visits=0.8,
        weekdays=(0.8, 0.85, 0.9, 0.95, 1.1, 1.35, 1.05),
        hours=SHOP,
        months=(0.8, 1.15, 1.35, 0.9, 0.95, 0.85, 0.85, 0.9, 0.95, 1.0, 1.25, 1.7),
        median=3700,
        spread=0.6,
        step=10,
        least=390,
    ),
    share=0.18,
    also={"mindal": 0.5, "lisichkino": 0.3, "stim": 0.08, "millennium": 0.15},
)
STIM = Partner(
    slug="stim",
    name="Стим Центр",
    category="dental",
    description="Стоматология: лечение, гигиена, ортодонтия.",
    locations=(("Динамо", "Москва, ул. Верхняя Масловка, 20, стр. 2"),),
    owner=_owner(140, "Татьяна", "Стимова", "t.stimova"),
    staff=(
        _staff(141, "Юлия", "Ремизова", "y.remizova"),
        _staff(142, "Лидия", "Крамская", "l.kramskaya"),
    ),
    rhythm=Rhythm(
        visits=0.4,
        weekdays=(1.3, 1.3, 1.25, 1.25, 1.2, 0.5, 0.0),
        hours=CLINIC,
        months=(0.9, 1.1, 1.1, 1.1, 0.95, 0.9, 0.75, 0.8, 1.1, 1.15, 1.15, 1.0),
        median=8800,
        spread=0.8,
        step=100,
        least=1500,
    ),
    share=0.08,
    also={"mindal": 0.2, "lisichkino": 0.25, "skinerica": 0.15, "millennium": 0.35},
)
MILLENNIUM = Partner(
    slug="millennium",
    name="Миллениум",
    category="medical",
    description="Медицинский центр: приём врачей, анализы, наблюдение.",
    locations=(
        ("Курская", "Москва, ул. Земляной Вал, 38–40, стр. 6"),
        ("Тульская", "Москва, ул. Большая Тульская, 13"),
    ),
    owner=_owner(150, "Екатерина", "Мельгунова", "e.melgunova"),
    staff=(
        _staff(151, "Оксана", "Тихомирова", "o.tikhomirova"),
        _staff(152, "Римма", "Ланская", "r.lanskaya"),
    ),
    rhythm=Rhythm(
        visits=0.5,
        weekdays=(1.35, 1.3, 1.25, 1.25, 1.15, 0.6, 0.0),
        hours=CLINIC,
        months=(1.1, 1.15, 1.1, 1.0, 0.9, 0.85, 0.75, 0.8, 1.05, 1.15, 1.15, 1.0),
        median=4300,
        spread=0.65,
        step=50,
        least=700,
    ),
    share=0.12,
    also={"mindal": 0.2, "lisichkino": 0.25, "skinerica": 0.2, "stim": 0.3},
)
PARTNERS = (MINDAL, LISICHKINO, SKINERICA, STIM, MILLENNIUM)
BY_SLUG = {partner.slug: partner for partner in PARTNERS}
