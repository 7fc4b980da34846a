from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps  # the class itself would be a second default
from django.utils.translation import gettext_lazy as _


class BackofficeConfig(AppConfig):
    name = "apps.backoffice"
    verbose_name = _("Back office")
    default = True


class AdminSiteConfig(admin_apps.AdminConfig):
    """The admin's own site takes the place of Django's default one."""

    default = False
    default_site = "apps.backoffice.site.AdminSite"
