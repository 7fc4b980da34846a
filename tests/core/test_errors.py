"""A refusal is a value of the domain; one place knows which status belongs to its code."""

import json

import pytest
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions as drf

from apps.core import errors
from apps.core.http import errors as http
from apps.core.http.casing import camel, camelize, snake, snakeize

CONTRACT = {
    400: ["MALFORMED"],
    401: ["UNAUTHENTICATED", "TOKEN_EXPIRED", "TOKEN_REUSED", "CODE_INVALID", "CODE_EXPIRED"],
    403: ["FORBIDDEN", "STATUS_REQUIRED", "BLOCKED"],
    404: ["NOT_FOUND"],
    405: ["METHOD_NOT_ALLOWED"],
    409: [
        "CONFLICT",
        "INSUFFICIENT_BONUS",
        "EVENT_FULL",
        "ALREADY_USED",
        "ALREADY_REGISTERED",
        "ALREADY_VOTED",
        "WRONG_STATE",
        "IDEMPOTENCY_IN_PROGRESS",
    ],
    412: ["STALE"],
    413: ["TOO_LARGE"],
    415: ["UNSUPPORTED_MEDIA"],
    422: ["VALIDATION_ERROR", "IDEMPOTENCY_MISMATCH"],
    429: ["RATE_LIMITED"],
    500: ["INTERNAL"],
    503: ["UNAVAILABLE"],
}


class TooPoor(errors.Refused):
    code = "INSUFFICIENT_BONUS"
    message = _("Not enough bonuses: %(available)s available.")


class BadColour(errors.Invalid):
    field = "colour"
    message = _("Please check the data.")


def answered(failure):
    """(status, code, details, response) of an exception, as DRF's handler is called."""
    response = http.answer(failure, {"view": None})
    error = json.loads(response.data)["error"]
    return response.status_code, error["code"], error["details"], response


def subclasses(kind):
    return {kind}.union(*(subclasses(sub) for sub in kind.__subclasses__()))


# --- codes ---------------------------------------------------------------------------------------
def test_every_code_of_the_contract_has_its_status():
    expected = {code: status for status, codes in CONTRACT.items() for code in codes}

    assert expected == http.STATUS


def test_every_refusal_of_the_project_has_a_code_of_the_contract():
    unknown = {kind for kind in subclasses(errors.Refused) if kind.code not in http.STATUS}

    assert unknown == set()


def test_every_message_has_its_places_filled_by_names():
    """`%(name)s` only: a stray percent sign would crash the answer."""
    for kind in subclasses(errors.Refused):
        assert isinstance(str(kind.message), str)
        assert "%s" not in str(kind.message)


# --- refusals ------------------------------------------------------------------------------------
def test_a_refusal_speaks_with_its_details():
    with translation.override("en"):
        assert str(TooPoor(available="120.00")) == "Not enough bonuses: 120.00 available."
        assert str(errors.NotFound()) == "Not found."


def test_a_refusal_is_answered_with_its_code_and_details():
    status, code, details, _r = answered(TooPoor(available="120.00"))

    assert (status, code, details) == (409, "INSUFFICIENT_BONUS", {"available": ["120.00"]})


def test_a_wrong_value_names_its_field():
    with translation.override("en"):
        status, code, details, _r = answered(BadColour())

    assert (status, code, details) == (
        422,
        "VALIDATION_ERROR",
        {"colour": ["Please check the data."]},
    )


def test_a_limit_says_when_to_come_back():
    status, code, details, response = answered(errors.TooMany(retry_after=42))

    assert (status, code, response["Retry-After"]) == (429, "RATE_LIMITED", "42")
    assert details == {"retryAfter": ["42"]}


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (drf.ParseError(), 400, "MALFORMED"),
        (drf.NotAuthenticated(), 401, "UNAUTHENTICATED"),
        (drf.AuthenticationFailed(), 401, "UNAUTHENTICATED"),
        (drf.PermissionDenied(), 403, "FORBIDDEN"),
        (PermissionDenied(), 403, "FORBIDDEN"),
        (drf.NotFound(), 404, "NOT_FOUND"),
        (Http404(), 404, "NOT_FOUND"),
        (drf.MethodNotAllowed("PUT"), 405, "METHOD_NOT_ALLOWED"),
        (drf.UnsupportedMediaType("text/plain"), 415, "UNSUPPORTED_MEDIA"),
        (drf.Throttled(wait=3.2), 429, "RATE_LIMITED"),
        (OperationalError("gone"), 503, "UNAVAILABLE"),
        (InterfaceError("gone"), 503, "UNAVAILABLE"),
        (ZeroDivisionError("secret"), 500, "INTERNAL"),
        (RecursionError("secret"), 500, "INTERNAL"),
        (drf.APIException("secret"), 500, "INTERNAL"),
    ],
)
def test_exceptions_of_others_become_codes_of_ours(failure, status, code):
    got_status, got_code, details, response = answered(failure)

    assert (got_status, got_code, details) == (status, code, {})
    assert b"secret" not in response.data


def test_the_unauthenticated_are_told_how_to_sign_in():
    assert answered(drf.NotAuthenticated())[3]["WWW-Authenticate"] == "Bearer"


def test_a_throttle_without_a_time_still_names_one():
    assert int(answered(drf.Throttled())[3]["Retry-After"]) >= 1


# --- details -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("detail", "details"),
    [
        ({"amount": ["Wrong."]}, {"amount": ["Wrong."]}),
        ({"amount": "Wrong."}, {"amount": ["Wrong."]}),
        (["Wrong."], {"nonFieldErrors": ["Wrong."]}),
        ("Wrong.", {"nonFieldErrors": ["Wrong."]}),
        ({"non_field_errors": ["A.", "B."]}, {"nonFieldErrors": ["A.", "B."]}),
        ({"member": {"phone": ["Wrong."]}}, {"member.phone": ["Wrong."]}),
        (
            {"items": [{"price": ["Wrong."]}, {}, {"cost_price": ["Unknown."]}]},
            {"items.0.price": ["Wrong."], "items.2.costPrice": ["Unknown."]},
        ),
        ({"items": [{}, {"name": ["A.", "B."]}]}, {"items.1.name": ["A.", "B."]}),
        ({"member": {"non_field_errors": ["One of."]}}, {"member.nonFieldErrors": ["One of."]}),
        ({"rows": [["a"], ["b"]]}, {"rows.0": ["a"], "rows.1": ["b"]}),
    ],
)
def test_details_map_a_field_to_a_list_of_messages(detail, details):
    assert answered(drf.ValidationError(detail))[:3] == (422, "VALIDATION_ERROR", details)


# --- casing --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("ours", "wire"),
    [
        ("amount", "amount"),
        ("bonus_accrued", "bonusAccrued"),
        ("business_id", "businessId"),
        ("is_new", "isNew"),
        ("new_coupons", "newCoupons"),
    ],
)
def test_names_go_to_the_wire_and_back(ours, wire):
    assert (camel(ours), snake(wire), camel(wire)) == (wire, ours, wire)


@pytest.mark.parametrize("name", ["Idempotency-Key", "X", "", "_private"])
def test_other_words_come_back_as_they_went(name):
    assert snake(name) == name


def test_only_names_change_and_values_stay():
    ours = {"first_name": "snake_case", "rows": [{"unit_price": {"net_sum": "1_000"}}], "n": None}
    wire = {"firstName": "snake_case", "rows": [{"unitPrice": {"netSum": "1_000"}}], "n": None}

    assert (camelize(ours), snakeize(wire)) == (wire, ours)


# --- pages ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "MALFORMED"),
        (403, "FORBIDDEN"),
        (404, "NOT_FOUND"),
        (413, "TOO_LARGE"),
        (418, "MALFORMED"),
        (500, "INTERNAL"),
        (502, "INTERNAL"),
    ],
)
def test_what_django_answers_itself_gets_a_code(status, code):
    body = json.loads(http.of_status(status).content)

    assert (body["success"], body["error"]["code"]) == (False, code)
