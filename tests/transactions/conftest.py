"""A cashier's client, a member with bonuses, and what was sent to phones."""

import pytest

from apps.core.gateways import sms
from tests.factories.transactions import sale


@pytest.fixture
def texts(monkeypatch):
    sent = []
    monkeypatch.setattr(sms, "post", lambda **message: sent.append(message))
    return sent


@pytest.fixture
def till(api, staff):
    return api.as_(staff)


@pytest.fixture
def rich(member, business):
    sale(member=member, business=business, amount="20000.00")  # 1000 bonuses
    return member
