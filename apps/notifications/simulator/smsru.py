"""SMS.ru as its pages and recorded exchanges show it: HTTP 200 always, loose types, plain `json=1`."""

import re
from typing import Any

from apps.notifications.simulator.state import State

NUMBER = re.compile(r"(?:to|multi)\[(\+?\d+)\]")
TEXTS = {200: "Неправильный api_id", 201: "Не хватает средств", 202: "Неправильно указан номер"}


def answer(state: State, path: str, form: dict[str, str]) -> dict[str, Any]:
    if form.get("api_id") != state.api_id:
        return _error(200)
    if state.switches["smsru_all"]:
        return _error(state.switches["smsru_all"])
    known = {
        "/sms/send": _send,
        "/sms/status": _status,
        "/sms/cost": _cost,
        "/my/balance": _balance,
        "/my/limit": lambda *_: {"total_limit": "10", "used_today": 0},
        "/my/free": lambda *_: {"total_free": 5, "used_today": None},
        "/my/senders": lambda *_: {"senders": ["SvoyKrug"]},
        "/auth/check": lambda *_: {},
        "/callback/add": _callback_add,
        "/callback/del": _callback_del,
        "/callback/get": lambda state, _form: {"callback": state.callbacks},
    }
    if path not in known:
        return _error(210)
    found = known[path](state, form)
    return found if "status" in found else {"status": "OK", "status_code": 100} | found


def _error(code: int) -> dict[str, Any]:
    return {"status": "ERROR", "status_code": code, "status_text": TEXTS.get(code, "Ошибка")}


def _messages(form: dict[str, str]) -> list[tuple[str, str]]:
    """(digits, text) of both notations."""
    one_by_one = [(m[1], text) for name, text in form.items() if (m := NUMBER.fullmatch(name))]
    text = form.get("msg") or form.get("text") or ""
    together = [(number, text) for number in form.get("to", "").split(",") if number.strip()]
    return [(_digits(number), said) for number, said in one_by_one + together]


def _digits(number: str) -> str:
    digits = re.sub(r"\D", "", number)
    if len(digits) == 10:
        return "7" + digits
    return "7" + digits[1:] if len(digits) == 11 and digits[0] == "8" else digits


def _send(state: State, form: dict[str, str]) -> dict[str, Any]:
    messages = _messages(form)
    if len(messages) > 100:
        return _error(213)
    rows: dict[str, Any] = {}
    for digits, text in messages:
        code = state.switches["smsru_numbers"].get(digits) or (100 if text else 203)
        if len(digits) != 11:
            code = 202
        if code != 100:
            rows[digits] = _error(code)
            continue
        sms_id = f"202640-{state.next_number()}"
        state.statuses[sms_id] = 102
        state.take("smsru", {"phone": digits, "text": text, "id": sms_id, "test": "test" in form})
        rows[digits] = {"status": "OK", "status_code": 100, "sms_id": sms_id}
    return {"sms": rows, "balance": float(state.switches["balance"])}


def _status(state: State, form: dict[str, str]) -> dict[str, Any]:
    rows = {}
    for sms_id in form.get("sms_id", "").split(",")[:100]:
        code = state.statuses.get(sms_id, -1)
        ok = "ERROR" if code == -1 else "OK"
        rows[sms_id] = {"status": ok, "status_code": code, "cost": "6.50", "status_text": ""}
    return {"sms": rows, "balance": state.switches["balance"]}


def _cost(state: State, form: dict[str, str]) -> dict[str, Any]:
    rows = {
        digits: {"status": "OK", "status_code": 100, "cost": 6.5, "sms": 1}
        for digits, _text in _messages(form)
    }
    return {"sms": rows, "total_cost": 6.5 * len(rows), "total_sms": len(rows)}


def _balance(state: State, form: dict[str, str]) -> dict[str, Any]:
    return {"balance": state.switches["balance"]}


def _callback_add(state: State, form: dict[str, str]) -> dict[str, Any]:
    url = form.get("url", "")
    if not url.startswith("http"):
        return _error(901)
    state.callbacks.append(url)
    return {"callback": state.callbacks}


def _callback_del(state: State, form: dict[str, str]) -> dict[str, Any]:
    if form.get("url") not in state.callbacks:
        return _error(902)
    state.callbacks.remove(form["url"])
    return {"callback": state.callbacks}
