from django.db import migrations

from apps.notifications.kinds import KINDS

OF_BROADCASTS = ("broadcast", "announcement")  # their words stand on the broadcast


def seed(apps, schema_editor):
    """A row for each kind and language, empty: the product's own words are said."""
    template = apps.get_model("notifications", "Template")
    template.objects.bulk_create(
        [
            template(kind=kind, language=language)
            for kind in KINDS
            if kind not in OF_BROADCASTS
            for language in ("ru", "en")
        ],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("notifications", "0002_template_title")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
