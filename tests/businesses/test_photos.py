"""Photos of partners: what is no picture stays outside, and so does everybody else."""

import pytest

from apps.businesses import photos
from apps.businesses.models import Photo
from apps.businesses.photos import PhotoInvalid, TooManyPhotos, add_photo, drawing_of
from apps.core.errors import Forbidden
from tests.factories.businesses import BusinessFactory, staff_of

START, END = b"\xff\xd8", b"\xff\xd9"


def segment(marker, body):
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2) + body


def frame(width=640, height=480):
    return segment(0xC0, b"\x08" + height.to_bytes(2) + width.to_bytes(2) + b"\x01\x01\x11\x00")


SCAN = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\xff\x00\x34\xff\xd0\x56"
PICTURE = START + frame() + SCAN + END


def test_what_draws_is_kept_and_nothing_else():
    said = (
        START
        + segment(0xE1, b"Exif GPS 55.75")
        + segment(0xFE, b"Olga")
        + PICTURE[2:]
        + b"<script>"
    )

    assert drawing_of(said) == (PICTURE, 640, 480)


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"\x89PNG\r\n\x1a\n" + PICTURE,
        START,
        START + END,
        START + b"garbage" + PICTURE,
        START + frame() + segment(0xDB, bytes(64))[:20],
        START + frame() + SCAN,
        START + frame() + segment(0xDA, b"\x01\x01\x00"),
        START + frame(),
        START + frame(width=199) + SCAN + END,
        START + frame(height=4001) + SCAN + END,
        START + SCAN + END,
    ],
    ids=[
        "empty",
        "png",
        "start alone",
        "nothing drawn",
        "no marker",
        "cut in a segment",
        "cut in the data",
        "cut in the scan",
        "no end",
        "too small",
        "too large",
        "without a frame",
    ],
)
def test_what_is_no_picture_is_refused(file):
    with pytest.raises(PhotoInvalid):
        drawing_of(file)


@pytest.mark.django_db
def test_photos_are_added_by_who_manages_the_place_and_up_to_twelve(
    business, owner, staff, at, monkeypatch
):
    many = [f"https://cdn.example/{n}.jpg" for n in range(12)]
    asked = {"business": business, "file": PICTURE, "at": at}
    stranger = staff_of(BusinessFactory(), role="business_owner")

    for by in (staff, stranger):
        with pytest.raises(Forbidden):
            add_photo(by=by, seen=[], **asked)
    with pytest.raises(TooManyPhotos):
        add_photo(by=owner, seen=many, **asked)
    monkeypatch.setattr(photos, "LARGEST_FILE", len(PICTURE) - 1)
    with pytest.raises(PhotoInvalid):
        add_photo(by=owner, seen=[], **asked)
    monkeypatch.undo()
    with pytest.raises(photos.Stale):
        add_photo(by=owner, seen=many[:1], **asked)

    business.refresh_from_db()
    assert (business.photos, Photo.objects.count()) == ([], 0)


def test_three_megabytes_at_most():
    assert photos.LARGEST_FILE == 3 * 1024 * 1024
