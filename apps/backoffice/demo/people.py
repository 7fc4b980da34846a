"""The cast one signs in as, and the names of everybody else. Nobody here is real."""

from dataclasses import dataclass

# The one password of everybody who has one. Development only: the command refuses elsewhere.
PASSWORD = "krug-almond-fox-7"  # noqa: S105 - printed by `demo_logins` for everybody to read


@dataclass(frozen=True)
class Person:
    """Somebody with a fixed number: `role` is a tier for members, a job for the others."""

    role: str
    phone: str
    first_name: str
    last_name: str
    email: str = ""


@dataclass(frozen=True)
class Star(Person):
    """A member of the cast: visits in 30 days by partner, and what she paid in the last year."""

    visits: tuple[tuple[str, float], ...] = ()
    yearly: int = 0
    spends: bool = True


INSIDER = Star(
    "member",
    "+79000000001",
    "Анна",
    "Котова",
    "member@example.ru",
    visits=(("mindal", 0.5), ("lisichkino", 0.6)),
    yearly=34_000,
)
VIP = Star(
    "vip",
    "+79000000002",
    "Мария",
    "Соколова",
    "vip@example.ru",
    visits=(("mindal", 0.9), ("lisichkino", 1.1), ("skinerica", 0.5)),
    yearly=112_000,
)
ELITE = Star(
    "elite",
    "+79000000003",
    "Елена",
    "Вишневская",
    "elite@example.ru",
    visits=(("mindal", 1.2), ("lisichkino", 1.5), ("skinerica", 0.8), ("stim", 0.4)),
    yearly=268_000,
)
INNER_CIRCLE = Star(
    "inner_circle",
    "+79000000004",
    "Вера",
    "Оболенская",
    "inner@example.ru",
    visits=(("mindal", 1.4), ("lisichkino", 2.0), ("skinerica", 0.8), ("millennium", 0.4)),
    yearly=346_000,
)
STARS = (INSIDER, VIP, ELITE, INNER_CIRCLE)

STAFF = Person("business_staff", "+79000000005", "Вера", "Лисина", "staff@example.ru")
OWNER = Person("business_owner", "+79000000006", "Ольга", "Белова", "owner@example.ru")
ADMIN = Person("admin", "+79000000007", "Ирина", "Громова", "admin@example.ru")
SUPERADMIN = Person("superadmin", "+79000000008", "Нина", "Арсеньева", "superadmin@example.ru")
# Roles of the network are given by two: the one asks, the other confirms.
SECOND = Person("superadmin_second", "+79000000009", "Алла", "Рогова", "superadmin2@example.ru")
ROLES: tuple[Person, ...] = (*STARS, STAFF, OWNER, ADMIN, SUPERADMIN, SECOND)

_FIRST = """
Александра Алёна Алина Алла Анастасия Анна Антонина Арина Валентина Валерия Варвара Василиса Вера
Вероника Виктория Галина Дарья Диана Ева Евгения Екатерина Елена Елизавета Жанна Злата Инна Ирина
Карина Кира Кристина Ксения Лариса Лидия Лилия Любовь Людмила Маргарита Марина Мария Милана Мирослава
Надежда Наталья Нина Оксана Олеся Ольга Полина Раиса Регина Римма Светлана София Таисия Тамара Татьяна
Ульяна Юлия Яна Ярослава
"""

_LAST = """
Абрамова Агапова Акимова Андреева Антипова Баранова Белкина Березина Богданова Булгакова Быкова
Васильева Воронцова Гаврилова Голубева Горшкова Громова Давыдова Дёмина Дорохова Ермакова Ершова
Ефимова Жданова Жукова Завьялова Зайцева Зимина Зорина Игнатова Казакова Калинина Карпова Киселёва
Климова Комарова Коновалова Королёва Крылова Кузьмина Лаврова Лапина Лебедева Логинова Макарова
Маслова Матвеева Мельникова Миронова Морозова Назарова Нестерова Никитина Новикова Озерова Орлова
Осипова Павлова Панина Платонова Полякова Попова Прохорова Рогова Родионова Рябова Савельева Сазонова
Сергеева Синицына Смирнова Соболева Суханова Тарасова Терехова Тихонова Трофимова Уварова Успенская
Фадеева Филатова Фомина Харитонова Хохлова Цветкова Чернова Чистякова Шестакова Широкова Щербакова
Юдина Яковлева
"""
FIRST_NAMES, LAST_NAMES = _FIRST.split(), _LAST.split()
