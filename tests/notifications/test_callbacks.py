"""What providers tell us, true, repeated, shuffled and forged."""

import json
import random
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.enums import ConsentPurpose
from apps.accounts.models import Consent
from apps.accounts.queries import has_consent
from apps.accounts.services import erase_person
from apps.core.gateways.messages.base import Forged
from apps.core.gateways.messages.sendgrid import SendGrid
from apps.core.gateways.messages.smsru import SmsRu, digest
from apps.core.models import Message
from apps.notifications.models import Attempt, Callback, Notification, Suppression
from apps.notifications.simulator.callbacks import calls
from apps.notifications.simulator.sendgrid import signed
from tests.factories.accounts import UserFactory
from tests.notifications.conftest import agree, deliver_all, write

pytestmark = pytest.mark.django_db
SMSRU, SENDGRID = "/webhooks/messages/smsru", "/webhooks/messages/sendgrid"
HEADERS = {"signature": "X-Twilio-Email-Event-Webhook-Signature"}


@pytest.fixture
def anna():
    return UserFactory(phone="+79161234567", email="anna@example.com")


@pytest.fixture
def post(client: Client):
    def send(path, body, headers=None, content_type="application/json"):
        return client.post(path, body, content_type=content_type, headers=headers or {})

    return send


def smsru_form(entries, *, api_id="DEMO-API-ID", first=0):
    form = {f"data[{n}]": text for n, text in enumerate(entries, start=first)}
    return form | {"hash": digest(api_id, entries)}


def tell(client, form):
    """As SMS.ru posts it: a plain form."""
    body = urlencode(form)
    return client.post(SMSRU, body, content_type="application/x-www-form-urlencoded")


def sms_status(reference, code):
    return f"sms_status\n{reference}\n{code}\n1790000100"


def events_of(*pairs, **more):
    return [
        {
            "email": "anna@example.com",
            "event": event,
            "attempt": str(attempt),
            "sg_event_id": f"{event}-{n}",
            "timestamp": 1790000000,
            **more,
        }
        for n, (event, attempt) in enumerate(pairs)
    ]


@pytest.fixture
def an_sms(world, anna):
    write("gift_received", anna, amount="300.00")
    deliver_all()
    return world.taken["smsru"][0]["id"]


@pytest.fixture
def a_mail(world, anna):
    agree(anna, "email")
    write("weekly_digest", anna, earned="1.00", count=1, lines="")
    deliver_all()
    return Attempt.objects.get().pk


def told() -> list[str]:
    moved = Message.objects.filter(topic="MessageMoved").order_by("created_at")
    return [one.payload["state"] for one in moved]


# --- the providers' own test vectors ---------------------------------------------------------
def test_smsru_vector(settings):
    settings.SMSRU_API_ID = "DEMO-API-ID"
    entries = [
        "sms_status\n202640-1000001\n103\n1790000100",
        "sms_status\n202640-1000002\n104\n1790000160",
    ]
    wanted = "d09dd2004d4d190ad12491b8f4e443981e6b2d5887a2e77f007361d840e2011b"

    assert digest("DEMO-API-ID", entries) == wanted


def test_sendgrid_vector_holds_with_its_line_end_only(settings, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1790000005)
    settings.SENDGRID_WEBHOOK_KEY = (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEs6q5roRftpFKZjwzRKXHQwpcFNMaQghpNEo4u0kovJvNIAOzgp"
        "I4VEkhGhTUj7JHE3jSSjaLGpiZe7rTOcHLJQ=="
    )
    body = (
        b'[{"email":"olga@example.com","event":"delivered","sg_event_id":"evt-1",'
        b'"sg_message_id":"msg-1.filter","timestamp":1790000000}]\r\n'
    )
    headers = {
        "X-Twilio-Email-Event-Webhook-Timestamp": "1790000005",
        "X-Twilio-Email-Event-Webhook-Signature": (
            "MEUCIHTqMcCq+/JNQ58btiwOxBNgZMtm2lFr69Zd5I5M+Bv8AiEA4dNLBH+khpweLaqEvqZI2fdAILZ0pga"
            "Z0VShx1ayCgo="
        ),
    }

    [news] = SendGrid().heard(body=body, headers=headers)
    assert (news.key, news.state, news.reference) == ("evt-1", "delivered", "msg-1")
    with pytest.raises(Forged):
        SendGrid().heard(body=body.rstrip(), headers=headers)
    monkeypatch.setattr("time.time", lambda: 1790000005 + 601)
    with pytest.raises(Forged):
        SendGrid().heard(body=body, headers=headers)


def test_what_the_simulator_tells_is_believed(client, world, anna):
    """The demo's own calls: delivered by SMS, opened by e-mail; Firebase tells nothing."""
    told_of = []
    world.reporter = lambda *taken: told_of.append(taken)
    agree(anna, "email")
    write("gift_received", anna, amount="300.00")
    write("weekly_digest", anna, earned="1.00", count=1, lines="")
    deliver_all()

    for provider, message in told_of:
        for path, body, headers in calls(world, provider, message):
            kind = headers.pop("Content-Type")
            answer = client.post(path, body, content_type=kind, headers=headers)
            assert answer.status_code == 200

    states = dict(Notification.objects.values_list("kind", "state"))
    assert states == {"gift_received": "delivered", "weekly_digest": "opened"}


# --- SMS.ru ----------------------------------------------------------------------------------
def test_delivery_of_an_sms_is_heard_once_however_often_it_is_told(client, an_sms):
    form = smsru_form(["test\n1790000000", sms_status(an_sms, 103)])

    answers = [tell(client, form) for _ in range(3)]

    assert [(one.status_code, one.content) for one in answers] == [(200, b"100")] * 3
    assert Notification.objects.get().state == "delivered"
    assert told() == ["delivered"]
    assert Callback.objects.count() == 1


def test_indices_may_begin_at_one(client, an_sms):
    form = smsru_form([sms_status(an_sms, 103)], first=1)

    assert tell(client, form).content == b"100"
    assert Notification.objects.get().state == "delivered"


def test_news_out_of_order_do_not_go_back(client, an_sms):
    for code in (110, 103, 102, 104):
        tell(client, smsru_form([sms_status(an_sms, code)]))

    assert Notification.objects.get().state == "opened"
    assert told() == ["opened"]


def test_an_sms_that_did_not_arrive_goes_by_the_next_channel(world, client, anna):
    write("bonuses_expiring", anna, amount="1.00", days=3, when=timezone.now().isoformat())
    deliver_all()

    tell(client, smsru_form([sms_status(world.taken["smsru"][0]["id"], 104)]))
    deliver_all()

    assert world.counts["sendgrid"] == 1
    assert Notification.objects.get().channel == "email"


@pytest.mark.parametrize(
    ("meanwhile", "state", "channel"),
    [
        ({"expires_at": timezone.now()}, "failed", "sms"),  # not worth another channel
        ({"channel": "email"}, "sent", "email"),  # it has gone on by itself
    ],
)
def test_an_sms_that_did_not_arrive_goes_nowhere_when_it_is_too_late(
    world, client, anna, meanwhile, state, channel
):
    write("bonuses_expiring", anna, amount="1.00", days=3, when=timezone.now().isoformat())
    deliver_all()
    Notification.objects.update(**meanwhile)

    tell(client, smsru_form([sms_status(world.taken["smsru"][0]["id"], 104)]))
    deliver_all()

    row = Notification.objects.get()
    assert (row.state, row.channel, world.counts["sendgrid"]) == (state, channel, 0)
    assert Attempt.objects.get(provider="smsru").state == "refused"


def test_what_she_has_opened_is_no_longer_news(client, an_sms):
    Notification.objects.update(state="opened")

    tell(client, smsru_form([sms_status(an_sms, 103)]))

    assert (Notification.objects.get().state, told()) == ("opened", [])
    assert Attempt.objects.get(provider="smsru").state == "delivered"


@pytest.mark.parametrize(
    "forge",
    [
        lambda form: form | {"hash": "0" * 64},
        lambda form: {name: text for name, text in form.items() if name != "hash"},
        lambda form: form | {"data[0]": form["data[0]"].replace("103", "110")},
        lambda form: form | {"data[7]": "sms_status\n202640-1\n103\n1"},
        lambda form: smsru_form([form["data[0]"]], api_id="OTHER"),
        lambda form: smsru_form([form["data[0]"]], api_id=""),
    ],
)
def test_a_forged_callback_changes_nothing(client, an_sms, forge):
    answer = tell(client, forge(smsru_form([sms_status(an_sms, 103)])))

    assert answer.status_code == 401
    assert Notification.objects.get().state == "sent"
    assert not Callback.objects.exists()


def test_without_a_key_every_callback_is_forged(settings):
    settings.SMSRU_API_ID = ""
    body = f"hash={digest('', ['test'])}&data[0]=test".encode()

    with pytest.raises(Forged):
        SmsRu().heard(body=body, headers={})


def test_ten_thousand_mutations_of_a_signed_body_are_refused(world):
    """A bit here, a byte there: none passes."""
    chance = random.Random(7)
    body, headers = signed(events_of(("delivered", "0"), ("open", "1")))
    accepted = 0
    for _ in range(10_000 // 20):
        wrong = bytearray(body)
        place = chance.randrange(len(wrong))
        wrong[place] ^= 1 << chance.randrange(8)
        try:
            SendGrid().heard(body=bytes(wrong), headers=headers)
            accepted += 1
        except Forged:
            pass
    for cut in range(1, 200):
        try:
            SendGrid().heard(body=body[:-cut], headers=headers)
            accepted += 1
        except Forged:
            pass

    assert accepted == 0


# --- SendGrid ----------------------------------------------------------------------------------
def test_signed_events_move_a_letter(world, post, a_mail):
    pairs = [("processed", a_mail), ("delivered", a_mail), ("open", a_mail)]
    body, headers = signed(events_of(*pairs))

    answers = [post(SENDGRID, body, headers) for _ in range(46)]

    assert {one.status_code for one in answers} == {200}
    assert Notification.objects.get().state == "opened"
    assert told() == ["delivered", "opened"]


def test_a_scanner_that_opens_is_no_reader(world, post, a_mail):
    body, headers = signed(events_of(("open", a_mail), sg_machine_open=True))

    post(SENDGRID, body, headers)

    assert Notification.objects.get().state == "sent"


@pytest.mark.parametrize(
    ("event", "kind", "suppressed", "agreed"),
    [
        ("bounce", "bounce", True, True),
        ("bounce", "blocked", False, True),
        ("dropped", "", True, True),
        ("spamreport", "", True, False),
        ("unsubscribe", "", False, False),
        ("group_unsubscribe", "", False, False),
        ("group_resubscribe", "", False, True),
        ("deferred", "", False, True),
    ],
)
def test_refusals_bar_the_address_and_complaints_end_the_consent(
    world, post, anna, a_mail, event, kind, suppressed, agreed
):
    body, headers = signed(events_of((event, a_mail), type=kind, category="weekly_digest"))

    assert post(SENDGRID, body, headers).status_code == 200

    assert Suppression.objects.exists() == suppressed
    assert has_consent(anna.pk, ConsentPurpose.MARKETING_EMAIL) == agreed


def test_a_complaint_about_a_letter_to_somebody_erased_asks_nothing_of_her(
    world, post, anna, a_mail
):
    erase_person(user=anna, at=timezone.now(), because="asked")
    signed_by_her = Consent.objects.count()
    body, headers = signed(events_of(("spamreport", a_mail)))

    assert post(SENDGRID, body, headers).status_code == 200
    assert Consent.objects.count() == signed_by_her
    assert Callback.objects.count() == 1


def test_an_unsigned_event_is_refused_and_says_nothing(world, post, a_mail):
    body, headers = signed(events_of(("delivered", a_mail)))

    for wrong in (
        {},
        headers | {HEADERS["signature"]: "AAAA"},
        headers | {HEADERS["signature"]: "я"},
    ):
        answer = post(
            SENDGRID, body, {name: text for name, text in wrong.items() if text.isascii()}
        )
        assert answer.status_code == 401
    assert Notification.objects.get().state == "sent"


def test_late_events_without_our_id_are_found_by_theirs(world, post, a_mail):
    reference = Attempt.objects.get().reference
    event = {"event": "bounce", "type": "bounce", "sg_event_id": "e", "sg_message_id": reference}
    body, headers = signed([event])

    post(SENDGRID, body, headers)

    assert Suppression.objects.count() == 1


def test_events_of_somebody_else_are_taken_and_ignored(world, post):
    body, headers = signed(events_of(("delivered", "not-an-id"), ("bounce", "0" * 36)))

    assert post(SENDGRID, body, headers).status_code == 200
    assert not told()


# --- the address itself ----------------------------------------------------------------------
def test_unknown_provider_and_method(client, world):
    assert client.post("/webhooks/messages/nobody", {}).status_code == 404
    assert client.get(SMSRU).status_code == 405
    assert json.loads(client.get(SMSRU).content)["error"]["code"] == "METHOD_NOT_ALLOWED"
    assert client.post("/webhooks/messages/fcm", {}).status_code == 401
