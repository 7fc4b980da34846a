"""The owner's lists and forms at their edges: filters, files of codes, invitations, what waits."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.backoffice.alerts import alerts_of
from apps.backoffice.models import Draft
from apps.businesses.models import Business
from apps.coupons.models import Budget, Coupon
from apps.crosspromo.services import ChainDraft, create_chain
from apps.loyalty.models import StatementLine
from tests.backoffice.conftest import Sell, SignedIn
from tests.backoffice.test_owner_growth import typed_campaign, typed_chain
from tests.backoffice.test_owner_settlement import closed, month_of  # noqa: F401
from tests.factories.businesses import LocationFactory, staff_of
from tests.factories.coupons import campaign, step

SALES, STAFF = "/biz/salon/sales/", "/biz/salon/staff/"


@pytest.fixture
def owner(olga: User, signed_in: SignedIn) -> Client:
    return signed_in(olga)


def said(answer) -> str:
    return answer.content.decode().replace("\u00a0", " ")


# --- sales ---------------------------------------------------------------------------------------
def test_sales_are_filtered_by_all_that_a_row_says(
    owner: Client, salon: Business, anna: User, vera: User, sell: Sell
) -> None:
    new, old = sell(salon, anna, "100"), sell(salon, anna, "200", days_ago=3)
    spot = LocationFactory(business=salon)
    type(old).objects.filter(pk=old.pk).update(
        receipt_number="А-17", source="till", entered_by=vera, location=spot, status="refunded"
    )
    today = timezone.localdate()
    before = (today - timedelta(days=1)).isoformat()

    def found(query: str) -> set[str]:
        return {str(row.pk) for row in owner.get(f"{SALES}?{query}").context["found"].rows}

    both = {str(new.pk), str(old.pk)}
    assert found("") == found("status=x&source=x") == found(f"member={anna.pk}") == both
    assert found(f"from={today}") == {str(new.pk)}
    for query in (
        f"to={before}", "status=refunded", "source=till", "receipt=А-17", f"staff={vera.pk}",
        f"location={spot.pk}", "least=150",
    ):  # fmt: skip
        assert found(query) == {str(old.pk)}, query
    assert found("most=99,99") == set()


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("from=2026-02-30&to=завтра", ["from", "to"]),
        ("from=0001-01-01&to=9999-12-31", ["from", "to"]),
        ("member=x&least=сто", ["member", "least"]),
    ],
)
def test_a_filter_that_says_nothing_is_named_and_filters_nothing(
    owner: Client, salon: Business, anna: User, sell: Sell, query: str, wrong: list[str]
) -> None:
    sell(salon, anna, "100")

    answer = owner.get(f"{SALES}?{query}")

    assert answer.context["wrong"] == wrong
    assert len(answer.context["found"].rows) == 1


# --- settlement ----------------------------------------------------------------------------------
def test_a_line_is_confirmed_by_itself_and_only_one_of_hers(
    owner: Client,
    closed: Any,  # noqa: F811
    salon: Business,
) -> None:
    line = StatementLine.objects.exclude(creditor=salon).get(statement=closed)
    page = month_of(closed)

    alerts = {one.icon for one in alerts_of(salon, at=timezone.now())}
    wrong = owner.post(page, {"act": "confirm", "line": "x"})
    done = owner.post(page, {"act": "confirm", "line": str(line.pk)}, follow=True)
    paper = owner.get(f"{page}paper/?with=cafe")

    assert wrong.status_code == 422
    assert "Строка подтверждена" in said(done)
    assert "scale" in alerts
    assert "scale" not in {one.icon for one in alerts_of(salon, at=timezone.now())}
    assert "Лисичкино" in said(paper)
    assert owner.get(f"{page}paper/?with=nobody").status_code == 404


# --- what waits for her word ---------------------------------------------------------------------
def test_a_campaign_near_its_budget_and_a_chain_to_answer_wait(
    salon: Business, cafe: Business, olga: User
) -> None:
    at = timezone.now()
    calm, near = (
        campaign(salon, name=name, budget=Decimal(1000), audience="promo", promo_code=name)
        for name in ("CALM", "NEAR")
    )
    Budget.objects.filter(pk=near.budget_id).update(charged=Decimal(600), reserved=Decimal(300))
    host = staff_of(cafe, role="business_owner")
    create_chain(
        draft=ChainDraft(
            name="К вам", topology="pair", steps=(step(cafe, salon),), starts_at=at,
            ends_at=at + timedelta(days=30),
        ),
        by=host, at=at,
    )  # fmt: skip

    found = {one.icon: one for one in alerts_of(salon, at=at)}

    assert "«NEAR»: израсходовано 90" in str(found["ticket-percent"].title)
    assert calm.title not in str(found["ticket-percent"].title)
    assert "1 цепочка" in str(found["workflow"].title)
    assert "workflow" not in {one.icon for one in alerts_of(cafe, at=at)}


# --- staff ---------------------------------------------------------------------------------------
def test_somebody_is_told_five_times_a_day_at_most(owner: Client, salon: Business) -> None:
    owner.post(STAFF, {"act": "invite", "phone": "8 916 000-00-77", "role": "business_owner"})
    person = User.objects.with_phone("+79160000077")

    for _n in range(5):
        told = owner.post(STAFF, {"act": "link", "person": str(person.pk)}, follow=True)

    assert "сегодня ушло уже пять сообщений" in said(told)
    assert "0077" not in said(told)


@pytest.mark.parametrize(
    "form",
    [
        {"act": "role", "role": "king"},
        {"act": "leave", "person": "x"},
        {"act": "pin", "person": "00000000-0000-0000-0000-000000000000"},
    ],
)
def test_nobody_is_nobody_of_the_staff(
    owner: Client, salon: Business, vera: User, form: dict[str, str]
) -> None:
    answer = owner.post(STAFF, {"person": str(vera.pk)} | form)

    assert answer.status_code == 422
    vera.refresh_from_db()
    assert vera.job == "business_staff"


# --- codes of her own ----------------------------------------------------------------------------
def test_a_file_that_is_no_list_of_codes_is_refused(owner: Client, salon: Business) -> None:
    page = f"/biz/salon/coupons/{campaign(salon).pk}/import/"

    for body in (b"", b"KOD-2026-\0001\n", "Код\n".encode("utf-16"), b"\xff\xfe\x98\x98\n"):
        answer = owner.post(page, {"act": "look", "codes": SimpleUploadedFile("codes.csv", body)})

        assert answer.context.get("draft") is None, body
    assert not Draft.objects.exists()


def test_codes_looked_at_for_one_campaign_are_not_taken_into_another(
    owner: Client, salon: Business
) -> None:
    first, second = campaign(salon), campaign(salon)
    file = SimpleUploadedFile("codes.csv", b"MAY-2026-001\nMAY-2026-002\n")
    owner.post(f"/biz/salon/coupons/{first.pk}/import/", {"act": "look", "codes": file})
    draft = Draft.objects.get()
    page = f"/biz/salon/coupons/{second.pk}/import/"

    answers = [owner.post(page, {"act": "take", "draft": one}) for one in (str(draft.pk), "x")]

    assert [one.status_code for one in answers] == [422, 422]
    assert Coupon.objects.filter(campaign=second).count() == 1
    assert Draft.objects.exists()


# --- campaigns -----------------------------------------------------------------------------------
def test_a_list_of_campaigns_says_where_each_stands(owner: Client, salon: Business) -> None:
    at = timezone.now()
    made = {
        "действует": campaign(salon, name="Сейчас"),
        "начнётся позже": campaign(salon, name="Потом", valid_from=at + timedelta(days=1)),
        "завершена": campaign(salon, name="Раньше"),
        "отменена": campaign(salon, name="Зря"),
        "коды создаются": campaign(salon, name="Много", quantity=2),
    }
    past = at - timedelta(minutes=1)
    rows = type(made["действует"]).objects
    rows.filter(name="Раньше").update(valid_from=past - timedelta(days=9), valid_to=past)
    rows.filter(name="Много").update(issued=1)
    zrya = f"/biz/salon/coupons/{made['отменена'].pk}/"
    owner.post(zrya, {"act": "cancel", "reason": "ошибка в печати"})

    again = owner.post(zrya, {"act": "cancel", "reason": "ошибка в печати"})
    page = said(owner.get("/biz/salon/coupons/")).lower()

    assert "уже отменена" in again.context["refused"]
    for words in made:
        assert words in page, words


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2026-02-30"])
def test_a_last_day_of_no_calendar_of_ours_is_told_at_its_field(
    owner: Client, salon: Business, cafe: Business, day: str
) -> None:
    coupons = owner.post("/biz/salon/coupons/new/", typed_campaign(starts=day, ends=day))
    owner.post("/biz/salon/chains/new/")
    chain_at = f"/biz/salon/chains/draft/{Draft.objects.get(kind='chain').pk}/"
    chains = owner.post(chain_at, typed_chain(salon, cafe, ends=day) | {"act": "publish"})
    offer_at = f"/biz/salon/offers/draft/{begun_offer(owner).pk}/when/"
    offers = owner.post(offer_at, {"starts": "2026-11-22", "ends": day, "go": "next"})

    assert [one.status_code for one in (coupons, chains, offers)] == [422, 422, 422]
    assert coupons.context["form"].errors["ends"]
    assert chains.context["read"].form.errors["ends"]
    assert offers.context["form"].errors["ends"]


def begun_offer(owner: Client) -> Draft:
    owner.post("/biz/salon/offers/new/", {"goal": "return"})
    return Draft.objects.get(kind="offer")
