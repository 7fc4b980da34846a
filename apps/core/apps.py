from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "apps.core"
    verbose_name = "System"

    def ready(self) -> None:
        # Importing registers the checks with Django.
        from apps.core import checks  # noqa: F401, PLC0415
