"""Settings of a business in four parts: what guests see, photos, requisites, messages to her."""

from apps.backoffice.pages.owner.settings.notices import notices
from apps.backoffice.pages.owner.settings.photos import photos
from apps.backoffice.pages.owner.settings.profile import settings
from apps.backoffice.pages.owner.settings.requisites import requisites

__all__ = ["notices", "photos", "requisites", "settings"]
