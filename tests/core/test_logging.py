"""What the configured logging prints. Seeded phones, codes and tokens must never be in it."""

import json
import logging
import time

import pytest
import structlog

from apps.core.masking import mask_text
from tests.logs import captured

DIGITS = "9161234567"
PHONES = [
    "+79161234567",
    "79161234567",
    "89161234567",
    "9161234567",
    "8 916 123 45 67",
    "8 (916) 123-45-67",
    "8(916)1234567",
    "8(916)123-45-67",
    "+7 (916) 123-45-67",
    "+7 916 123-45-67",
    "+7-916-123-45-67",
    "+7.916.123.45.67",
    "7 916 1234567",
    "(916) 123-45-67",
    "916 123-45-67",
    "916-123-45-67",
    "+7\u00a0916\u00a0123\u00a045\u00a067",
    "+7 916 123\u201145\u201167",
    "+7 916 123–45–67",
    "%2B79161234567",
    "%2b7916123-45-67",
    "%2B7%20(916)%20123-45-67",
    "8%20916%20123%2045%2067",
    "8+%28916%29+123-45-67",
]
AROUND = [
    "{}",
    "phone {} end",
    "phone={}",
    "phone:{}",
    "'{}'",
    '"{}"',
    "({})",
    "<{}>",
    "a,{},b",
    "line\\n{}",
    "x%3D{}",
    "?phone={}&x=1",
    "_{}_",
    "/{}/",
    "{}.",
    "tel:{}",
]
SECRETS = [
    ("eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl", "eyJzdWIiOi"),
    ("Bearer abc.def-ghi", "abc.def"),
    ("bearer abcdefgh", "abcdefgh"),
    ("Authorization: Bearer abcdefgh", "abcdefgh"),
    ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
    ("'Authorization': 'Bearer abcdefgh'", "abcdefgh"),
    ("code=123456", "123456"),
    ("code: 123456", "123456"),
    ("CODE = 123456", "123456"),
    ("'code': '123456'", "123456"),
    ('{"code":"123456"}', "123456"),
    ('{\\"code\\": \\"123456\\"}', "123456"),
    ("sms_code=123456", "123456"),
    ("codeEntered: 123456", "123456"),
    ("Код 123456 для входа в Свой Круг.", "123456"),
    ("Code 123456 to sign in to Own Circle.", "123456"),
    ("otp=654321", "654321"),
    ("password=hunter22222", "hunter22222"),
    ("newPassword: 'hunter22222'", "hunter22222"),
    ("refresh=opaque-value", "opaque-value"),
    ("refresh_token=opaque-value", "opaque-value"),
    ('"refreshToken":"opaque-value"', "opaque-value"),
    ("access_token='opaque-value'", "opaque-value"),
    ("client_secret: opaque-value", "opaque-value"),
    ("sessionid cookie=opaque-value", "opaque-value"),
    ("anna.kotova+krug@mail.example.ru", "kotova"),
    ("anna.kotova%40mail.ru", "kotova"),
    ("анна@почта.рф", "анна"),
    ("postgres://user:p4ssw0rd@db.example.ru/x", "p4ssw0rd"),
]
HARMLESS = [
    "0193a5b2-1234-7916-8123-456789012345",
    "01a2002d-aaf1-7330-91f3-f92a5c18d2e9",
    "91234567-89ab-4cde-8f01-234567890123",
    "2026-11-21T21:59:12.912345Z",
    "912345678901",
    "1 234 567,89 ₽",
    "status=200 ms=12",
    "GET /api/v1/transactions/0193a5b2-1234-7916-8123-456789012345",
    "code.resend",
    "1700000000",
    "from 127.0.0.1:52341",
]


@pytest.mark.parametrize("phone", PHONES)
def test_a_phone_in_any_form_and_place_is_masked(phone):
    masked = [mask_text(around.format(phone)) for around in AROUND]

    expected = [around.format("+7***") for around in AROUND]
    assert [text.replace("(", "") for text in masked] == [
        text.replace("(", "") for text in expected
    ]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_under_its_name_is_masked(text, secret):
    assert secret in text
    assert secret not in mask_text(text)
    assert secret not in mask_text(f"before\\n{text} after")


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays_readable(text):
    assert mask_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10**6,
        "eyJ" * 10**5,
        "9" * 10**6,
        "x@" * 10**5,
        "code" * 10**5,
        "secret" * 10**5,
        "8 9" * 10**5,
    ],
)
def test_masking_a_hostile_text_takes_no_time(text):
    started = time.perf_counter()
    mask_text(text)

    assert time.perf_counter() - started < 0.5


def the_log(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_way_to_a_line_is_masked(logs):
    log = structlog.get_logger("ours")
    log.info("sent to +79161234567", number="8 (916) 123-45-67", phone="x", code="123456")
    log.info("positional %s", "89161234567")
    log.info("a number", count=79161234567, share=0.5, flag=True, nothing=None)
    log.info("nested", body={"phone": "+79161234567", "list": ["anna@mail.ru"]})
    log.info("bytes", body=b'{"code": "123456", "phone": "89161234567"}')
    logging.getLogger("theirs").info("to %s with code=%s", "+79161234567", "123456")
    logging.getLogger("theirs").warning("args %r", {"refreshToken": "opaque-value"})
    structlog.contextvars.bind_contextvars(who="anna@mail.ru")
    log.info("bound")
    structlog.contextvars.clear_contextvars()

    lines = the_log(logs)
    assert len(lines) == 8
    for secret in ("916123", "(916)", "123456", "anna@", "opaque-value"):
        assert secret not in logs.getvalue()
    kept = {name: lines[2][name] for name in ("count", "share", "flag", "nothing")}
    assert kept == {"count": "+7***", "share": 0.5, "flag": True, "nothing": None}


def fail(text):
    """Raise with a phone in the message, in the cause, in a note and in the line of code."""
    try:
        raise ValueError(f"inner {text}")
    except ValueError as inner:
        failure = RuntimeError("outer +7 916 123-45-67, code=123456")
        failure.add_note("noted anna@mail.ru")
        raise failure from inner


@pytest.mark.parametrize("json_lines", [True, False])
def test_a_traceback_is_there_and_is_masked(json_lines):
    with captured(json=json_lines) as stream:
        try:
            fail("89161234567")
        except RuntimeError:
            structlog.get_logger("ours").exception("ours.crashed")
            logging.getLogger("theirs").exception("theirs crashed")
            logging.getLogger("theirs").error("with stack", stack_info=True)

    text = stream.getvalue()
    assert text.count("Traceback (most recent call last)") == 4
    assert text.count("RuntimeError: outer +7***, code=***") == 2
    assert text.count("noted ***@***") == 2
    for secret in ("916123", "916 123", "123456", "anna@"):
        assert secret not in text


def test_a_repr_that_crashes_loses_its_line_and_nothing_else(logs, monkeypatch):
    class Rude:
        def __str__(self):
            raise ValueError("89161234567")

    logging.getLogger("theirs").info("before")
    monkeypatch.setattr(logging, "raiseExceptions", False)  # as in production: no word on stderr
    logging.getLogger("theirs").info("rude %s", Rude())
    logging.getLogger("theirs").info("after")

    assert [line["event"] for line in the_log(logs)] == ["before", "after"]


def test_a_line_says_when_where_and_how_bad(logs):
    logging.getLogger("theirs").warning("hello")

    line = the_log(logs)[0]
    assert (line["event"], line["level"], line["logger"]) == ("hello", "warning", "theirs")
    assert line["timestamp"].endswith("Z")


@pytest.mark.django_db
@pytest.mark.parametrize("json_lines", [True, False])
def test_a_whole_day_at_the_till_leaves_nothing_personal(
    json_lines, api, business, staff, settings, broken_database
):
    """Sign-in, refresh, reuse, profile, sale, look-up and crashes, at DEBUG level."""
    with captured(json=json_lines) as stream:
        asked = api.post("/auth/send-code", {"phone": "8 (916) 123-45-67"}).json()["data"]
        with open(settings.DEV_SMS_FILE) as outbox:
            code = json.loads(outbox.readlines()[-1])["text"].split()[1]
        wrong = "000000" if code != "000000" else "111111"
        api.post("/auth/verify-code", {"codeId": asked["codeId"], "code": wrong})
        done = api.post("/auth/verify-code", {"codeId": asked["codeId"], "code": code})
        tokens = done.json()["data"]
        bearer = {"Authorization": f"Bearer {tokens['accessToken']}"}
        api.patch("/users/me", {"email": "anna.kotova@mail.ru", "city": "Тверь"}, **bearer)
        fresh = api.post("/auth/refresh", {"refreshToken": tokens["refreshToken"]}).json()["data"]
        api.post("/auth/refresh", {"refreshToken": fresh["refreshToken"]})
        api.post("/auth/refresh", {"refreshToken": tokens["refreshToken"]})
        till = api.as_(staff)
        sale = {"businessId": str(business.pk), "member": {"phone": "89161234567"}, "amount": "10"}
        assert till.post("/transactions", sale).status_code == 201
        till.get("/transactions", {"businessId": str(business.pk), "phone": "+79161234567"})
        till.client.get("/api/v1/nothing/+79161234567?phone=%2B79161234567")
        with broken_database(ValueError(f"of +79161234567: code={code}"), on="core_audit"):
            assert till.post("/transactions", sale).status_code == 500

    text = stream.getvalue()
    assert done.status_code == 200
    assert "request.crashed" in text
    assert text.count("/api/v1/transactions") >= 3
    seeds = ["916123", "(916)", "kotova", code, tokens["accessToken"], tokens["refreshToken"]]
    assert [seed for seed in [*seeds, fresh["refreshToken"]] if seed in text] == []
