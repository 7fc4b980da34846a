"""The single-use refresh token of amoCRM: two workers, and a crash between use and save."""

import time
from typing import Any

import pytest

from apps.crm import services
from apps.crm.adapters import Place
from apps.crm.adapters.amocrm import AmocrmAdapter
from apps.crm.enums import Trigger
from apps.crm.models import CRMIntegration
from apps.crm.services.credentials import CREDENTIALS, StoredRotation, StoredTokens, open_json
from tests.crm.world import Stand
from tests.threads import race

DAY = 86400


def adapter_of(row: CRMIntegration) -> AmocrmAdapter:
    credentials = open_json(row.credentials_sealed, place=CREDENTIALS, owner=row.pk)
    return AmocrmAdapter(
        Place(
            base_url=row.base_url,
            credentials=credentials,
            options=row.options,
            tokens=StoredTokens(row.pk),
        )
    )


def age(row: CRMIntegration, left: float) -> dict[str, Any]:
    """Make the kept access token end in `left` seconds."""
    store = StoredTokens(row.pk)
    tokens = store.read() | {"expires_at": time.time() + left}
    store.write(tokens)
    return tokens


@pytest.mark.django_db
def test_pair_is_renewed_hours_before_its_end(stand: Stand) -> None:
    row = stand.connect("amocrm")
    before = age(row, 3600)

    with adapter_of(row) as adapter:
        adapter.sign_in()

    after = StoredTokens(row.pk).read()
    assert after["refresh_token"] != before["refresh_token"]
    assert before["refresh_token"] in stand.system("amocrm").tokens()["spent"]


@pytest.mark.django_db
def test_crash_between_use_and_save_stops_no_sales(stand: Stand, monkeypatch) -> None:
    row = stand.connect("amocrm")
    [guest] = stand.members(1)
    stand.world.sell("amocrm", guest, "5000")
    age(row, 3600)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt("kill -9")

    monkeypatch.setattr(StoredRotation, "finish", crash)
    with adapter_of(row) as adapter, pytest.raises(KeyboardInterrupt):
        adapter.sign_in()
    monkeypatch.undo()
    # The pair is spent there and unknown here; the access token has an hour left.
    run = services.run_sync(row.pk, trigger=Trigger.SCHEDULE)
    row.refresh_from_db()
    assert (run.state, run.applied) == ("done", 1)
    assert row.reconnect_by is not None

    age(row, -1)
    run = services.run_sync(row.pk, trigger=Trigger.SCHEDULE)
    assert run.trouble == "auth"
    stand.system("amocrm").tokens()["code"] = "fresh-code"
    fresh = {"code": "fresh-code", "refresh_token": stand.system("amocrm").tokens()["refresh"]}
    services.connect(business=row.business, system="amocrm", by=None, credentials=fresh)
    services.test_connection(integration=row, by=None)

    run = services.run_sync(row.pk, trigger=Trigger.SCHEDULE)
    row.refresh_from_db()
    assert (run.state, row.state, row.reconnect_by) == ("done", "active", None)


@pytest.mark.django_db
def test_silence_during_renewal_is_tried_once_more(stand: Stand) -> None:
    """The request was lost before it arrived: the old pair is still good."""
    row = stand.connect("amocrm")
    age(row, 3600)
    stand.system("amocrm").faults.plan("drop")
    with adapter_of(row) as adapter:
        adapter.sign_in()  # by the living access token
    assert CRMIntegration.objects.get(pk=row.pk).refresh_digest != ""

    with adapter_of(row) as adapter:
        adapter.sign_in()

    row.refresh_from_db()
    assert (row.refresh_digest, row.reconnect_by) == ("", None)


@pytest.mark.django_db(transaction=True)
def test_two_workers_spend_the_token_once(stand: Stand) -> None:
    row = stand.connect("amocrm")
    age(row, 60)
    before = len(stand.system("amocrm").tokens()["spent"])

    def work(_n: int) -> str:
        with adapter_of(row) as adapter:
            adapter.sign_in()
            return adapter.wire.access_token()

    outcomes = race(4, work)

    assert not any(isinstance(one, Exception) for one in outcomes), outcomes
    assert len(set(outcomes)) == 1
    assert len(stand.system("amocrm").tokens()["spent"]) == before + 1


@pytest.mark.django_db
def test_credentials_are_sealed_and_never_answered(stand: Stand, api) -> None:
    row = stand.connect("amocrm")
    from tests.factories.accounts import UserFactory  # noqa: PLC0415

    answer = api.as_(UserFactory(job="admin")).get("/admin/integrations")

    text = answer.content.decode()
    secrets = open_json(row.credentials_sealed, place=CREDENTIALS, owner=row.pk)
    tokens = StoredTokens(row.pk).read()
    assert answer.status_code == 200
    for value in [*secrets.values(), tokens["access_token"], tokens["refresh_token"]]:
        assert value not in text
        assert value not in row.credentials_sealed
        assert value not in row.tokens_sealed


@pytest.mark.django_db
def test_wrong_account_is_not_read(stand: Stand) -> None:
    row = stand.connect("amocrm")
    services.connect(business=row.business, system="amocrm", by=None, options={"account_id": "999"})

    steps = services.test_connection(integration=CRMIntegration.objects.get(pk=row.pk), by=None)

    assert (steps[-1].name, steps[-1].trouble) == ("sign_in", "rights")
