"""Firebase: the token server and `messages:send`, with the errors of its reference."""

from typing import Any

from apps.notifications.simulator.state import State

ERRORS = {
    "UNREGISTERED": (404, "NOT_FOUND"),
    "SENDER_ID_MISMATCH": (403, "PERMISSION_DENIED"),
    "INVALID_ARGUMENT": (400, "INVALID_ARGUMENT"),
    "QUOTA_EXCEEDED": (429, "RESOURCE_EXHAUSTED"),
    "UNAVAILABLE": (503, "UNAVAILABLE"),
    "INTERNAL": (500, "INTERNAL"),
    "THIRD_PARTY_AUTH_ERROR": (401, "UNAUTHENTICATED"),
}
RESERVED = ("from", "message_type")
Answer = tuple[int, dict[str, Any], dict[str, str]]


def token(form: dict[str, str]) -> Answer:
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    if form.get("grant_type") != grant or form.get("assertion", "").count(".") != 2:
        return 400, {"error": "invalid_grant", "error_description": "Invalid JWT"}, {}
    return 200, {"access_token": "ya29.sim", "expires_in": 3599, "token_type": "Bearer"}, {}


def send(state: State, project: str, body: dict[str, Any], bearer: str) -> Answer:
    if bearer != "Bearer ya29.sim" or _has_ended(state):
        return _error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
    message = body.get("message", {})
    wrong = _fault(message)
    if wrong:
        detail = {"@type": "type.googleapis.com/google.rpc.BadRequest"}
        return _error(400, "INVALID_ARGUMENT", wrong, detail)
    known = state.switches["fcm_tokens"].get(message.get("token") or message.get("fid"))
    if known:
        return _refusal(state, known)
    if not body.get("validate_only"):
        state.take("fcm", message)
    return 200, {"name": f"projects/{project}/messages/0:{state.next_number()}%sim"}, {}


def _has_ended(state: State) -> bool:
    with state.lock:
        if state.switches["fcm_expired"] <= 0:
            return False
        state.switches["fcm_expired"] -= 1
        return True


def _fault(message: dict[str, Any]) -> str:
    targets = [name for name in ("token", "topic", "condition", "fid") if message.get(name)]
    data = message.get("data", {})
    if len(targets) != 1:
        return "Exactly one of token, topic, condition is required."
    if not all(isinstance(value, str) for value in data.values()):
        return "Invalid value at 'message.data'."
    if any(name in RESERVED or name.startswith(("google.", "gcm.")) for name in data):
        return "Invalid data payload key."
    return ""


def _refusal(state: State, word: str) -> Answer:
    code, _colon, sense = word.partition(":")
    http, status = ERRORS[code]
    extra = {"Retry-After": state.switches["fcm_retry_after"]}
    headers = extra if extra["Retry-After"] else {}
    detail = {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}
    said = "The registration token is not a valid FCM registration token"
    if sense:
        more = {"@type": "type.googleapis.com/google.rpc.BadRequest"}
        return _error(http, status, "Message too big", detail, more, headers=headers)
    return _error(http, status, said, detail, headers=headers)


def _error(
    http: int, status: str, said: str, *details: dict[str, Any], headers: Any = None
) -> Answer:
    error = {"code": http, "message": said, "status": status, "details": list(details)}
    return http, {"error": error}, headers or {}
