"""The three simulated providers over HTTP, and short ways to say what happens."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts import services as accounts
from apps.accounts.enums import ConsentPurpose
from apps.core.gateways import messages
from apps.core.gateways.messages import fcm, http
from apps.notifications import services
from apps.notifications.drafts import Draft
from apps.notifications.enums import Priority
from apps.notifications.simulator.environment import service_account
from apps.notifications.simulator.sendgrid import public_key
from apps.notifications.simulator.server import Simulator
from apps.notifications.simulator.state import State
from tests.serving import serving

GATEWAYS = "apps.core.gateways.messages"


@pytest.fixture(scope="session")
def _account(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("fcm") / "account.json"
    path.write_text(json.dumps(service_account("http://127.0.0.1:1")))
    return path


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with serving(Simulator()) as server:
        yield server


@pytest.fixture
def world(simulator: Simulator, settings: Any, _account: Any) -> Iterator[State]:
    """What the providers were told, and their switches; messages really go over HTTP."""
    settings.MESSAGE_PROVIDERS = {
        "push": f"{GATEWAYS}.fcm.Fcm",
        "sms": f"{GATEWAYS}.smsru.SmsRu",
        "email": f"{GATEWAYS}.sendgrid.SendGrid",
    }
    settings.SMSRU_URL = settings.FCM_URL = settings.SENDGRID_URL = simulator.url
    settings.SMSRU_API_ID = simulator.state.api_id
    settings.FCM_TOKEN_URL = f"{simulator.url}/token"
    settings.FCM_SERVICE_ACCOUNT = str(_account)
    settings.SENDGRID_API_KEY = "SG.test"
    settings.SENDGRID_WEBHOOK_KEY = public_key()
    settings.QUIET_HOURS = ""
    messages._made.cache_clear()
    fcm._account.cache_clear()
    yield simulator.state
    http.client().close()
    http.client.cache_clear()


def write(kind: str, *members: Any, source: str = "s", business: Any = None, **values: Any) -> int:
    drafts = [
        Draft(kind, str(one.pk), values, str(business.pk) if business else None) for one in members
    ]
    return services.write(drafts=drafts, source=source, at=timezone.now())


def deliver_all(rounds: int = 10) -> None:
    """Send whatever is due now, until nothing is."""
    for _ in range(rounds):
        more = [services.deliver(priority=one, seconds=20) for one in Priority]
        if not any(more):
            return


def agree(member: Any, *channels: str, given: bool = True) -> None:
    """She says yes (or no) to advertising on these channels."""
    answers = {ConsentPurpose(f"marketing_{one}"): accounts.Answer(given=given) for one in channels}
    accounts.answer_consents(member=member, answers=answers, at=timezone.now(), proof="session:1")
