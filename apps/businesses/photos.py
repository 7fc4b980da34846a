"""Photos of partners: taken in, freed of what the camera told, put in order.

`Business.photos` is the list that the app shows, addresses in their order; a picture that was
uploaded here is one of them. The page makes a photo small and a JPEG before it leaves the browser;
here its segments are read one by one, and only those that draw the picture are kept: no place where
it was taken, no comment, nothing behind its end.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import User
from apps.businesses.models import Business, Photo
from apps.businesses.services import Stale, present_business
from apps.core.errors import Forbidden, Invalid

MOST = 12  # of one partner, as the contract says
LARGEST_FILE = 3 * 1024 * 1024
LARGEST_SIDE = 4000
LEAST_SIDE = 200

# Markers of ITU-T T.81, table B.1. Kept: tables, frame, scan, restart intervals, JFIF's own.
START, END, SCAN = 0xD8, 0xD9, 0xDA
FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive: what every phone shows
DRAWS = {*FRAMES, 0xC4, 0xDB, 0xDD, SCAN, 0xE0}


class PhotoInvalid(Invalid):
    field = "photo"
    message = _("This is no photo that can be read. A JPEG up to 3 MB fits.")


class TooManyPhotos(PhotoInvalid):
    message = _("There are twelve photos already. Remove one first.")


def drawing_of(file: bytes) -> tuple[bytes, int, int]:
    """The picture alone, with its width and height. Raises PhotoInvalid."""
    if file[:2] != bytes((0xFF, START)):
        raise PhotoInvalid
    kept, size = [file[:2]], (0, 0)
    for marker, body in _segments(file):
        if marker in FRAMES:
            size = (int.from_bytes(body[7:9]), int.from_bytes(body[5:7]))
        if marker in DRAWS:
            kept.append(body)
    if not all(LEAST_SIDE <= side <= LARGEST_SIDE for side in size):
        raise PhotoInvalid
    return b"".join([*kept, bytes((0xFF, END))]), *size


def _segments(file: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, the whole segment; a scan with its data) up to the end of the picture."""
    place = 2
    while place + 4 <= len(file):
        if file[place] != 0xFF:
            raise PhotoInvalid
        marker = file[place + 1]
        if marker == END:
            return
        ends = place + 2 + int.from_bytes(file[place + 2 : place + 4])
        if marker == SCAN:
            ends = _end_of_scan(file, ends)
        if ends > len(file):
            raise PhotoInvalid
        yield marker, file[place:ends]
        place = ends
    if file[place : place + 2] != bytes((0xFF, END)):
        raise PhotoInvalid


def _end_of_scan(file: bytes, place: int) -> int:
    """Where the next marker stands: in data FF is followed by 00 or by a restart, D0 to D7."""
    while (place := file.find(b"\xff", place)) >= 0 and place + 1 < len(file):
        if file[place + 1] != 0 and not 0xD0 <= file[place + 1] <= 0xD7:
            return place
        place += 2
    raise PhotoInvalid


def address_of(photo_id: UUID) -> str:
    """Where the app finds it."""
    return f"{settings.SITE_URL}{reverse('photo', args=[photo_id])}"


def add_photo(
    *, business: Business, file: bytes, seen: Sequence[str], by: User, at: datetime
) -> Photo:
    """One more at the end. `seen` is the list that was before her.

    Raises Forbidden, PhotoInvalid, TooManyPhotos, Stale."""
    if not by.has_perm(rights.TABLE["businesses.present"].permission, business):
        raise Forbidden
    if len(seen) >= MOST:
        raise TooManyPhotos
    if len(file) > LARGEST_FILE:
        raise PhotoInvalid
    body, width, height = drawing_of(file)
    with transaction.atomic():
        photo = Photo.objects.create(
            business=business, body=body, width=width, height=height, added_by=by, added_at=at
        )
        put_in_order(business=business, photos=[*seen, address_of(photo.pk)], seen=seen, by=by)
    return photo


@transaction.atomic
def put_in_order(
    *, business: Business, photos: Sequence[str], seen: Sequence[str], by: User
) -> Business:
    """The list as it shall be; pictures of ours that are no longer in it go.

    Raises Forbidden, Stale."""
    row = present_business(
        business=business,
        changes={"photos": list(photos)},
        by=by,
        unchanged=lambda row: row.photos == list(seen),
    )
    gone = set(seen) - set(photos)
    ours = Photo.objects.filter(business=business).only("pk")
    Photo.objects.filter(pk__in=[one.pk for one in ours if address_of(one.pk) in gone]).delete()
    return row


__all__ = [
    "LARGEST_FILE",
    "MOST",
    "PhotoInvalid",
    "Stale",
    "TooManyPhotos",
    "add_photo",
    "address_of",
    "drawing_of",
    "put_in_order",
]
