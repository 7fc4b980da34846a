from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrossPromoConfig(AppConfig):
    name = "apps.crosspromo"
    verbose_name = _("Cross-promo")
