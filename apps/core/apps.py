from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "apps.core"
    verbose_name = _("System")

    def ready(self) -> None:
        # Importing registers the checks and lookups with Django.
        from apps.core import checks, lookups  # noqa: F401, PLC0415
