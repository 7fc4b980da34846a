"""A connection is made, tested step by step, switched off and on, and asked for; by whom."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from apps.core.errors import Forbidden, NotFound
from apps.core.models import AuditEntry
from apps.crm import queries, services
from apps.crm.adapters.yclients import YclientsAdapter
from apps.crm.enums import State, Trigger
from apps.crm.models import CRMIntegration, SyncRun
from apps.crm.net import Client as Line
from apps.crm.net.guard import Target
from apps.crm.services import connections
from apps.crm.services.credentials import CREDENTIALS, StoredTokens, open_json
from apps.crm.simulator.server import Reply
from apps.transactions.models import Transaction
from tests.crm.test_amocrm_tokens import adapter_of, age
from tests.crm.world import Stand
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of

pytestmark = pytest.mark.django_db
KEYS = {"partner_token": "pt_1234567890ab", "login": "bot", "password": "secret"}


def connect(business: Any, by: Any, **changed: Any) -> CRMIntegration:
    given = {"system": "yclients", "credentials": KEYS, "options": {"company_id": "4564"}}
    return services.connect(business=business, by=by, **given | changed)


# --- who may connect what ------------------------------------------------------------------------
def test_an_owner_connects_her_own_business_to_the_vendors_address_only(business: Any) -> None:
    owner = staff_of(business, role="business_owner")
    cashier = staff_of(business)

    row = connect(business, owner)

    assert (row.base_url, row.state) == ("https://api.yclients.ru", State.DRAFT)
    assert row.credentials_hint == "90ab"
    with pytest.raises(connections.AddressForeign):
        connect(business, owner, base_url="https://crm.partner.example")
    for stranger in (cashier, staff_of(BusinessFactory(), role="business_owner")):
        with pytest.raises(NotFound):
            connect(business, stranger)
    row.refresh_from_db()
    assert row.base_url == "https://api.yclients.ru"


def test_a_chief_sets_the_partners_own_server_and_goes_back(business: Any) -> None:
    chief = UserFactory(job="superadmin")

    row = connect(business, chief, base_url="https://crm.partner.example/")
    assert (row.base_url, row.free_address) == ("https://crm.partner.example", True)

    row = connect(business, chief, base_url="https://api.yclients.com")
    assert (row.base_url, row.free_address) == ("https://api.yclients.com", False)


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"system": "excel"}, "Выберите систему из списка."),
        ({"options": {}}, "Системе нужны настройки: company_id."),
        ({"options": {"company_id": "1", "note": "x" * 4000}}, "Настройки слишком длинные."),
    ],
)
def test_what_a_connection_wants(business: Any, changed: dict[str, Any], refusal: str) -> None:
    with pytest.raises(services.connections.Invalid) as refused:
        connect(business, None, **changed)

    assert refusal in str(refused.value)
    assert not CRMIntegration.objects.exists()


def test_what_is_not_given_stays(business: Any) -> None:
    connect(business, None, poll_minutes=30, writes_back=True)

    row = connect(business, None, credentials={"password": "another"}, options=None)

    kept = open_json(row.credentials_sealed, place=CREDENTIALS, owner=row.pk)
    assert kept == KEYS | {"password": "another"}
    assert (row.poll_minutes, row.writes_back, row.credentials_hint) == (30, True, "")
    assert CRMIntegration.objects.count() == 1


def test_only_those_who_may_change_how_often_a_system_is_asked(salon: CRMIntegration) -> None:
    owner = staff_of(salon.business, role="business_owner")

    with pytest.raises(Forbidden):
        services.change_poll(
            integration=salon, changes={"poll_minutes": 1}, by=owner, reason="Хочу чаще"
        )

    salon.refresh_from_db()
    assert salon.poll_minutes == 5


# --- the line ------------------------------------------------------------------------------------
@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[Target]:
    """A port of loopback that is taken for an https server of a vendor."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            line, _from = server.accept()
            with line:
                answer(line)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Target("https", "localhost", port, "127.0.0.1")
        thread.join(2)


@pytest.fixture
def foreign(tmp_path: Path) -> ssl.SSLContext:
    """A server whose certificate nobody signed."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    subject = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(subject, critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    plain = serialization.NoEncryption()
    shape = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*shape, plain)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def line_of(
    row: CRMIntegration, target: Target, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str]:
    """The last step of a test at this target, and its trouble."""
    monkeypatch.setattr(Line, "target", lambda self: target)
    steps = services.test_connection(integration=row, by=None)
    row.refresh_from_db()
    assert row.trouble == steps[-1].trouble
    return steps[-1].name, steps[-1].trouble


def test_certificate_that_nobody_signed(
    salon: CRMIntegration, foreign: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def greet(line: socket.socket) -> None:
        with pytest.raises(ssl.SSLError):
            foreign.wrap_socket(line, server_side=True)

    with answering(greet) as target:
        assert line_of(salon, target, monkeypatch) == ("line", "tls")
    assert salon.state == State.ACTIVE  # a test that fails stops nothing


def test_certificate_that_is_trusted(
    salon: CRMIntegration, foreign: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hasty = replace(YclientsAdapter.policy, attempts=1)
    monkeypatch.setattr(YclientsAdapter, "policy", hasty)
    monkeypatch.setattr("apps.crm.net.client.CONNECT_SECONDS", 0.1)
    known = ssl.create_default_context(cafile=str(tmp_path / "server.pem"))
    monkeypatch.setattr(connections, "trusted", lambda: known)

    with answering(lambda line: foreign.wrap_socket(line, server_side=True).close()) as target:
        assert line_of(salon, target, monkeypatch)[0] == "sign_in"


def test_nobody_listens_or_says_a_word(
    salon: CRMIntegration, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()
    monkeypatch.setattr(connections, "CONNECT_SECONDS", 0.2)
    with answering(lambda line: done.wait(2) and None) as target:
        assert line_of(salon, target, monkeypatch) == ("line", "timeout")
        done.set()
    closed = Target("https", "localhost", target.port, "127.0.0.1")
    assert line_of(salon, closed, monkeypatch) == ("line", "network")


# --- on and off ----------------------------------------------------------------------------------
def press(owner: Client, row: CRMIntegration, action: str) -> str:
    where = f"/biz/{row.business.slug}/crm/"
    answer = owner.post(where, {"action": action, "system": row.system}, follow=True, secure=True)
    row.refresh_from_db()
    return " ".join(answer.content.decode().split())


def asked_by_clock(row: CRMIntegration) -> bool:
    return PeriodicTask.objects.get(name=connections.schedule_name(row)).enabled


def test_owner_switches_off_and_on_and_sales_of_between_come(
    stand: Stand, salon: CRMIntegration, owner: Client
) -> None:
    [guest] = stand.members(1)
    said = press(owner, salon, "off")
    assert "Выключено" in said
    assert (salon.state, asked_by_clock(salon)) == (State.OFF, False)
    stand.world.sell("yclients", guest, "1500")
    resting = services.run_sync(salon.pk, trigger=Trigger.SCHEDULE, force=False)
    assert (resting.trouble, SyncRun.objects.count()) == ("paused", 0)
    assert services.sync_transactions(salon.business_id, timezone.now() - timedelta(days=9)) == 0

    press(owner, salon, "on")

    assert (salon.state, asked_by_clock(salon)) == (State.ACTIVE, True)
    press(owner, salon, "sync")
    assert Transaction.objects.get().amount == 1500
    actions = AuditEntry.objects.filter(object_id=str(salon.pk)).values_list("action", flat=True)
    assert {"crm.off", "crm.on", "crm.retry_now"} <= set(actions)


def test_what_was_never_tested_is_not_switched_on(owner: Client, salon: CRMIntegration) -> None:
    """Whatever is sent: neither a draft nor what a wrong key has stopped is asked by the clock."""
    for state in (State.DRAFT, State.STOPPED):
        CRMIntegration.objects.filter(pk=salon.pk).update(state=state)
        press(owner, salon, "on")
        assert salon.state == state
    CRMIntegration.objects.filter(pk=salon.pk).update(state=State.DRAFT)
    press(owner, salon, "off")
    assert salon.state == State.DRAFT


def test_others_press_nothing(salon: CRMIntegration) -> None:
    stranger, now = staff_of(BusinessFactory(), role="business_owner"), timezone.now()
    for act in (services.switch_off, services.switch_on, services.test_connection):
        with pytest.raises(NotFound):
            act(integration=salon, by=stranger)
    with pytest.raises(NotFound):
        services.retry_now(integration=salon, by=stranger, at=now)
    with pytest.raises(NotFound):
        services.start_backfill(
            integration=salon, since=now - timedelta(days=1), by=stranger, at=now
        )
    salon.refresh_from_db()
    assert salon.state == State.ACTIVE


def test_owner_sees_the_steps_of_a_test(stand: Stand, salon: CRMIntegration, owner: Client) -> None:
    stand.system("yclients").faults.chances = {"forbidden": 1.0}
    shown = press(owner, salon, "test")
    assert "Подключение пока не работает" in shown
    assert "у ключа не хватает прав" in shown
    stand.system("yclients").faults.calm()
    assert "Подключение работает." in press(owner, salon, "test")


# --- over the API --------------------------------------------------------------------------------
def test_an_admin_asks_one_system_or_all_of_a_partner(stand: Stand, api: Any) -> None:
    row = stand.connect("yclients")
    given = stand.server.describe()["onec"]
    other = services.connect(
        business=row.business, system="onec", by=None, base_url=given["baseUrl"],
        credentials=given["credentials"], options=given["options"],
    )  # fmt: skip
    services.test_connection(integration=other, by=None)
    [guest] = stand.members(1)
    for name in ("yclients", "onec"):
        stand.world.sell(name, guest, "500", datetime.now(UTC) - timedelta(days=50))
    admin = api.as_(UserFactory(job="admin"))
    where = f"/admin/integrations/{row.business_id}/sync"

    one = admin.post(where, {"system": "onec", "since": "2020-01-01T00:00:00Z"})
    assert one.status_code == 202
    assert one.json()["data"]["started"] == [str(other.pk)]
    assert SyncRun.objects.get().integration == other
    both = admin.post(where, {"since": "2020-01-01T00:00:00Z"})
    assert sorted(both.json()["data"]["started"]) == sorted([str(row.pk), str(other.pk)])
    assert Transaction.objects.count() == 2
    assert admin.post(f"/admin/integrations/{other.pk}/sync", {}).status_code == 404


def test_state_of_connections_as_an_admin_sees_it(stand: Stand, salon: CRMIntegration) -> None:
    now = timezone.now()
    CRMIntegration.objects.filter(pk=salon.pk).update(
        last_success_at=now - timedelta(minutes=7), paused_until=now + timedelta(minutes=5)
    )
    stand.world.sell("yclients", stand.world.add_guest("+79165550001"), "100")
    stand.world.sell("yclients", stand.world.add_guest(""), "100")
    services.run_sync(salon.pk, trigger=Trigger.HAND)
    CRMIntegration.objects.filter(pk=salon.pk).update(
        last_success_at=now - timedelta(minutes=7), paused_until=now + timedelta(minutes=5)
    )
    fresh = connect(BusinessFactory(), None)
    rows = {row.pk: row for row in queries.connections()}

    found, draft = queries.described([rows[salon.pk], rows[fresh.pk]], at=now)

    assert (found.lag_seconds, found.unclaimed, found.aside) == (420, 1, {"no_phone": 1})
    assert found.paused_until == now + timedelta(minutes=5)
    assert (draft.lag_seconds, draft.paused_until, draft.figures.received) == (None, None, 0)


# --- amoCRM: the first key, and one that is refused ----------------------------------------------
def clinic(stand: Stand, keys: dict[str, str]) -> tuple[CRMIntegration, str]:
    """A connection with these keys alone, and what the test says of signing in."""
    given = stand.server.describe()["amocrm"]
    common = {name: given["credentials"][name] for name in ("client_id", "client_secret")}
    row = services.connect(
        business=BusinessFactory(category="dental"), system="amocrm", by=None,
        base_url=given["baseUrl"], credentials=common | keys, options=given["options"],
    )  # fmt: skip
    steps = services.test_connection(integration=row, by=None)
    return row, steps[-1].trouble


def test_code_of_an_installation_is_changed_for_a_pair_once(stand: Stand) -> None:
    tokens = stand.system("amocrm").tokens()
    tokens["code"] = "code-of-the-installation"

    row, trouble = clinic(stand, {"code": "code-of-the-installation"})

    assert (trouble, row.state) == ("", State.ACTIVE)
    assert StoredTokens(row.pk).read()["refresh_token"] == tokens["refresh"]
    again, trouble = clinic(stand, {"code": "code-of-the-installation"})
    assert (trouble, again.state) == ("auth", State.DRAFT)


def test_without_any_key_nobody_is_asked(stand: Stand) -> None:
    row, trouble = clinic(stand, {})

    assert (trouble, row.trouble) == ("auth", "auth")
    assert stand.system("amocrm").asked == []


def test_long_lived_key_is_never_renewed(stand: Stand) -> None:
    stand.system("amocrm").tokens()["access"]["long"] = 4e9
    row, trouble = clinic(stand, {"access_token": "long"})
    assert (trouble, row.state) == ("", State.ACTIVE)

    stand.system("amocrm").tokens()["access"].clear()
    run = services.run_sync(row.pk, trigger=Trigger.HAND)

    assert run.trouble == "auth"
    assert "POST /oauth2/access_token" not in stand.system("amocrm").asked


def test_key_that_was_taken_back_early_is_renewed_unnoticed(stand: Stand) -> None:
    row = stand.connect("amocrm")
    stand.system("amocrm").tokens()["access"].clear()

    assert services.run_sync(row.pk, trigger=Trigger.SCHEDULE).trouble == ""


def test_renewal_that_answers_nonsense_is_tried_again(stand: Stand) -> None:
    row = stand.connect("amocrm")
    age(row, 3600)
    system, calm = stand.system("amocrm"), stand.system("amocrm").answer
    system.answer = lambda request: (
        Reply({"token_type": "Bearer"}) if "/oauth2/" in request.path else calm(request)
    )
    before = StoredTokens(row.pk).read()
    with adapter_of(row) as adapter:
        adapter.sign_in()  # the old one lives for an hour
    assert StoredTokens(row.pk).read() == before

    system.answer = calm
    with adapter_of(row) as adapter:
        adapter.sign_in()
    assert StoredTokens(row.pk).read()["refresh_token"] != before["refresh_token"]
