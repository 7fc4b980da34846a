"""A small client for the REST API: JSON in, envelope out, somebody signed in or not."""

import uuid
from typing import Any

from django.test import Client
from django.utils import timezone

from apps.accounts import tokens
from apps.accounts.models import Session, User

BASE = "/api/v1"


class Api:
    """`api.as_(user).post("/transactions", {...}, key="k")` answers a Django response."""

    def __init__(self, headers: dict[str, str] | None = None) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = headers or {}
        self.session: Session | None = None

    def as_(self, user: User) -> "Api":
        signed_in = Api(dict(self.headers))
        signed_in.session = Session.objects.create(user=user, device_name="test")
        token = tokens.access_for(signed_in.session, at=timezone.now())
        signed_in.headers["Authorization"] = f"Bearer {token}"
        return signed_in

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> Any:
        return self.client.get(BASE + path, query or {}, headers=self.headers | headers)

    def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        extra = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self.client.post(
            BASE + path,
            body if body is not None else {},
            content_type="application/json",
            headers=self.headers | extra | headers,
        )

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.client.patch(
            BASE + path, body, content_type="application/json", headers=self.headers | headers
        )
