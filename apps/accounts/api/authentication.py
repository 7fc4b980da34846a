"""Bearer tokens. Session, block, tier and job are read at every request in one statement."""

from typing import Any

import structlog
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError

from apps.accounts import queries, services
from apps.accounts.models import Session, User
from apps.accounts.services import Blocked, TokenExpired, TokenRefused
from apps.accounts.tokens import AccessToken
from apps.core import context


class TokenMissing(TokenRefused):
    message = _("Please sign in.")


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`; `request.auth` is the live session."""

    def authenticate(self, request: Any) -> tuple[User, Session] | None:
        scheme, _space, raw = get_authorization_header(request).partition(b" ")
        if not scheme:
            return None
        if scheme.lower() != b"bearer" or not raw:
            raise TokenMissing
        try:
            token = AccessToken(raw)
        except ExpiredTokenError as expired:
            raise TokenExpired from expired
        except TokenError as broken:
            raise TokenRefused from broken
        ask = getattr(request.parser_context["view"], "along", None)  # a plain view has none
        session = queries.session_of_token(token["sid"], along=ask(request) if ask else None)
        if session is None or str(session.user_id) != token["sub"]:
            raise TokenRefused
        if session.user.blocked_at:  # before the next line: blocking ended her sessions
            raise Blocked
        if session.revoked_at:
            raise TokenRefused
        services.note_seen(session=session, at=timezone.now())
        who = context.caller()
        context.bind(context.Caller(who.request_id, str(session.pk), who.address))
        structlog.contextvars.bind_contextvars(caller=str(session.user_id))
        return session.user, session

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
