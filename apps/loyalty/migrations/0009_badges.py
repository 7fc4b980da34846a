"""The ten badges."""

from django.db import migrations

# code, name, text, period, target, bonus, taken back after a return
BADGES = [
    ("first_purchase", "Первая встреча", "First meeting", "Первая покупка в круге", "The first purchase in the circle", "once", 1, 50, True),
    ("three_partners", "Любопытная", "Curious", "Покупки у трёх разных партнёров", "Purchases at three different partners", "once", 3, 100, True),
    ("whole_circle", "Весь круг", "The whole circle", "Все пять партнёров за один квартал", "All five partners within a quarter", "quarter", 5, 500, True),
    ("birthday_visit", "Праздник у своих", "A feast among friends", "Визит в дни вокруг дня рождения", "A visit around your birthday", "year", 1, 150, True),
    ("half_year", "Полгода рядом", "Half a year together", "Покупка каждый месяц, шесть месяцев подряд", "A purchase every month, six months in a row", "once", 6, 300, True),
    ("regular", "Своя", "One of us", "Десять покупок у одного партнёра за год", "Ten purchases at one partner within a year", "year", 10, 200, True),
    ("friends", "Хозяйка круга", "Hostess of the circle", "Три подруги пришли по вашему приглашению", "Three friends came at your invitation", "once", 3, 300, True),
    ("events", "Гостья вечера", "Guest of the evening", "Три посещённых события", "Three events attended", "once", 3, 150, False),
    ("voice", "Голос круга", "Voice of the circle", "Голоса за десять предложенных событий", "Votes on ten proposed events", "once", 10, 100, False),
    ("gift", "Щедрая душа", "Generous soul", "Подаренные подруге бонусы", "Bonuses given to a friend", "once", 1, 0, False),
]  # fmt: skip
NAMES = ("name_ru", "name_en", "text_ru", "text_en", "period", "target", "bonus", "rolls_back")


def seed(apps, schema_editor):
    badges = apps.get_model("loyalty", "Badge")
    for position, (code, *rest) in enumerate(BADGES, start=1):
        given = dict(zip(NAMES, rest, strict=True)) | {"position": position}
        badges.objects.get_or_create(code=code, defaults=given)


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0008_rewards")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
