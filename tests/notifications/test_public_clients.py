"""Clients that others wrote for the real providers understand our simulator: what it answers is
what they expect."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from apps.notifications.simulator.environment import service_account

PYTHON = Path(settings.BASE_DIR) / ".venv-clients" / "bin" / "python"
PROGRAMS = Path(__file__).parent / "clients"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON.exists(), reason="NO PUBLIC CLIENTS RAN: no .venv-clients here (make clients)"
    ),
]


def ask(name: str, **given: object) -> dict[str, Any]:
    """What the client understood of the simulator."""
    done = subprocess.run(
        [str(PYTHON), str(PROGRAMS / f"{name}.py")],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_smsru_api_sends_asks_and_reads_the_account(simulator):
    simulator.state.switches["smsru_numbers"] = {"79161230002": 209}

    told = ask("smsru", url=simulator.url, api_id=simulator.state.api_id)

    assert told == {
        "sent": {"79161230001": 100, "79161230002": 209},
        "state": 102,
        "balance": "4122.56",
        "limit": "10",
        "senders": ["SvoyKrug"],
    }
    texts = {one["phone"]: one["text"] for one in simulator.state.taken["smsru"]}
    assert texts == {
        "79161230001": "Здравствуйте",
        "79161230003": "Один",
        "79161230004": "Два",
    }


def test_smsc_sends_calls_and_reads_the_account(simulator):
    told = ask("smsc", url=simulator.url, api_id=simulator.state.api_id)

    assert told == {
        "sms": [1, 3.0, None],
        "call": [1, False, None],
        "short": 7,
        "stranger": 2,
        "balance": 4122.56,
    }
    taken = [(one["phone"], one["kind"], one["text"]) for one in simulator.state.taken["smsc"]]
    assert taken == [
        ("79161230001", "sms", "Здравствуйте"),
        ("79161230002", "call", "Код 1, 2, 3"),
    ]


def test_firebase_admin_sends_and_knows_our_errors(simulator):
    refusals = {
        "gone": "UNREGISTERED",
        "foreign": "SENDER_ID_MISMATCH",
        "busy": "QUOTA_EXCEEDED",
        "wrong": "INVALID_ARGUMENT",
        "apns": "THIRD_PARTY_AUTH_ERROR",
    }
    simulator.state.switches["fcm_tokens"] = refusals
    data = {"id": "1", "kind": "gift_received"}

    told = ask(
        "firebase",
        url=simulator.url,
        account=service_account(simulator.url),
        tokens=["good", *refusals],
        data=data,
    )

    assert told.pop("good").startswith("projects/svoy-krug-demo/messages/0:")
    assert told == {
        "gone": "UnregisteredError",
        "foreign": "SenderIdMismatchError",
        "busy": "QuotaExceededError",
        "wrong": "InvalidArgumentError",
        "apns": "ThirdPartyAuthError",
    }
    assert simulator.state.taken["fcm"] == [{"token": "good", "data": data}]
