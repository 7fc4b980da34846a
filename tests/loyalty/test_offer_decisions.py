"""What an admin decides about an offer: with her reason, and told when it comes too late."""

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.core.models import AuditEntry
from apps.loyalty import services
from apps.loyalty.models import OfferConstructor
from tests.accounts.desks import desk_of
from tests.factories.accounts import UserFactory
from tests.factories.offers import draft_of, offer_of

pytestmark = pytest.mark.django_db
WHY = "жалобы гостей на условия"


@pytest.fixture
def decide():
    desk = desk_of(UserFactory(job="admin"))

    def decided(offer, decision):
        form = {"decision": decision, "reason": WHY}
        for name in ("versions", "spans"):
            form |= {f"{name}-TOTAL_FORMS": "0", f"{name}-INITIAL_FORMS": "0"}
        url = reverse("admin:loyalty_offerconstructor_change", args=[offer.pk])
        return desk.post(url, form, follow=True).content.decode()

    return decided


@pytest.mark.parametrize("decision", ["approve", "return", "pause", "end"])
def test_every_decision_stays_with_its_reason(business, decide, decision):
    if decision in ("approve", "return"):
        offer = draft_of(business, budget=None)
        services.submit_offer(offer_id=offer.pk, by=None, at=timezone.now())
    else:
        offer = offer_of(business)

    decide(offer, decision)

    assert AuditEntry.objects.get(action=f"loyalty.offer_{decision}").reason == WHY


def test_a_decision_that_comes_too_late_is_told_and_changes_nothing(business, decide):
    offer = offer_of(business)

    told = decide(offer, "approve")

    assert "Предложение сейчас в другом состоянии" in told
    assert OfferConstructor.objects.get(pk=offer.pk).state == "active"
    assert not AuditEntry.objects.filter(reason=WHY).exists()
