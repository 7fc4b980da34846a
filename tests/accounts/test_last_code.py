"""`manage.py last_code PHONE`: a developer's stand-in for a phone."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.accounts.codes import last_code

pytestmark = pytest.mark.django_db


@pytest.fixture
def development(settings):
    settings.DEVELOPMENT = True


def run(phone):
    out = StringIO()
    call_command("last_code", phone, stdout=out)
    return out.getvalue()


@pytest.fixture
def sent(settings):
    """Writes messages as the console gateway does, oldest first."""

    def write(*messages):
        with open(settings.DEV_SMS_FILE, "a") as file:
            for phone, text in messages:
                file.write(f'{{"at":"2026-11-21T12:00:00Z","phone":"{phone}","text":"{text}"}}\n')

    return write


@pytest.mark.parametrize("phone", ["+79161234567", "8 (916) 123-45-67"])
def test_it_prints_the_code_that_was_just_sent(development, api, phone, capsys):
    assert api.post("/auth/send-code", {"phone": "89161234567"}).status_code == 200

    assert run(phone) == f"{last_code('+79161234567')}\n"


def test_it_prints_the_newest_of_that_number(development, sent):
    sent(
        ("+79161234567", "Код 111111 для входа."),
        ("+79161234567", "Код 222222 для входа."),
        ("+79161234568", "Код 333333 для входа."),
        ("+79161234567", "Бонусы ждут вас."),
    )

    assert run("89161234567") == "222222\n"


def test_leading_zeros_stay(development, sent):
    sent(("+79161234567", "Код 000042 для входа."))

    assert run("89161234567") == "000042\n"


@pytest.mark.parametrize("phone", ["+79161234569", "89161234569"])
def test_a_number_without_a_code_is_a_sentence(development, sent, phone):
    sent(("+79161234567", "Код 111111 для входа."))

    with pytest.raises(CommandError, match="No code was sent"):
        run(phone)


def test_before_anything_was_sent_it_is_the_same_sentence(development):
    with pytest.raises(CommandError, match="No code was sent"):
        run("89161234567")


def test_what_is_no_number_is_a_sentence(development):
    with pytest.raises(CommandError, match="not a Russian mobile"):
        run("12345")


def test_outside_of_development_it_reads_nothing(sent):
    sent(("+79161234567", "Код 111111 для входа."))

    with pytest.raises(CommandError, match="development only"):
        run("89161234567")
