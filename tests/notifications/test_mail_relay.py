"""Letters by an SMTP relay, over a real connection: what it says decides what happens next."""

from email import message_from_bytes, policy
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest
from django.core.mail import EmailMultiAlternatives

from apps.core.gateways import messages
from apps.core.gateways.messages import Parcel
from apps.core.gateways.messages.base import Forged
from apps.core.gateways.messages.django_mail import DjangoMail
from apps.notifications.models import Attempt, Notification, Suppression
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.notifications.conftest import GATEWAYS, deliver_all, write
from tests.serving import serving

EMAIL = "belladonna@example.com"
USUAL = {
    "EHLO": "250-relay\r\n250 AUTH PLAIN",
    "AUTH": "235 welcome",
    "DATA": "354 go on",
    "QUIT": "221 bye",
}


class Talk(StreamRequestHandler):
    """The relay's half of a conversation. `BREAK` ends the line without a word."""

    def handle(self):
        self.say("220 relay")
        while line := self.rfile.readline():
            verb = line.split(b" ")[0].strip().decode().upper()
            answer = self.server.answer(verb, line.decode().lower())
            if answer == "BREAK":
                return
            self.say(answer)
            if answer.startswith("354"):
                self.server.letters.append(self.letter())
                self.say("250 taken")
            if answer[:3] in ("221", "421"):
                return

    def say(self, words):
        self.wfile.write(words.encode() + b"\r\n")

    def letter(self):
        lines = iter(self.rfile.readline, b".\r\n")
        return message_from_bytes(b"".join(lines), policy=policy.default)


class Relay(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Talk)
        self.says, self.letters, self.talks = {}, [], 0

    def answer(self, verb, line):
        """`says`: a verb, or whatever stands in its line → the answer."""
        self.talks += verb == "EHLO"
        said = next((words for part, words in self.says.items() if part.lower() in line), "")
        return said or USUAL.get(verb, "250 well")


@pytest.fixture
def relay(settings):
    server = Relay()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "house", "word"
    with serving(server):
        yield server


def parcels(*addresses):
    return [
        Parcel(
            id=str(n), attempt=str(n), addresses=(one,), kind="tier_up",
            title="Новый статус", body="Теперь вы VIP.", html="<p>Теперь вы <b>VIP</b>.</p>",
            headers={"List-Unsubscribe": "<https://krug.example/leave/x>"},
        )
        for n, one in enumerate(addresses)
    ]  # fmt: skip


def outcomes(*addresses):
    return [(one.outcome.value, one.code) for one in DjangoMail().send(parcels(*addresses))]


# --- what arrives --------------------------------------------------------------------------------
def test_a_letter_arrives_in_both_forms_with_a_way_to_stop_it(relay):
    assert outcomes(EMAIL) == [("accepted", "")]

    [letter] = relay.letters
    assert (letter["To"], letter["Subject"]) == (EMAIL, "Новый статус")
    assert letter["From"] == "Свой Круг <noreply@svoykrug.example>"
    assert letter["List-Unsubscribe"] == "<https://krug.example/leave/x>"
    plain, html = letter.iter_parts()
    assert plain.get_content().strip() == "Теперь вы VIP."
    assert "<b>VIP</b>" in html.get_content()


def test_a_batch_is_one_conversation_and_nobody_sees_the_others(relay):
    assert outcomes("a@example.com", "b@example.com", "c@example.com") == [("accepted", "")] * 3

    assert relay.talks == 1
    assert [one["To"] for one in relay.letters] == [f"{name}@example.com" for name in "abc"]


# --- what the relay says -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ({"RCPT": "550 5.1.1 no such user"}, ("no_address", "550")),
        ({"RCPT": "450 4.2.0 greylisted"}, ("later", "450")),
        ({"RCPT": "452 4.2.2 mailbox full"}, ("later", "452")),
        ({"MAIL": "553 5.7.1 sender refused"}, ("refused", "553")),
        ({"MAIL": "451 try again"}, ("later", "451")),
        ({"DATA": "554 5.7.1 spam"}, ("refused", "554")),
        ({"AUTH": "535 5.7.8 wrong word"}, ("stop", "535")),
        ({"EHLO": "BREAK"}, ("later", "SMTPServerDisconnected")),
        ({"DATA": "BREAK"}, ("unknown", "SMTPServerDisconnected")),
    ],
)
def test_each_answer_asks_for_something_else_next(relay, says, expected):
    relay.says = says

    assert outcomes(EMAIL) == [expected]
    assert relay.letters == []


@pytest.mark.parametrize(
    ("answer", "second"),
    [("BREAK", ("unknown", "SMTPServerDisconnected")), ("421 closing", ("later", "421"))],
)
def test_a_line_that_breaks_leaves_the_rest_for_later(relay, answer, second):
    """Only the letter in hand may have gone; the others never left."""
    relay.says = {"b@example.com": answer}

    told = outcomes("a@example.com", "b@example.com", "c@example.com", "d@example.com")

    assert told == [("accepted", ""), second, ("later", "broken"), ("later", "broken")]
    assert [one["To"] for one in relay.letters] == ["a@example.com"]


def test_one_wrong_address_does_not_hold_the_others(relay):
    relay.says = {"b@example.com": "550 no such user"}

    told = outcomes("a@example.com", "b@example.com", "c@example.com")

    assert [outcome for outcome, _code in told] == ["accepted", "no_address", "accepted"]


def test_a_relay_that_is_not_there_is_asked_later(relay, settings):
    settings.EMAIL_PORT = 1

    assert outcomes(EMAIL, EMAIL) == [("later", "ConnectionRefusedError")] * 2


def test_a_relay_that_hangs_does_not_keep_the_worker(relay, monkeypatch):
    waits = []
    monkeypatch.setattr(EmailMultiAlternatives, "send", lambda self: waits.append(self.connection))

    outcomes(EMAIL)

    assert 0 < waits[0].timeout <= 10


def test_a_relay_tells_nothing_afterwards(relay):
    assert DjangoMail().ask(["1"]) == []
    assert DjangoMail().balance() is None
    with pytest.raises(Forged):
        DjangoMail().heard(body=b"[]", headers={})


# --- as the product uses it ----------------------------------------------------------------------
@pytest.fixture
def by_relay(relay, world, settings):
    settings.MESSAGE_PROVIDERS["email"] = f"{GATEWAYS}.django_mail.DjangoMail"
    messages._made.cache_clear()
    return relay


@pytest.mark.django_db
def test_a_letter_whose_title_has_lines_still_has_one_subject(by_relay):
    shop = BusinessFactory(name="Миндаль\r\nBcc: all@example.com")
    values = {"amount": "1.00", "to_pay": "1.00", "bonus": "0", "spent": "0"}

    write("receipt", UserFactory(email=EMAIL), business=shop, **values)
    deliver_all()

    [letter] = by_relay.letters
    assert "Миндаль Bcc: all@example.com" in letter["Subject"]
    assert letter["Bcc"] is None
    assert Attempt.objects.get().provider == "smtp"
    assert Notification.objects.get().state == "sent"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "state", "never_again"),
    [("550 no such user", "failed", True), ("450 greylisted", "waiting", False)],
)
def test_only_an_address_that_is_no_more_is_barred(by_relay, answer, state, never_again):
    by_relay.says = {"RCPT": answer}

    write("tier_up", UserFactory(email=EMAIL), tier="VIP")
    deliver_all()

    assert Notification.objects.get().state == state
    assert Suppression.objects.exists() == never_again
