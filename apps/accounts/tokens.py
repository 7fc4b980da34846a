"""Access and refresh tokens: simplejwt signs and checks, our key ring names the key.

Claims are the contract's (api.md, Tokens). A token proves identity only; whether the session
lives and what the person may do is read from the database at every request.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import jwt
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken
from rest_framework_simplejwt.tokens import Token

from apps.accounts import keys, rules
from apps.accounts.models import Session


class _Verified:
    """Claims of tokens whose signature was checked, by digest of the token; a check costs as much
    as all else that is done to know who asks. Bounded, and empty after a change of the keys.
    """

    most = 20_000
    stamp: tuple[Any, ...] = ()
    claims: ClassVar[dict[bytes, dict[str, Any]]] = {}

    @classmethod
    def of(cls, digest: bytes) -> dict[str, Any] | None:
        stamp = keys.stamp()
        if stamp != cls.stamp or len(cls.claims) > cls.most:
            cls.claims, cls.stamp = {}, stamp
        return cls.claims.get(digest)


class RingBackend(TokenBackend):
    """Signs with the newest key and names it in `kid`; accepts every key of the ring."""

    def encode(self, payload: dict[str, Any]) -> str:
        kid, key = keys.signing()
        return jwt.encode(payload, key, algorithm="RS256", headers={"kid": kid})

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        raw = token if isinstance(token, bytes) else str(token).encode()
        digest = hashlib.sha256(raw).digest()
        known = _Verified.of(digest)
        if known is None:
            known = self._checked(token, verify=verify)
            if verify:
                _Verified.claims[digest] = known
        elif known["exp"] <= datetime.now(tz=UTC).timestamp():
            raise TokenBackendExpiredToken("expired")
        return dict(known)

    @staticmethod
    def _checked(token: Any, *, verify: bool) -> dict[str, Any]:
        try:
            kid = jwt.get_unverified_header(token).get("kid", "")
            key = keys.verifying(str(kid))
            if key is None:
                raise TokenBackendError("unknown key")
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                options={
                    "require": ["exp", "sub", "sid", "jti", "type"],
                    "verify_signature": verify,
                },
            )
        except jwt.ExpiredSignatureError as expired:
            raise TokenBackendExpiredToken("expired") from expired
        except jwt.InvalidTokenError as broken:
            raise TokenBackendError("invalid") from broken
        return claims


class RingToken(Token):
    _token_backend: ClassVar[RingBackend] = RingBackend("RS256")  # type: ignore[misc]

    @property
    def token_backend(self) -> RingBackend:
        return self._token_backend


class AccessToken(RingToken):
    token_type = "access"  # noqa: S105 - a word of the contract
    lifetime = timedelta(seconds=rules.ACCESS_LIFE)


class RefreshToken(RingToken):
    token_type = "refresh"  # noqa: S105 - a word of the contract
    lifetime = timedelta(seconds=rules.REFRESH_LIFE)


def access_for(session: Session, *, at: datetime) -> str:
    """A 15-minute access token of this session."""
    token = AccessToken()
    user = session.user
    token.set_exp(from_time=at)
    token.set_iat(at_time=at)
    token["sub"], token["sid"] = str(user.pk), str(session.pk)
    token["role"], token["status"] = user.role, user.tier.code
    return str(token)


def refresh_for(session: Session) -> str:
    """The session's current refresh token. Same session state, same text: a lost answer can be
    given again byte for byte."""
    token = RefreshToken()
    token.set_exp(from_time=session.rotated_at)
    del token.payload["iat"]  # the contract's refresh token has none
    token["sub"], token["sid"] = str(session.user_id), str(session.pk)
    token["jti"] = str(session.refresh_jti)
    return str(token)
