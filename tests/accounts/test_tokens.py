"""Tokens: exactly the claims of the contract, and what is not accepted."""

import base64
import json
from datetime import timedelta
from uuid import UUID, uuid4

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from apps.accounts import keys, tokens
from apps.accounts.models import Session
from tests.api import Api
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
KEYS = [rsa.generate_private_key(public_exponent=65_537, key_size=2048) for _ in range(2)]


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture
def session():
    user = UserFactory(tier_code="vip", job="business_staff")
    return Session.objects.create(user=user)


@pytest.fixture
def folder(tmp_path, settings):
    """A ring of its own with one key, `a`."""
    settings.JWT_KEYS_DIR = tmp_path
    (tmp_path / "a.pem").write_bytes(pem(KEYS[0]))
    keys.ring(look_now=True)
    return tmp_path


def bearer(token):
    """What the API says to this access token: status and code."""
    answer = Api({"Authorization": f"Bearer {token}"}).get("/users/me")
    return answer.status_code, answer.json().get("error", {}).get("code")


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


# --- claims --------------------------------------------------------------------------------------
def test_an_access_token_has_exactly_the_claims_of_the_contract(session, at):
    token = tokens.access_for(session, at=at)
    claims = claims_of(token)

    UUID(claims.pop("jti"))
    assert claims == {
        "sub": str(session.user.pk),
        "role": "business_staff",
        "status": "vip",
        "type": "access",
        "iat": int(at.timestamp()),
        "exp": int(at.timestamp()) + 15 * 60,
        "sid": str(session.pk),
    }
    assert jwt.get_unverified_header(token) == {
        "alg": "RS256",
        "kid": keys.signing()[0],
        "typ": "JWT",
    }


def test_a_refresh_token_has_exactly_the_claims_of_the_contract(session):
    assert claims_of(tokens.refresh_for(session)) == {
        "sub": str(session.user.pk),
        "jti": str(session.refresh_jti),
        "type": "refresh",
        "exp": int(session.rotated_at.timestamp()) + 30 * 86_400,
        "sid": str(session.pk),
    }


def test_a_refresh_token_of_one_state_is_one_text(session):
    assert tokens.refresh_for(session) == tokens.refresh_for(session)


def test_two_access_tokens_differ(session, at):
    first, second = (tokens.access_for(session, at=at) for _ in range(2))

    assert claims_of(first)["jti"] != claims_of(second)["jti"]


def test_a_token_holds_nothing_personal(session, at):
    for token in (tokens.access_for(session, at=at), tokens.refresh_for(session)):
        assert session.user.phone[2:] not in json.dumps(claims_of(token))


# --- the ring ------------------------------------------------------------------------------------
def test_the_public_keys_verify_a_token(session, at, browser_client):
    answer = browser_client.get("/.well-known/jwks.json")
    [key] = jwt.PyJWKSet.from_dict(answer.json()).keys
    token = tokens.access_for(session, at=at)

    assert jwt.decode(token, key, algorithms=["RS256"])["sub"] == str(session.user.pk)
    assert key.key_id == jwt.get_unverified_header(token)["kid"]


def test_the_public_keys_hold_nothing_private(browser_client):
    answer = browser_client.get("/.well-known/jwks.json")

    [key] = answer.json()["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "use", "alg", "key_ops"}
    assert (key["alg"], key["use"], key["key_ops"]) == ("RS256", "sig", ["verify"])
    assert answer["Content-Type"] == "application/json"
    assert "public" in answer["Cache-Control"]


def test_two_keys_are_accepted_and_the_last_by_name_signs(session, at, folder, browser_client):
    before = tokens.access_for(session, at=at)
    (folder / "b.pem").write_bytes(pem(KEYS[1]))
    keys.ring(look_now=True)
    after = tokens.access_for(session, at=at)

    kids = [jwt.get_unverified_header(token)["kid"] for token in (before, after)]
    assert kids == ["a", "b"]
    assert [bearer(before), bearer(after)] == [(200, None), (200, None)]
    shown = browser_client.get("/.well-known/jwks.json").json()["keys"]
    assert [key["kid"] for key in shown] == ["a", "b"]


def test_a_token_of_a_removed_key_stops(session, at, folder):
    token = tokens.access_for(session, at=at)
    (folder / "b.pem").write_bytes(pem(KEYS[1]))
    (folder / "a.pem").unlink()
    keys.ring(look_now=True)

    assert bearer(token) == (401, "UNAUTHENTICATED")


def test_another_key_under_a_known_name_is_not_accepted(session, at, folder):
    token = tokens.access_for(session, at=at)
    (folder / "a.pem").write_bytes(pem(KEYS[1]))
    keys.ring(look_now=True)

    assert bearer(token) == (401, "UNAUTHENTICATED")


def test_an_empty_ring_is_a_sentence(tmp_path, settings):
    settings.JWT_KEYS_DIR = tmp_path

    with pytest.raises(ImproperlyConfigured, match="JWT_KEYS_DIR"):
        keys.ring(look_now=True)


# --- what is not accepted ------------------------------------------------------------------------
@pytest.mark.parametrize(("age", "expected"), [(899, (200, None)), (901, (401, "TOKEN_EXPIRED"))])
def test_an_access_token_lives_fifteen_minutes(session, age, expected):
    now = timezone.now()
    token = tokens.access_for(session, at=now)

    with time_machine.travel(now + timedelta(seconds=age), tick=False):
        assert bearer(token) == expected


def test_a_refresh_token_is_no_access_token(session):
    assert bearer(tokens.refresh_for(session)) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer a.b.c",
        "Bearer eyJhbGciOiJSUzI1NiJ9.e30.",
        "Bearer null",
        "Bearer " + "a" * 5000,
        "Bearer \u00e9\u00e9.\u00e9.\u00e9",
        "Basic dXNlcjpwYXNz",
        "Token abc",
        "abc",
    ],
)
def test_garbage_is_nobody(header):
    answer = Api({"Authorization": header}).get("/users/me")

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_schemes_name_has_no_case(session, at, scheme):
    token = tokens.access_for(session, at=at)

    assert Api({"Authorization": f"{scheme} {token}"}).get("/users/me").status_code == 200


def forged(session, at, **changes):
    """The claims of a good token with some changed; None takes a claim away."""
    claims = claims_of(tokens.access_for(session, at=at)) | changes
    return {name: value for name, value in claims.items() if value is not None}


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize("alg", ["none", "None", "NONE"])
@pytest.mark.parametrize("kid", [True, False])
def test_a_token_that_nobody_signed_is_refused(session, at, alg, kid):
    header = {"alg": alg, "typ": "JWT"} | ({"kid": keys.signing()[0]} if kid else {})
    unsigned = f"{part(header)}.{part(forged(session, at))}."

    assert bearer(unsigned) == (401, "UNAUTHENTICATED")
    assert bearer(unsigned + "AAAA") == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_the_public_key_is_no_shared_secret(session, at, encoding):
    """HS256 over the public key: the classic confusion of algorithms."""
    kid, key = keys.signing()
    public = key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    header, body = part({"alg": "HS256", "kid": kid}), part(forged(session, at))
    hs256 = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = hs256.sign(f"{header}.{body}".encode(), public)
    token = f"{header}.{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    assert bearer(token) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("kid", ["unknown", "", "../jwt/k1", "a\x00", None, 7, {"a": 1}])
def test_a_key_that_we_do_not_know_is_refused(session, at, kid):
    header = part({"alg": "RS256"} | ({} if kid is None else {"kid": kid}))
    body = part(forged(session, at))
    rs256 = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    signature = base64.urlsafe_b64encode(rs256.sign(f"{header}.{body}".encode(), KEYS[0]))

    assert bearer(f"{header}.{body}.{signature.decode().rstrip('=')}") == (401, "UNAUTHENTICATED")


def test_a_strangers_key_under_our_name_is_refused(session, at):
    kid = keys.signing()[0]
    token = jwt.encode(forged(session, at), KEYS[0], algorithm="RS256", headers={"kid": kid})

    assert bearer(token) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("algorithm", ["RS512", "PS256"])
def test_another_algorithm_of_our_own_key_is_refused(session, at, algorithm):
    kid, key = keys.signing()
    token = jwt.encode(forged(session, at), key, algorithm=algorithm, headers={"kid": kid})

    assert bearer(token) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("claim", ["exp", "sub", "sid", "jti", "type"])
def test_a_token_without_a_claim_is_refused(session, at, claim):
    token = tokens.RingBackend("RS256").encode(forged(session, at, **{claim: None}))

    assert bearer(token) == (401, "UNAUTHENTICATED")


def test_changed_claims_break_the_signature(session, at):
    header, _body, signature = tokens.access_for(session, at=at).split(".")
    raised = part(forged(session, at, role="superadmin"))

    assert bearer(f"{header}.{raised}.{signature}") == (401, "UNAUTHENTICATED")


def test_a_session_is_bound_to_its_person(session, at):
    other = UserFactory()
    token = tokens.RingBackend("RS256").encode(forged(session, at, sub=str(other.pk)))

    assert bearer(token) == (401, "UNAUTHENTICATED")


def test_a_session_that_never_was_is_refused(session, at):
    token = tokens.RingBackend("RS256").encode(forged(session, at, sid=str(uuid4())))

    assert bearer(token) == (401, "UNAUTHENTICATED")


def test_role_and_tier_of_the_token_decide_nothing(session, at):
    """Rights are read from the database: what the token says of them is for the app to show."""
    token = tokens.RingBackend("RS256").encode(
        forged(session, at, role="superadmin", status="inner_circle")
    )

    data = Api({"Authorization": f"Bearer {token}"}).get("/users/me").json()["data"]
    assert (data["role"], data["status"]["code"]) == ("business_staff", "vip")
