"""Who a sale belongs to: guests by their phone, families, cards, and signing in to ask."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.crm.adapters import ADAPTERS, NOBODY, BaseCRMAdapter, Document, Place, Ref
from apps.crm.enums import Trouble
from apps.crm.net import Failed
from apps.crm.simulator.server import Reply, Server
from apps.crm.simulator.systems import make_systems
from apps.crm.simulator.world import Guest, World

NAMES = ["yclients", "iiko", "onec", "unf", "amocrm", "renovatio"]
LONG_LIVED = "a-token-that-lives-for-years"
Open = Callable[..., BaseCRMAdapter]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    running = Server(make_systems(world)).start()
    yield running
    running.stop()


@pytest.fixture
def systems(server: Server) -> dict[str, Any]:
    return server.systems


@pytest.fixture
def opened(server: Server) -> Open:
    """An adapter of a simulated system, without a database."""

    def make(name: str, credentials: dict[str, str] | None = None, **options: Any) -> Any:
        if name == "unf":
            name = "onec"
            server.systems[name].faults.habits.add("refund_documents")
        given = server.systems[name].credentials()
        keys = given["credentials"] | (credentials or {})
        if name == "amocrm":
            keys |= {"access_token": LONG_LIVED}
            server.systems[name].tokens()["access"][LONG_LIVED] = time.time() + 1e6  # type: ignore[attr-defined]
        place = Place(server.url(name), keys, given["options"] | options)
        return ADAPTERS[name](place)

    return make


def guests(world: World, count: int = 4) -> list[Guest]:
    return [world.add_guest(f"+7916123450{n}") for n in range(count)]


# --- by phone ------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", NAMES)
def test_guest_is_found_by_her_very_phone(world: World, opened: Open, name: str) -> None:
    world.add_guest("")
    with opened(name) as adapter:
        for guest in guests(world):  # three kinds of cards and of ways to write a phone
            found = adapter.get_customer_by_phone(guest.phone)
            assert found is not None
            assert found.phone == guest.phone
            assert int(found.id[-12:]) == guest.id

        assert adapter.get_customer_by_phone("+79160000000") is None
        assert adapter.get_customer_by_phone("+79161234") is None  # a part of a phone is none


def test_nobody_is_guessed_of_a_family(world: World, opened: Open) -> None:
    one, other = (world.add_guest("+79161234567", birth_date=day) for day in ("1970-01-02", ""))
    other.birth_date = "2012-03-04"

    with opened("renovatio") as adapter:
        found = adapter.customer_of(sale_of("renovatio", one))
        assert adapter.get_customer_by_phone("+79161234567") is None
        assert found is not None
        assert (found.shared, str(found.birth_date)) == (True, "1970-01-02")


@pytest.mark.parametrize(
    ("status", "told"), [(404, None), (400, None), (403, Trouble.RIGHTS), (502, Trouble.SERVER)]
)
def test_shop_that_does_not_publish_contacts(
    systems: dict[str, Any], opened: Open, status: int, told: Trouble | None
) -> None:
    calm = systems["onec"].answer
    systems["onec"].answer = lambda request: (
        systems["onec"].refusal(status, "Нет") if "Контактная" in request.path else calm(request)
    )
    with opened("onec") as adapter:
        if told is None:
            assert adapter.get_customer_by_phone("+79161234567") is None
            return
        with pytest.raises(Failed) as failed:
            adapter.get_customer_by_phone("+79161234567")
    assert failed.value.trouble == told


# --- by what a document names --------------------------------------------------------------------
def sale_of(name: str, guest: Guest | None, number: str = "") -> Document:
    """The least that names a guest."""
    entity = {"onec": "receipt", "iiko": "order"}.get(name, "any")
    ids = {"onec": f"ca2d0000-0001-11f1-9c3e-{guest.id:012d}"} if guest else {}
    customer = ids.get(name, str(guest.id) if guest else "")
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return Document(entity, number or "1", Decimal(1), at, customer_id=customer)


@pytest.mark.parametrize("name", ["onec", "amocrm", "renovatio"])
def test_a_sale_of_nobody_and_of_a_guest_who_is_gone(opened: Open, name: str) -> None:
    with opened(name) as adapter:
        assert adapter.customer_of(sale_of(name, None)) == NOBODY
        gone = adapter.customer_of(sale_of(name, Guest(999, "", "", "")))
    assert gone is not None
    assert gone.phone == ""


def test_card_of_a_shop_leads_to_its_owners_phone(world: World, opened: Open) -> None:
    with opened("onec") as adapter:
        for guest in _two(world):
            found = adapter.customer_of(sale_of("onec", guest))
            assert found is not None
            assert found.phone.lstrip("+") == guest.phone.lstrip("+")
        assert adapter.customer_of(Document("return", "1", Decimal(1), datetime.now(UTC))) is None


def _two(world: World) -> tuple[Guest, Guest]:
    """One whose card bears her phone, one whose card has a code of its own."""
    found = guests(world, 3)
    return next(one for one in found if one.id % 3), next(one for one in found if not one.id % 3)


def test_card_whose_owner_left_no_phone(
    world: World, systems: dict[str, Any], opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    _by_code, by_owner = _two(world)
    monkeypatch.setattr(systems["onec"], "_contacts", list)

    with opened("onec") as adapter:
        found = adapter.customer_of(sale_of("onec", by_owner))

    assert found is not None
    assert found.phone == ""


@pytest.mark.parametrize("way", [0, 1, 2])
def test_guest_of_an_order_by_delivery_card_or_the_order_itself(
    world: World, opened: Open, way: int
) -> None:
    [guest] = guests(world, 1)
    while (sale := world.sell("iiko", guest, "900")).id % 3 != way:
        world.delete(sale)
    since = datetime.now(UTC) - timedelta(days=1)

    with opened("iiko") as adapter:
        [found] = adapter.fetch_transactions(since, datetime.now(UTC) + timedelta(minutes=1))
        customer = adapter.customer_of(found)

    assert customer is not None
    assert customer.phone == guest.phone


# --- her tier on her card there ------------------------------------------------------------------
TIER: dict[str, Any] = {"tier": "Elite", "balance": Decimal(150)}
CATEGORIES = {"Elite": "c0000000-0000-4000-8000-000000000001"}


def test_category_of_a_guest_of_a_restaurant(
    world: World, systems: dict[str, Any], opened: Open
) -> None:
    [guest] = guests(world, 1)
    with opened("iiko", categories=CATEGORIES) as adapter:
        assert adapter.write_tier(phone=guest.phone, **TIER)
        systems["iiko"]._kept().clear()  # the hour of the token is over
        assert adapter.write_tier(phone=guest.phone, **TIER)
        assert not adapter.write_tier(phone="+79160000000", **TIER)
        assert not adapter.write_tier(phone=guest.phone, **TIER | {"tier": "VIP"})

    assert [note["categoryId"] for note in world.notes] == [CATEGORIES["Elite"]] * 2
    assert all(int(note["customerId"][-12:]) == guest.id for note in world.notes)


def test_tier_in_a_comment_of_a_salon(world: World, opened: Open) -> None:
    [guest] = guests(world, 1)
    with opened("yclients") as adapter:
        assert adapter.write_tier(phone=guest.phone, **TIER)
        assert not adapter.write_tier(phone="+79160000000", **TIER)

    assert [note["text"] for note in world.notes] == ["Свой Круг: Elite, 150 бонусов"]


@pytest.mark.parametrize("name", ["onec", "amocrm", "renovatio"])
def test_systems_that_take_no_tier(opened: Open, name: str) -> None:
    with opened(name) as adapter, pytest.raises(NotImplementedError):
        adapter.write_tier(phone="+79161234567", **TIER)
    assert not ADAPTERS[name].can_write_back


# --- signing in ----------------------------------------------------------------------------------
def test_two_ways_into_the_cloud_of_a_restaurant(systems: dict[str, Any], opened: Open) -> None:
    application = systems["iiko"].credentials()["v2"]

    with opened("iiko", application) as adapter:
        adapter.sign_in()
        adapter.check_reading()
    wrong = application | {"client_secret": "wrong"}
    with opened("iiko", wrong) as adapter, pytest.raises(Failed) as failed:
        adapter.sign_in()

    assert failed.value.trouble == Trouble.AUTH
    assert "POST /api/v2/access_token" in systems["iiko"].asked


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("iiko", {"correlationId": "1", "token": ""}),
        # the second factor is on: a success without a token
        ("yclients", {"success": True, "data": {"is_need_2fa": True}}),
        ("yclients", {"success": True, "data": []}),
    ],
)
def test_a_success_without_a_token_is_a_wrong_key(
    systems: dict[str, Any], opened: Open, name: str, body: dict[str, Any]
) -> None:
    systems[name].answer = lambda request: Reply(body)
    with opened(name) as adapter, pytest.raises(Failed) as failed:
        adapter.sign_in()
    assert failed.value.trouble == Trouble.AUTH


def test_user_token_of_a_salon_is_used_or_asked_for_anew(
    systems: dict[str, Any], opened: Open
) -> None:
    with opened("yclients", {"user_token": "ut_simulator"}) as adapter:
        adapter.check_reading()
    assert "POST /api/v1/auth" not in systems["yclients"].asked

    with opened("yclients") as adapter:
        adapter.place.tokens.write({"user_token": "ended"})
        adapter.check_reading()
        assert adapter.place.tokens.read() == {"user_token": "ut_simulator"}


def test_another_clinic_is_not_read(opened: Open) -> None:
    with opened("renovatio", clinic_id="3") as adapter, pytest.raises(Failed) as failed:
        adapter.sign_in()
    assert failed.value.trouble == Trouble.RIGHTS


# --- lists ---------------------------------------------------------------------------------------
def read(adapter: BaseCRMAdapter) -> list[Document]:
    now = datetime.now(UTC)
    return list(adapter.fetch_transactions(now - timedelta(days=1), now + timedelta(minutes=1)))


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("yclients", {"PAGE": 1, "MOST_PAGES": 3}),
        ("onec", {"TOP": 1, "MOST_PAGES": 2}),
        ("amocrm", {"LIMIT": 1, "MOST_PAGES": 3}),
    ],
)
def test_a_list_without_an_end_is_given_up(
    world: World, opened: Open, monkeypatch: pytest.MonkeyPatch, name: str, sizes: dict[str, int]
) -> None:
    for _n in range(4):
        world.sell(name, None, "100")
    for size, value in sizes.items():
        monkeypatch.setattr(f"apps.crm.adapters.{name}.transport.{size}", value)

    with opened(name) as adapter, pytest.raises(Failed) as failed:
        read(adapter)

    assert failed.value.trouble == Trouble.TOO_LARGE


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("yclients", {"success": True, "data": {"id": 1}}),
        ("iiko", {"data": None}),
        ("onec", {"value": None}),
        ("amocrm", {"_embedded": []}),
        ("amocrm", []),
        ("renovatio", {"error": 0, "data": "text"}),
        ("renovatio", {"error": 0, "data": ["text"]}),
        ("yclients", {"success": True, "data": ["text"]}),
        ("iiko", {"data": [[]]}),
        ("onec", {"value": [None]}),
        ("onec", []),
        ("amocrm", {"_embedded": {"leads": ["text"]}}),
    ],
)
def test_a_success_that_is_no_list_brings_nothing_and_says_so(
    systems: dict[str, Any], opened: Open, name: str, body: Any
) -> None:
    """An empty list would mean that all sales were deleted."""
    calm = systems[name].answer
    lists = ("/transactions/", "/olap/get", "/Document_", "/leads", "/getInvoices")
    systems[name].answer = lambda request: (
        Reply(body) if any(part in request.path for part in lists) else calm(request)
    )
    with opened(name) as adapter, pytest.raises(Failed) as failed:
        read(adapter)
    assert failed.value.trouble == Trouble.UNREADABLE


@pytest.mark.parametrize("name", ["yclients", "onec", "amocrm"])
def test_one_document_that_is_not_there_is_no_trouble(
    systems: dict[str, Any], opened: Open, name: str
) -> None:
    number = "6f0d5a60-0001-11f1-9c3e-000000000999" if name == "onec" else "999"
    entity = {"yclients": "payment", "onec": "receipt", "amocrm": "lead"}[name]
    with opened(name) as adapter:
        assert adapter.fetch_one(entity, number) == []
        systems[name].answer = lambda request: systems[name].refusal(404, "Нет")
        assert adapter.fetch_one(entity, number) == []
        systems[name].answer = lambda request: systems[name].refusal(403, "Нет")
        with pytest.raises(Failed):
            adapter.fetch_one(entity, number)


def test_payment_of_an_appointment_that_was_deleted_counts_nothing(
    world: World, systems: dict[str, Any], opened: Open
) -> None:
    while not (sale := world.sell("yclients", None, "100")).id % 5:
        world.delete(sale)
    calm, status = systems["yclients"].answer, 404
    systems["yclients"].answer = lambda request: (
        systems["yclients"].refusal(status, "Нет") if "/record/" in request.path else calm(request)
    )
    with opened("yclients") as adapter:
        [found] = adapter.fetch_one("payment", str(sale.id))
        assert found.gone
    status = 403  # not known is not deleted
    with opened("yclients") as adapter, pytest.raises(Failed):
        adapter.fetch_one("payment", str(sale.id))


def test_leads_are_asked_about_by_fifty(
    world: World, systems: dict[str, Any], opened: Open
) -> None:
    sales = [world.sell("amocrm", None, "100") for _n in range(60)]
    for sale in sales[10:12]:
        world.delete(sale)
    systems["amocrm"].asked.clear()

    with opened("amocrm") as adapter:
        gone = adapter.find_vanished([Ref("lead", str(sale.id)) for sale in sales])

    assert [ref.external_id for ref in gone] == [str(sale.id) for sale in sales[10:12]]
    assert len(systems["amocrm"].asked) == 4  # two pages, and the two that were missing by name


def test_account_that_ignores_filters_is_looked_at_again(
    world: World, systems: dict[str, Any], opened: Open
) -> None:
    systems["amocrm"].faults.habits.add("ignore_filters")
    world.sell("amocrm", None, "100", datetime.now(UTC) - timedelta(days=9))
    sale = world.sell("amocrm", None, "100")

    with opened("amocrm") as adapter:
        assert [one.external_id for one in read(adapter)] == [str(sale.id)]
