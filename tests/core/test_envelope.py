"""The one shape of every answer, seen from outside."""

import json
import re
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from django.db import InterfaceError
from django.test import Client, override_settings

from apps.core.models import AuditEntry
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


def failed(answer, status, code):
    """The error of a failure envelope, after its shape was checked whole."""
    body = answer.json()
    assert (answer.status_code, body["error"]["code"]) == (status, code)
    assert set(body) == {"success", "error", "meta"}
    assert body["success"] is False
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["error"]["message"]
    assert isinstance(body["error"]["details"], dict)
    assert set(body["meta"]) == {"timestamp", "requestId"}
    assert body["meta"]["requestId"] == answer["X-Request-ID"]
    assert answer["Content-Type"] == "application/json"
    return body["error"]


def a_sale(business, **changes):
    return {"businessId": str(business.pk), "member": {"phone": "89160000000"}, "amount": "1"} | (
        changes
    )


# --- success -------------------------------------------------------------------------------------
def test_success_has_data_and_meta(api, member):
    answer = api.as_(member).get("/users/me")

    body = answer.json()
    assert (answer.status_code, set(body), body["success"]) == (
        200,
        {"success", "data", "meta"},
        True,
    )
    assert set(body["meta"]) == {"timestamp", "requestId"}
    assert MOMENT.fullmatch(body["meta"]["timestamp"])
    moment = datetime.fromisoformat(body["meta"]["timestamp"])
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 5
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store"


def test_a_list_has_its_page_in_meta(api, member, business):
    sale(member=member, business=business)

    body = api.as_(member).get("/transactions").json()

    assert isinstance(body["data"], list)
    assert body["meta"]["pagination"] == {"nextCursor": None, "limit": 20}


def test_money_is_strings_and_moments_end_with_z(api, member, business):
    sale(member=member, business=business, amount="1234.5")
    caller = api.as_(member)

    line = caller.get("/transactions").json()["data"][0]
    balance = caller.get("/loyalty/balance").json()["data"]
    history = caller.get("/loyalty/history").json()["data"][0]

    assert (line["amount"], line["discount"], line["toPay"], line["bonusAccrued"]) == (
        "1234.50",
        "0.00",
        "1234.50",
        "61.72",
    )
    assert (balance["available"], balance["expiringSoon"]["amount"]) == ("61.72", "61.72")
    assert (history["amount"], history["balanceAfter"]) == ("61.72", "61.72")
    moments = [line["occurredAt"], balance["expiringSoon"]["at"], history["postedAt"]]
    assert [text for text in moments if not MOMENT.fullmatch(text)] == []


def test_money_of_a_new_sale_is_strings_too(api, staff, business):
    sold = api.as_(staff).post("/transactions", a_sale(business, amount="10,50")).json()["data"]

    names = ["amount", "discount", "bonusSpent", "toPay", "bonusAccrued"]
    assert {name: sold[name] for name in names} == {
        "amount": "10.50",
        "discount": "0.00",
        "bonusSpent": "0.00",
        "toPay": "10.50",
        "bonusAccrued": "0.52",
    }


def test_no_float_and_no_snake_case_anywhere(api, staff, business):
    sold = api.as_(staff).post("/transactions", a_sale(business, amount="10,50")).content

    def walk(value):
        assert not isinstance(value, float)
        for name, inner in value.items() if isinstance(value, dict) else []:
            assert "_" not in name
            walk(inner)

    walk(json.loads(sold))


# --- 400 -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b'{"phone": }',
        b"[]",
        b'["phone"]',
        b'"text"',
        b"12",
        b"null",
        b'{"phone": NaN}',
        b'{"phone": "\\ud800"}',
        b'{"phone": "8916\\u0000"}',
        b'{"ph\\u0000one": "8916"}',
        b'{"phone": "8916\x00"}',
        b'{"phone": "\xff\xfe"}',
        "{'phone': '8916'}".encode("utf-16"),
        b'{"a":' * 60 + b"1" + b"}" * 60,
        b'{"a":' * 990 + b"1" + b"}" * 990,
        b'{"a": ' + b"[" * 500 + b"]" * 500 + b"}",
        b"[" * 5000,
    ],
)
def test_a_broken_body_is_malformed(api, body):
    answer = api.client.post("/api/v1/auth/send-code", body, content_type="application/json")

    failed(answer, 400, "MALFORMED")


def test_a_broken_body_is_malformed_before_its_key_is_spent(api, staff):
    caller = api.as_(staff)
    deep = b'{"a":' * 300 + b"1" + b"}" * 300

    for body in (b"{", b"[]", deep):
        answer = caller.client.post(
            "/api/v1/transactions",
            body,
            content_type="application/json",
            headers=caller.headers | {"Idempotency-Key": "k"},
        )
        failed(answer, 400, "MALFORMED")


def test_a_backslash_before_u0000_is_text_and_no_nul(api):
    answer = api.post("/auth/send-code", {"phone": "\\u0000"})

    failed(answer, 422, "VALIDATION_ERROR")


@pytest.mark.parametrize("path", ["/users/me?x=%00", "/users/%00", "/users/me%00"])
def test_nul_in_an_address_is_malformed(api, path):
    failed(api.client.get(f"/api/v1{path}"), 400, "MALFORMED")


# --- 401, 403, 404 -------------------------------------------------------------------------------
def test_nobody_is_asked_to_sign_in(api):
    answer = api.get("/users/me")

    assert failed(answer, 401, "UNAUTHENTICATED")["details"] == {}
    assert answer["WWW-Authenticate"] == "Bearer"


def test_a_blocked_person_is_told_so_at_her_next_request(api, member):
    caller = api.as_(member)
    before = caller.get("/users/me").status_code
    member.blocked_at = datetime.now(UTC)
    member.save()

    assert before == 200
    failed(caller.get("/users/me"), 403, "BLOCKED")


def test_a_member_may_not_enter_sales(api, member, business):
    failed(api.as_(member).post("/transactions", a_sale(business)), 403, "FORBIDDEN")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothing",
        "/api/v1/",
        "/api/v1",
        "/api/",
        "/api/v2/users/me",
        "/api/v1/users/me/",
        "/api/v1/transactions/not-a-uuid",
        "/webhooks/unknown",
        "/calendar/unknown.ics",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("debug", [False, True])
def test_an_unknown_address_has_the_envelope_too(api, settings, method, path, debug):
    settings.DEBUG = debug

    answer = getattr(api.client, method)(path)

    failed(answer, 404, "NOT_FOUND")


def test_what_belongs_to_another_tenant_does_not_exist(api, staff):
    foreign = sale()
    caller = api.as_(staff)

    unseen = failed(caller.get(f"/transactions/{foreign.pk}"), 404, "NOT_FOUND")
    absent = failed(caller.get(f"/transactions/{uuid4()}"), 404, "NOT_FOUND")
    entered = failed(caller.post("/transactions", a_sale(foreign.business)), 404, "NOT_FOUND")
    assert unseen == absent == entered


# --- 405, 413, 415 -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("get", "/auth/send-code", {"POST"}),
        ("delete", "/auth/refresh", {"POST"}),
        ("post", "/users/me", {"GET", "PATCH", "DELETE"}),
        ("put", "/transactions", {"GET", "POST"}),
    ],
)
def test_a_wrong_method_is_named_with_the_right_ones(api, staff, method, path, allowed):
    caller = api.as_(staff)

    answer = getattr(caller.client, method)(f"/api/v1{path}", headers=caller.headers)

    failed(answer, 405, "METHOD_NOT_ALLOWED")
    assert set(answer["Allow"].split(", ")) - {"HEAD", "OPTIONS"} == allowed


def test_a_body_over_one_mebibyte_is_too_large(api):
    just_fits = b'{"phone":"' + b"9" * (1024 * 1024 - 12) + b'"}'

    failed(
        api.client.post("/api/v1/auth/send-code", just_fits, content_type="application/json"),
        422,
        "VALIDATION_ERROR",
    )
    failed(
        api.client.post(
            "/api/v1/auth/send-code", just_fits + b" ", content_type="application/json"
        ),
        413,
        "TOO_LARGE",
    )


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json-patch+json",
        "nonsense",
        "",
    ],
)
def test_a_body_that_is_not_json_is_not_taken(api, content_type):
    answer = api.client.generic(
        "POST", "/api/v1/auth/send-code", b'{"phone": "89160000000"}', content_type=content_type
    )

    failed(answer, 415, "UNSUPPORTED_MEDIA")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON"])
def test_json_by_any_of_its_names_is_taken(api, content_type):
    answer = api.client.generic(
        "POST", "/api/v1/auth/send-code", b'{"phone": "89160000000"}', content_type=content_type
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "nonsense"])
def test_errors_are_json_whatever_is_accepted(api, accept):
    failed(api.get("/users/me", Accept=accept), 401, "UNAUTHENTICATED")


# --- 422 -----------------------------------------------------------------------------------------
def test_every_wrong_field_is_named_with_its_messages(api, staff):
    body = {
        "businessId": "x",
        "member": {"phone": "1", "id": "y"},
        "amount": 12.5,
        "occurredAt": "yesterday",
        "items": [
            {"name": "", "quantity": "1", "price": "x"},
            {"name": "Кофе", "quantity": "-1", "price": "1.00"},
        ],
    }

    details = failed(api.as_(staff).post("/transactions", body), 422, "VALIDATION_ERROR")["details"]

    assert sorted(details) == [
        "amount",
        "businessId",
        "items.0.name",
        "items.0.price",
        "items.1.quantity",
        "member.id",
        "occurredAt",
    ]
    assert all(isinstance(m, str) for messages in details.values() for m in messages)


def test_unknown_fields_are_refused_by_name_at_every_depth(api, staff, business):
    caller = api.as_(staff)

    def details(**changes):
        body = a_sale(business, **changes)
        return failed(caller.post("/transactions", body), 422, "VALIDATION_ERROR")["details"]

    assert list(details(bonusAccrued="500.00", status="completed")) == ["bonusAccrued", "status"]
    assert list(details(member={"phone": "89160000000", "tier": "vip"})) == ["member.tier"]
    line = {"name": "Кофе", "quantity": "1", "price": "1.00", "costPrice": "1"}
    assert list(details(items=[line])) == ["items.0.costPrice"]


def test_an_object_where_a_text_belongs_is_a_wrong_field(api):
    for value in ({"a": 1}, ["8916"], True, None):
        details = failed(api.post("/auth/send-code", {"phone": value}), 422, "VALIDATION_ERROR")[
            "details"
        ]
        assert list(details) == ["phone"]


def test_a_refused_value_of_the_domain_names_its_field(api):
    error = failed(api.post("/auth/send-code", {"phone": "12345"}), 422, "VALIDATION_ERROR")

    assert list(error["details"]) == ["phone"]


# --- 429 -----------------------------------------------------------------------------------------
def test_a_guarded_limit_says_when_to_come_back(api):
    api.post("/auth/send-code", {"phone": "89160000000"})

    answer = api.post("/auth/send-code", {"phone": "+7 916 000-00-00"})

    failed(answer, 429, "RATE_LIMITED")
    assert 58 <= int(answer["Retry-After"]) <= 60


def test_the_thirty_first_write_of_a_minute_waits(api, member):
    caller = api.as_(member)
    statuses = {caller.patch("/users/me", {"city": "Москва"}).status_code for _ in range(30)}

    answer = caller.patch("/users/me", {"city": "Тверь"})

    assert statuses == {200}
    failed(answer, 429, "RATE_LIMITED")
    assert 1 <= int(answer["Retry-After"]) <= 61
    assert caller.get("/users/me").json()["data"]["city"] == "Москва"


def test_an_action_may_have_a_limit_of_its_own(api, member):
    mine = api.as_(member)

    answers = [mine.get("/users/me/export") for _ in range(6)]

    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert 86000 <= int(answers[-1]["Retry-After"]) <= 86401
    assert mine.get("/users/me").status_code == 200


def test_a_forged_address_has_no_limit_of_its_own(api):
    """`X-Forwarded-For` is a stranger's word: only the connection's own address counts."""
    answers = [
        api.post("/auth/refresh", {}, **{"X-Forwarded-For": f"10.0.{n}.1"}).status_code
        for n in range(121)
    ]

    assert (answers.count(422), answers[-1]) == (120, 429)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.7", "127.0.0.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "10.6.6.6, 203.0.113.7", "203.0.113.7"),
        (2, "10.6.6.6, 203.0.113.7, 198.51.100.1", "203.0.113.7"),
        (2, "203.0.113.7", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "unknown", None),
        (1, "2001:db8::7", "2001:db8::7"),
    ],
)
def test_as_many_forwarded_addresses_count_as_there_are_proxies_of_ours(
    api, staff, business, settings, proxies, forwarded, address
):
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}

    api.as_(staff).post("/transactions", a_sale(business), **{"X-Forwarded-For": forwarded})

    assert AuditEntry.objects.get(action="transactions.record").address == address


# --- 500, 503 ------------------------------------------------------------------------------------
def test_a_crash_tells_nothing_but_its_request(api, member, broken_database, logs):
    caller = api.as_(member)

    with broken_database(ZeroDivisionError("secret of +79161234567")):
        answer = caller.get("/users/me")

    error = failed(answer, 500, "INTERNAL")
    assert error["details"] == {}
    for word in (b"Traceback", b"ZeroDivision", b"secret", b"File ", b".py"):
        assert word not in answer.content
    lines = [json.loads(line) for line in logs.getvalue().splitlines()]
    crash = next(line for line in lines if line["event"] == "request.crashed")
    assert crash["request_id"] == answer["X-Request-ID"]
    assert "ZeroDivisionError: secret of +7***" in crash["exception"]


@pytest.mark.parametrize("debug", [False, True])
def test_a_crash_before_the_view_has_the_envelope_too(api, settings, debug):
    settings.DEBUG = debug
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.core.test_envelope.crashing"]

    answer = api.get("/users/me")

    failed(answer, 500, "INTERNAL")
    assert b"secret" not in answer.content


def crashing(get_response):
    def crash(request):
        raise ZeroDivisionError("secret")

    return crash


@pytest.mark.parametrize("failure", [None, InterfaceError("the connection is closed")])
def test_without_the_database_the_service_is_unavailable(api, member, broken_database, failure):
    caller = api.as_(member)

    with broken_database(failure):
        answers = [
            caller.get("/users/me"),
            caller.post("/transactions", {}),
            api.post("/auth/send-code", {"phone": "89160000000"}),
        ]

    for answer in answers:
        failed(answer, 503, "UNAVAILABLE")


def test_the_database_comes_back_by_itself(api, member, broken_database):
    caller = api.as_(member)
    with broken_database():
        gone = caller.get("/users/me").status_code

    assert (gone, caller.get("/users/me").status_code) == (503, 200)


def test_a_host_we_do_not_serve_is_malformed():
    answer = Client(raise_request_exception=False).get(
        "/api/v1/users/me", headers={"Host": "evil.example"}
    )

    failed(answer, 400, "MALFORMED")


# --- language ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "message", "language"),
    [
        (None, "Войдите, пожалуйста.", "ru"),
        ("ru", "Войдите, пожалуйста.", "ru"),
        ("en", "Please sign in.", "en"),
        ("en-US,en;q=0.9,ru;q=0.8", "Please sign in.", "en"),
        ("de", "Войдите, пожалуйста.", "ru"),
        ("de,en;q=0.5", "Please sign in.", "en"),
        ("nonsense;;q=x", "Войдите, пожалуйста.", "ru"),
    ],
)
def test_messages_speak_the_language_that_was_asked_for(api, asked, message, language):
    headers = {"Accept-Language": asked} if asked else {}

    answer = api.get("/users/me", **headers)

    assert answer.json()["error"]["message"] == message
    assert answer["Content-Language"] == language


@pytest.mark.parametrize(("language", "word"), [("en", "re"), ("ru", "о")])
def test_every_failure_of_the_edge_speaks_it_too(api, language, word):
    chosen = {"Accept-Language": language}

    answers = [
        api.client.get("/api/v1/nothing", headers=chosen),
        api.client.get("/api/v1/users/me?x=%00", headers=chosen),
        api.client.post(
            "/api/v1/auth/send-code",
            b" " * (1024 * 1024 + 1),
            content_type="application/json",
            headers=chosen,
        ),
        api.client.delete("/api/v1/auth/refresh", headers=chosen),
    ]

    for answer in answers:
        message = answer.json()["error"]["message"]
        assert message.isascii() is (language == "en"), message
        assert answer["Content-Language"] == language


def test_field_messages_speak_it_too(api):
    english = api.post("/auth/send-code", {}, **{"Accept-Language": "en"}).json()["error"]
    russian = api.post("/auth/send-code", {}).json()["error"]

    assert english["details"] == {"phone": ["This field is required."]}
    assert russian["details"] == {"phone": ["Обязательное поле."]}


# --- request ids ---------------------------------------------------------------------------------
def test_a_given_request_id_is_kept_everywhere(api, staff, business, logs):
    given = str(uuid4())

    answer = api.as_(staff).post("/transactions", a_sale(business), **{"X-Request-ID": given})

    assert answer.status_code == 201
    assert (answer["X-Request-ID"], answer.json()["meta"]["requestId"]) == (given, given)
    row = AuditEntry.objects.get(action="transactions.record")
    assert (row.request_id, row.actor_id, row.address) == (given, staff.pk, "127.0.0.1")
    line = next(
        line for line in map(json.loads, logs.getvalue().splitlines()) if line["event"] == "request"
    )
    assert {name: line[name] for name in ("request_id", "caller", "method", "path", "status")} == {
        "request_id": given,
        "caller": str(staff.pk),
        "method": "POST",
        "path": "/api/v1/transactions",
        "status": 201,
    }


@pytest.mark.parametrize("given", ["", "1", "x" * 36, "'; DROP TABLE", "\u00e9", "0" * 200])
def test_anything_else_is_replaced(api, given):
    answer = api.get("/users/me", **{"X-Request-ID": given})

    made = answer["X-Request-ID"]
    assert (str(UUID(made)), answer.json()["meta"]["requestId"]) == (made, made)


def test_a_page_has_a_request_id_too(browser_client):
    UUID(browser_client.get("/health/live")["X-Request-ID"])


def test_one_callers_name_does_not_stay_for_the_next(api, member, logs):
    api.as_(member).get("/users/me")
    api.get("/users/me")

    first, second = (
        json.loads(line) for line in logs.getvalue().splitlines() if '"request"' in line
    )
    assert (first["caller"], "caller" in second) == (str(member.pk), False)


@override_settings(DEBUG=False)
def test_a_page_keeps_its_own_error_pages(browser_client):
    answer = browser_client.get("/nothing-here")

    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")
