"""SMSC.ru as its pages and a public client show it: `fmt=3` answers JSON, HTTP 200 always; `call=1`
reads the text out; `cost=2` tells the price, too."""

import re
from typing import Any

from apps.notifications.simulator.state import State

ERRORS = {
    1: "parameters error",
    2: "authorise error",
    3: "no money",
    4: "ip blocked",
    6: "message is denied",
    7: "invalid phone",
    8: "can't to deliver",
    9: "duplicate request, wait a minute",
}


def answer(state: State, path: str, form: dict[str, str]) -> dict[str, Any]:
    by_password = form.get("login") == "demo" and form.get("psw") == state.api_id
    if not by_password and form.get("apikey") != state.api_id:
        return _error(2)
    if path == "/sys/balance.php":
        return {"balance": state.switches["balance"]}
    numbers = [re.sub(r"\D", "", one) for one in re.split("[,;]", form.get("phones", ""))]
    if path != "/sys/send.php" or not form.get("mes") or not any(numbers):
        return _error(1)
    kind = "call" if form.get("call") == "1" else "sms"
    refusal = state.switches["smsc"].get(kind, 0)
    if refusal or any(len(number) != 11 for number in numbers):
        return _error(refusal or 7)
    number = state.next_number()
    for digits in numbers:
        state.take("smsc", {"phone": digits, "text": form["mes"], "id": number, "kind": kind})
    price = {"cost": f"{3 * len(numbers)}"} if form.get("cost") == "2" else {}
    return {"id": number, "cnt": len(numbers)} | price


def _error(code: int) -> dict[str, Any]:
    return {"error": ERRORS[code], "error_code": code}
