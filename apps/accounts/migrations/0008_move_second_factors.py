"""Code apps from django_otp's own table, which kept the seeds in clear, and that table goes.

One way: after it the seeds stand sealed only.
"""

from binascii import unhexlify

from django.db import migrations

from apps.core import sealing


def move(apps, schema_editor):
    connection = schema_editor.connection
    if "otp_totp_totpdevice" not in connection.introspection.table_names():
        return
    device = apps.get_model("accounts", "TOTPDevice")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT user_id, name, confirmed, key, drift, last_t FROM otp_totp_totpdevice"
        )
        for user_id, name, confirmed, key, drift, last_t in cursor.fetchall():
            seed = sealing.seal(unhexlify(key), context=f"totp.seed:{user_id}")
            device.objects.create(
                user_id=user_id,
                name=name,
                confirmed=confirmed,
                seed_sealed=seed,
                drift=drift,
                last_t=last_t,
            )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP TABLE otp_totp_totpdevice")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_sealed_second_factor")]
    operations = [migrations.RunPython(move, migrations.RunPython.noop)]
