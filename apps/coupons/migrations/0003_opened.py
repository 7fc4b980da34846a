from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("coupons", "0002_claims")]

    operations = [
        migrations.AddField(
            model_name="coupon",
            name="opened_at",
            field=models.DateTimeField(
                help_text="She opened it by itself, with its code: to use it",
                null=True,
                verbose_name="opened",
            ),
        ),
    ]
