"""Parts of the OpenAPI schema that every operation shares."""

from typing import Any

from apps.core.http.errors import STATUS

UUID_EXAMPLE = "0198c2f4-7c1e-7a42-b8a4-3f9d2c51e6aa"
META: dict[str, Any] = {
    "type": "object",
    "properties": {
        "timestamp": {"type": "string", "format": "date-time"},
        "requestId": {"type": "string", "format": "uuid"},
    },
    "required": ["timestamp", "requestId"],
}
PAGE_META = {
    "type": "object",
    "properties": META["properties"]
    | {
        "pagination": {
            "type": "object",
            "properties": {
                "nextCursor": {"type": "string", "nullable": True},
                "limit": {"type": "integer", "minimum": 1, "maximum": 100},
            },
            "required": ["nextCursor", "limit"],
        }
    },
    "required": ["timestamp", "requestId", "pagination"],
}
FAILURE = {
    "type": "object",
    "properties": {
        "success": {"type": "boolean", "enum": [False]},
        "error": {
            "type": "object",
            "properties": {
                "code": {"$ref": "#/components/schemas/ErrorCode"},
                "message": {"type": "string", "description": "In the caller's language"},
                "details": {
                    "type": "object",
                    "additionalProperties": {"type": "array", "items": {"type": "string"}},
                    "description": "Field → messages",
                },
            },
            "required": ["code", "message", "details"],
        },
        "meta": {"$ref": "#/components/schemas/Meta"},
    },
    "required": ["success", "error", "meta"],
}
# Said once for all: what any call may answer.
WORDS = {
    400: "The body is not JSON, or a header or cursor is broken",
    401: "No or bad credentials",
    403: "The caller's role, tier or block forbids it",
    404: "It does not exist, or the caller may not know that it does",
    409: "Well formed, but the state of things forbids it",
    412: "If-Match lost: somebody changed it meanwhile",
    413: "The body is over 1 MiB",
    415: "The body is not JSON",
    422: "Fields are wrong; details say which",
    429: "Too often",
    500: "A fault of ours; requestId finds it in the log",
    503: "A dependency is down; nothing was changed",
}
REQUEST_ID = {
    "description": "Names the request in logs and in meta",
    "schema": {"type": "string", "format": "uuid"},
}
RETRY_AFTER = {"description": "Seconds", "schema": {"type": "integer", "minimum": 1}}
ETAG = {"description": "Version of the content", "schema": {"type": "string"}}
REPLAYED = {
    "description": "`true`: the first answer again, nothing was done anew",
    "schema": {"type": "string", "enum": ["true"]},
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Same key and body: the first answer again. Keys live 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "example": UUID_EXAMPLE,
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "ETag of what the caller holds: 304 when it is still so",
    "schema": {"type": "string"},
}
LANGUAGE = {
    "name": "Accept-Language",
    "in": "header",
    "description": "Language of every message that a person reads: ru or en; another means ru",
    "schema": {"type": "string", "default": "ru", "example": "en"},
}
TAGS = {
    "auth": "Sign-in by a code sent to the phone; tokens that rotate",
    "users": "The caller herself: profile, devices, consents, messages, the first screen",
    "loyalty": "Bonuses, tiers, offers, holds, gifts, badges, invitations",
    "transactions": "Purchases, the till, returns",
    "businesses": "The catalogue; a partner's page, offers and staff",
    "coupons": "The wallet, redemption at the till, campaigns",
    "cross-promo": "Chains between partners and what they bring",
    "events": "Proposals, votes, seats, tickets, check-in",
    "analytics": "Figures for owners and admins",
    "admin": "People, partners, connections, the machine room",
    "webhooks": "Calls of outside systems; each proves itself",
}


def failure(status: int, codes: list[str]) -> dict[str, Any]:
    """The answer of one failing status, with the codes that this call can give."""
    shape = {
        "allOf": [
            {"$ref": "#/components/schemas/Failure"},
            {
                "type": "object",
                "properties": {
                    "error": {
                        "type": "object",
                        "properties": {"code": {"type": "string", "enum": codes}},
                    }
                },
            },
        ]
    }
    headers: dict[str, Any] = {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}}
    if status == 429 or "IDEMPOTENCY_IN_PROGRESS" in codes:
        retry: dict[str, Any] = {"$ref": "#/components/headers/Retry-After"}
        headers["Retry-After"] = retry
    example = {
        "success": False,
        "error": {"code": codes[0], "message": WORDS[status], "details": {}},
        "meta": {"timestamp": "2026-01-31T10:30:00Z", "requestId": UUID_EXAMPLE},
    }
    return {
        "codes": codes,
        "description": f"{WORDS[status]}: {', '.join(f'`{code}`' for code in codes)}",
        "headers": headers,
        "content": {"application/json": {"schema": shape, "example": example}},
    }


def success(data: dict[str, Any], *, paged: bool) -> dict[str, Any]:
    """The success envelope around the shape of `data`."""
    meta = "PageMeta" if paged else "Meta"
    return {
        "type": "object",
        "properties": {
            "success": {"type": "boolean", "enum": [True]},
            "data": data,
            "meta": {"$ref": f"#/components/schemas/{meta}"},
        },
        "required": ["success", "data", "meta"],
    }


def failure_name(codes: list[str]) -> str:
    """`FORBIDDEN`, `BLOCKED` → `ForbiddenOrBlocked`: calls with the same codes share an answer."""
    words = ("".join(part.capitalize() for part in code.split("_")) for code in codes)
    return "Or".join(words)


def components() -> dict[str, Any]:
    """What operations refer to by name."""
    return {
        "schemas": {
            "Meta": META,
            "PageMeta": PAGE_META,
            "Failure": FAILURE,
            "ErrorCode": {"type": "string", "enum": list(STATUS)},
        },
        "headers": {
            "X-Request-ID": REQUEST_ID,
            "Retry-After": RETRY_AFTER,
            "ETag": ETAG,
            "Idempotency-Replayed": REPLAYED,
        },
        "parameters": {"Accept-Language": LANGUAGE},
    }


# Property → what it looks like. Examples of whole bodies are composed from these by the viewers.
EXAMPLES: dict[str, Any] = {
    "phone": "+79161234567",
    "code": "482913",
    "codeId": UUID_EXAMPLE,
    "firstName": "Анна",
    "lastName": "Соколова",
    "email": "anna@example.org",
    "birthDate": "1990-05-17",
    "city": "Москва",
    "amount": "1234.50",
    "spend": "200.00",
    "reason": "Гостья пожаловалась на сервис",
    "cardToken": "004128731906442",
    "receiptNumber": "0001-000042",
    "refreshToken": "eyJhbGciOiJSUzI1NiIs…",
    "accessToken": "eyJhbGciOiJSUzI1NiIs…",
    "cashbackRate": "7.00",
}


# --- calls that no viewset serves ----------------------------------------------------------------
def _webhook(name: str, *, heard: dict[str, Any], codes: list[str], words: str) -> dict[str, Any]:
    from_codes: dict[str, list[str]] = {}
    for code in codes:
        from_codes.setdefault(str(STATUS[code]), []).append(code)
    return {
        "operationId": f"webhooks_{name}",
        "summary": words,
        "description": f"{words}.\n\nWho: an outside system; the body proves itself.",
        "tags": ["webhooks"],
        "parameters": [
            {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}
        ],
        "requestBody": {"content": {"application/json": {"schema": {}}}},
        "security": [{}],
        "responses": {"200": heard}
        | {status: failure(int(status), some) for status, some in from_codes.items()},
    }


HEARD = {"type": "object", "properties": {"received": {"type": "boolean"}}}
CRM_HEARD = {
    "description": "Heard; the object is read again in the background",
    "content": {"application/json": {"schema": success(HEARD, paged=False)}},
}
MESSAGE_HEARD = {
    "description": "Heard",
    "content": {"text/plain": {"schema": {"type": "string", "enum": ["100"]}}},
}
COMMON = ["MALFORMED", "UNAUTHENTICATED", "NOT_FOUND", "TOO_LARGE"]


def webhooks() -> dict[str, Any]:
    """The two addresses outside of `/api/v1`."""
    crm = _webhook(
        "integrationKey",
        heard=CRM_HEARD,
        codes=[*COMMON, "UNSUPPORTED_MEDIA", "RATE_LIMITED", "INTERNAL", "UNAVAILABLE"],
        words="A partner's CRM tells that something changed",
    )
    messages = _webhook(
        "provider",
        heard=MESSAGE_HEARD,
        codes=[*COMMON, "INTERNAL", "UNAVAILABLE"],
        words="A provider tells what became of a message",
    )
    return {
        "/webhooks/crm/{integrationKey}": {"post": crm},
        "/webhooks/messages/{provider}": {"post": messages},
    }
