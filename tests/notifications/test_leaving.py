"""One tap at the foot of a letter: a scanner's look changes nothing, a post does."""

import re
from email.utils import unquote

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.enums import ConsentPurpose
from apps.accounts.models import Consent
from apps.accounts.queries import has_consent
from apps.accounts.services import erase_person
from apps.notifications.mailing import Leaving, leave_token, leave_url
from apps.notifications.models import Mute, Notification
from apps.notifications.services import forget_member, stop_codes
from tests.factories.accounts import UserFactory
from tests.factories.notifications import broadcast_of, message_to
from tests.notifications.conftest import agree, deliver_all, write

pytestmark = pytest.mark.django_db
EMAIL = ConsentPurpose.MARKETING_EMAIL


@pytest.fixture
def anna():
    user = UserFactory(email="anna@example.com")
    agree(user, "email", "push")
    return user


@pytest.fixture
def stranger() -> Client:
    """A mail server: no cookies, no form token."""
    return Client(enforce_csrf_checks=True)


def path_to(member, topic: str = "") -> str:
    return f"/u/{leave_token(Leaving(member.pk, 'email', topic))}/"


def test_looking_any_number_of_times_changes_nothing(stranger, anna):
    for method in (stranger.get, stranger.head):
        for _ in range(3):
            assert method(path_to(anna)).status_code == 200

    page = stranger.get(path_to(anna)).content.decode()
    assert "Не присылать рекламу (почта)?" in page
    assert has_consent(anna.pk, EMAIL)


def test_one_click_of_the_mail_program(world, stranger, anna):
    """RFC 8058: the header's own address, that body, no cookie."""
    write("weekly_digest", anna, earned="1.00", count=1, lines="")
    deliver_all()
    headers = world.taken["sendgrid"][0]["headers"]
    url = unquote(headers["List-Unsubscribe"])
    path = re.sub(r"^https?://[^/]+", "", url)

    answer = stranger.post(path, {"List-Unsubscribe": "One-Click"})

    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert answer.status_code == 200
    assert not has_consent(anna.pk, EMAIL)
    assert has_consent(anna.pk, ConsentPurpose.MARKETING_PUSH)
    proof = Consent.objects.filter(member=anna, purpose=EMAIL).order_by("-id")[0].proof
    assert proof.startswith("link:")


def test_it_holds_for_what_is_queued(world, stranger, anna):
    write("weekly_digest", anna, earned="1.00", count=1, lines="")

    stranger.post(path_to(anna))
    deliver_all()

    assert world.taken["sendgrid"] == []


def test_service_letters_are_muted_by_topic(stranger, anna):
    for _ in range(2):
        answer = stranger.post(path_to(anna, "receipts"))

    assert "Больше не присылаем" in answer.content.decode()
    assert list(Mute.objects.values_list("topic", "channel")) == [("receipts", "email")]
    assert has_consent(anna.pk, EMAIL)


@pytest.mark.parametrize("token", ["x", "a:b:c", "WyJhIl0:1tXXXX:abc"])
def test_a_broken_link_says_what_to_do(stranger, db, token):
    answer = stranger.post(f"/u/{token}/")

    assert answer.status_code == 400
    assert "Ссылка не работает" in answer.content.decode()


def test_a_link_cannot_be_made_into_another(stranger, anna):
    other = UserFactory(email="b@example.com")
    agree(other, "email")
    token = leave_token(Leaving(anna.pk, "email", ""))
    forged = leave_token(Leaving(other.pk, "email", "")).split(":")[0] + token[token.index(":") :]

    assert stranger.post(f"/u/{forged}/").status_code == 400
    assert has_consent(other.pk, EMAIL)


def test_an_erased_person_has_nothing_to_stop(stranger, anna):
    path = path_to(anna)
    erase_person(user=anna, at=timezone.now(), because="asked", by=anna)

    assert stranger.post(path).status_code == 200


def test_the_address_holds_no_contact_and_is_not_passed_on(stranger, anna):
    url = leave_url(Leaving(anna.pk, "email", ""))

    assert "anna" not in url
    answer = stranger.get(path_to(anna))
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "no-cache" in answer.headers["Cache-Control"]


def test_an_advert_by_sms_ends_with_its_way_out(world, stranger):
    """38-FZ: a link short enough for one more line; looking changes nothing, the button does."""
    olga, other = UserFactory(), UserFactory()
    agree(olga, "sms"), agree(other, "sms")
    row = broadcast_of(other, channels="sms", state="running", people=2)
    rows = [message_to(one, "broadcast", broadcast=row, channel="sms") for one in (olga, other)]
    Notification.objects.filter(pk__in=[one.pk for one in rows]).update(state="waiting")
    write("gift_received", olga, amount="300.00")
    deliver_all()

    texts = {one["phone"]: one["text"] for one in world.taken["smsru"] if "Осень" in one["text"]}
    ways = {
        phone: re.search(r"\nОтказ: [^/\s]+(/s/[a-z2-9]{10}/)$", t) for phone, t in texts.items()
    }
    path = ways[olga.phone[1:]][1]
    assert [one["text"] for one in world.taken["smsru"] if "Отказ" not in one["text"]] != []
    assert "Не присылать рекламу (SMS)?" in stranger.get(path).content.decode()
    assert has_consent(olga.pk, ConsentPurpose.MARKETING_SMS)

    answer = stranger.post(path)

    assert answer.status_code == 200
    assert not has_consent(olga.pk, ConsentPurpose.MARKETING_SMS)
    assert has_consent(other.pk, ConsentPurpose.MARKETING_SMS)
    assert stranger.post("/s/zzzzzzzzzz/").status_code == 400


def test_the_way_out_of_an_sms_stays_the_same_and_goes_with_her(world, stranger, anna):
    first, second = stop_codes([anna.pk]), stop_codes([anna.pk])
    erase_person(user=anna, at=timezone.now(), because="asked")
    forget_member(member_id=anna.pk)

    assert first == second
    assert stranger.get(f"/s/{first[anna.pk]}/").status_code == 400
