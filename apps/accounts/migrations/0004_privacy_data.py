"""Salts of surrogates, and the first words of every consent.

The texts are PLACEHOLDERS: a lawyer writes the real ones before launch. Texts are written once: the lawyer's words come as version 2, through another migration.
"""

import hashlib

from django.db import migrations

# A salt of her own for everybody who is here already. Her facts from before stand under the old
# surrogate: nobody was live yet.
SALTS = """
UPDATE accounts_user SET surrogate_salt = replace(gen_random_uuid()::text, '-', '')
"""

DRAFT_RU = "[Черновик: текст утверждает юрист до запуска.] "
DRAFT_EN = "[Draft: a lawyer approves the text before launch.] "
TEXTS = {
    "personal_data": (
        "Я согласна на обработку моих персональных данных (телефон, имя, фамилия, город, "
        "электронная почта, дата рождения, покупки) для участия в программе «Свой Круг»: учёта "
        "бонусов, записи на события и сервисных сообщений. Согласие можно отозвать в приложении в "
        "любой момент; данные будут уничтожены не позднее чем через 30 дней.",
        "I agree to the processing of my personal data (phone, first and last name, city, e-mail, "
        "birth date, purchases) for membership in Own Circle: keeping bonuses, registering for "
        "events, service messages. I can withdraw in the app at any moment; the data will be "
        "destroyed within 30 days.",
    ),
    "special_data": (
        "Я согласна на то, что программа «Свой Круг» узнаёт о факте, дате и сумме моих оплат в "
        "клиниках-партнёрах. Медицинские сведения (услуги, врачи, диагнозы) программа не получает.",
        "I agree that Own Circle learns of the fact, date and sum of my payments at partner "
        "clinics. The programme receives no medical information: no services, doctors, diagnoses.",
    ),
    "marketing_push": (
        "Я согласна получать рекламу программы «Свой Круг» и её партнёров в уведомлениях "
        "приложения.",
        "I agree to receive advertising of Own Circle and its partners as notifications of the "
        "app.",
    ),
    "marketing_sms": (
        "Я согласна получать рекламу программы «Свой Круг» и её партнёров в СМС на мой номер.",
        "I agree to receive advertising of Own Circle and its partners by SMS to my number.",
    ),
    "marketing_email": (
        "Я согласна получать рекламу программы «Свой Круг» и её партнёров по электронной почте.",
        "I agree to receive advertising of Own Circle and its partners by e-mail.",
    ),
}


def seed(apps, schema_editor):
    texts = apps.get_model("accounts", "ConsentText")
    for purpose, (russian, english) in TEXTS.items():
        text_ru, text_en = DRAFT_RU + russian, DRAFT_EN + english
        digest = hashlib.sha256(f"{text_ru}\n\n{text_en}".encode()).hexdigest()
        texts.objects.get_or_create(
            purpose=purpose,
            version=1,
            defaults={"text_ru": text_ru, "text_en": text_en, "sha256": digest},
        )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_privacy")]
    operations = [
        migrations.RunSQL(SALTS, migrations.RunSQL.noop),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
