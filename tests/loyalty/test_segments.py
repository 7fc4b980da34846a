"""Lists of members by hand, and the offers that address them."""

from decimal import Decimal as D

import pytest

from apps.core.errors import Forbidden
from apps.core.models import AuditEntry
from apps.loyalty import services
from apps.loyalty.models import SegmentEntry
from tests.factories.accounts import UserFactory
from tests.factories.offers import offer_of
from tests.loyalty.test_services import earn

pytestmark = pytest.mark.django_db
WHY = "список гостей весенней акции"


def test_who_is_in_the_list_gets_the_offer(member, business, at):
    offer_of(business, segment="spring-guests")
    before = earn(member, business, "1000", at=at, key="before")
    number = member.card_number
    cards = f"{number[:4]} {number[4:8]} {number[8:]}\n{UserFactory().card_number}, 000000000000"
    admin = UserFactory(job="admin")

    filled, again = (
        services.fill_segment(code="spring-guests", cards=cards, by=admin, reason=WHY, at=at)
        for _ in range(2)
    )

    after = earn(member, business, "1000", at=at, key="after")
    assert (before.amount, after.amount) == (D("50.00"), D("100.00"))
    assert vars(filled) == {"added": 2, "known": 0, "unknown": 1}
    assert vars(again) == {"added": 0, "known": 2, "unknown": 1}
    assert AuditEntry.objects.filter(action="loyalty.segment_fill", reason=WHY).count() == 2


def test_who_was_taken_out_gets_it_no_more(member, business, at):
    offer_of(business, segment="spring")
    SegmentEntry.objects.create(code="spring", member=member)
    entries = SegmentEntry.objects.values_list("pk", flat=True)

    services.leave_segments(entries=list(entries), by=UserFactory(job="admin"), reason=WHY)

    assert earn(member, business, "1000", at=at).amount == D("50.00")


@pytest.mark.parametrize(
    ("code", "cards", "field"),
    [("Весна", "000000000000", "code"), ("spring", "", "cards"), ("spring", "12", "cards")],
)
def test_what_makes_no_list_is_refused(code, cards, field, at):
    with pytest.raises((services.SegmentCodeInvalid, services.CardsInvalid)) as refused:
        services.fill_segment(code=code, cards=cards, by=None, reason=WHY, at=at)
    assert refused.value.field == field


def test_an_owner_fills_no_list(owner, at):
    with pytest.raises(Forbidden):
        services.fill_segment(code="x", cards="000000000000", by=owner, reason=WHY, at=at)
