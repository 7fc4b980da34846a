"""Settings of a business: hours, what bonuses may pay, two owners at once."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.freshness import CONFIRMED
from apps.accounts.models import User
from apps.businesses.models import Business, Photo
from apps.businesses.requisites import faults, requisites_of
from apps.businesses.services import present_business
from apps.notifications.queries import mutes_of
from tests.backoffice.conftest import Person, SignedIn
from tests.businesses.test_requisites import COMPANY
from tests.factories.businesses import staff_of

PAGE = "/biz/salon/settings/"


@pytest.fixture
def owner(olga: User, signed_in: SignedIn) -> Client:
    return signed_in(olga)


def seen(owner: Client) -> str:
    return str(owner.get(PAGE).context["seen"])


def test_hours_are_read_and_refused_at_their_day(owner: Client, salon: Business) -> None:
    said = {"act": "profile", "seen": seen(owner), "description": "Стрижки и цвет"}

    half = owner.post(PAGE, said | {"opens1": "10:00"})
    done = owner.post(PAGE, said | {"opens1": "10:00", "closes1": "21:00"})

    salon.refresh_from_db()
    assert half.status_code == 422
    assert half.context["profile"].errors["closes1"]
    assert "Стрижки и цвет</textarea>" in half.content.decode()
    assert done.status_code == 302
    assert salon.hours == [{"weekday": 1, "opens": "10:00", "closes": "21:00"}]


def test_two_owners_do_not_write_over_each_other_unseen(
    owner: Client, salon: Business, olga: User
) -> None:
    before = seen(owner)
    eva = staff_of(salon, role="business_owner", first_name="Ева", last_name="Юрина")
    present_business(business=salon, changes={"description": "От Евы"}, by=eva)

    told = owner.post(PAGE, {"act": "profile", "seen": before, "description": "От Ольги"})
    over = owner.post(
        PAGE,
        {"act": "profile", "seen": str(told.context["seen"]), "description": "От Ольги"},
    )

    page = told.content.decode()
    assert told.status_code == 422
    assert "Ева Ю" in page
    assert "От Евы" in page
    assert "От Ольги</textarea>" in page
    assert over.status_code == 302
    salon.refresh_from_db()
    assert salon.description == "От Ольги"


def test_the_share_wants_a_fresh_factor_and_the_networks_bound(
    owner: Client, salon: Business
) -> None:
    before = seen(owner)
    high = owner.post(PAGE, {"act": "share", "seen": before, "max_bonus_share": "70"})
    session = owner.session
    session[CONFIRMED] = 0
    session.save()

    away = owner.post(PAGE, {"act": "share", "seen": before, "max_bonus_share": "40"})
    back = owner.get(PAGE).content.decode()

    salon.refresh_from_db()
    assert high.context["share"].errors["max_bonus_share"]
    assert away.url.startswith("/login/confirm/")
    assert 'value="40"' in back
    assert salon.max_bonus_share == 30


# --- photos --------------------------------------------------------------------------------------
def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2) + body


def jpeg(*, width: int = 640, height: int = 480) -> SimpleUploadedFile:
    """The segments of a photo with where it was taken before them and a script behind its end."""
    frame = b"\x08" + height.to_bytes(2) + width.to_bytes(2) + b"\x01\x01\x11\x00"
    parts = [
        b"\xff\xd8",
        segment(0xE1, b"Exif GPS 55.75 37.61"),
        segment(0xFE, b"camera of Olga"),
        segment(0xDB, b"\x00" + bytes(64)),
        segment(0xC0, frame),
        segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\xff\x00\x34\xff\xd0\x56",
        b"\xff\xd9<script>",
    ]
    return SimpleUploadedFile("a.jpg", b"".join(parts), content_type="image/jpeg")


def test_photos_are_cleaned_put_in_order_and_seen_by_anybody(
    owner: Client, salon: Business
) -> None:
    page = f"{PAGE}photos/"

    def act(does: str, **more: Any) -> Any:
        salon.refresh_from_db()
        return owner.post(page, {"act": does, "seen": "\n".join(salon.photos), **more})

    text = SimpleUploadedFile("a.jpg", b"\xff\xd8 no photo", content_type="image/jpeg")
    for wrong in (text, jpeg(width=20), jpeg(width=9000)):
        assert act("add", photo=wrong).status_code == 422
    assert act("add", photo=jpeg()).status_code == 302
    assert act("add", photo=jpeg(height=300)).status_code == 302
    salon.refresh_from_db()
    first, second = salon.photos
    shown = Client().get("/photos/" + re.findall(r"/photos/(.+)$", first)[0])
    assert shown["Content-Type"] == "image/jpeg"
    for secret in (b"GPS", b"Olga", b"script"):
        assert secret not in shown.content
    assert act("up " + second).status_code == 302
    salon.refresh_from_db()
    assert salon.photos == [second, first]

    late = owner.post(page, {"act": "remove " + first, "seen": first})
    assert late.status_code == 422
    assert "Ольга Б" in late.content.decode()
    assert act("remove " + first).status_code == 302
    salon.refresh_from_db()
    assert salon.photos == [second]
    assert Photo.objects.count() == 1


# --- requisites and messages ---------------------------------------------------------------------
@pytest.mark.parametrize(
    ("field", "wrong"),
    [("inn", "7707083894"), ("inn", "77"), ("kpp", ""), ("ogrn", "1027700132196"),
     ("bik", "04452522"), ("account", "40702810938000000002"), ("legal_name", "")],
)  # fmt: skip
def test_check_digits_find_a_slip(field: str, wrong: str) -> None:
    assert faults(COMPANY) == {}
    assert field in faults(COMPANY | {field: wrong})


def test_requisites_are_asked_for_and_come_into_force_by_another_word(
    owner: Client, salon: Business, signed_in: SignedIn, person: Person
) -> None:
    page, at_control = f"{PAGE}requisites/", "/control/onboarding/salon/"
    session = owner.session
    session[CONFIRMED] = 0
    session.save()
    away = owner.post(page, COMPANY | {"act": "ask", "seen": "0"})
    assert away.url.startswith("/login/confirm/")
    assert "ООО «Миндаль»" in owner.get(page).content.decode()
    session[CONFIRMED] = 9e12
    session.save()
    owner = signed_in(User.objects.with_phone("+79160000002"))

    wrong = owner.post(page, COMPANY | {"act": "ask", "seen": "0", "inn": "1"})
    assert wrong.context["form"].errors["inn"]
    asked = owner.post(
        page, COMPANY | {"act": "ask", "seen": "0", "account": "4070 2810 9380 0000 0001"}
    )
    assert asked.status_code == 302
    late = owner.post(page, COMPANY | {"act": "ask", "seen": "0", "bank": "ВТБ"})
    assert late.status_code == 422
    assert "Тем временем реквизиты изменились" in late.content.decode()
    assert 'value="ВТБ"' in late.content.decode()
    assert requisites_of(salon).said == {}

    admin = signed_in(person("Ада", "Минина", phone="+79160000099", job="admin"))
    assert "40702810938000000001" in admin.get(at_control).content.decode()
    admin.post(at_control, {"act": "requisites", "seen": "1", "reason": "короче"})
    assert requisites_of(salon).said == {}
    admin.post(at_control, {"act": "requisites", "seen": "1", "reason": "сверила с выпиской"})
    row = requisites_of(salon)
    assert (row.said, row.asked) == (COMPANY, {})
    assert "Сверено с документами" in owner.get(page).content.decode()


def test_she_chooses_how_she_hears_of_work(owner: Client, olga: User, salon: Business) -> None:
    page = f"{PAGE}messages/"
    assert owner.get(page).content.decode().count("checked") == 3

    owner.post(page, {"way": ["email"]})

    assert mutes_of(olga.pk) == {("work", "push"), ("work", "sms")}
    assert owner.get(page).content.decode().count(" checked") == 1
