"""How full the disk is under the product's own files.

Ours is the disk of `settings.STATE_DISK`: on one host the databases lie on the same one. What only
makes the disk fuller and can wait asks `refuse_if_full` first.
"""

import shutil

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.core.errors import Refused

FULL = 0.9  # share


class DiskFull(Refused):
    """Files wait until there is room again; everything else goes on."""

    code = "UNAVAILABLE"
    message = _("The server's disk is almost full, so no files are made now. Please try later.")


def used() -> float:
    """Share of the disk that is taken, of what a program may take at all: 0…1."""
    room = shutil.disk_usage(settings.STATE_DISK)
    return room.used / (room.used + room.free)


def refuse_if_full() -> None:
    """Raises DiskFull at 90 %."""
    if used() >= FULL:
        raise DiskFull
