"""The network speaks for a partner, pauses and ends chains in the admin, always with a reason."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.core.models import AuditEntry
from apps.crosspromo.models import Acceptance, Chain
from apps.crosspromo.services import ChainDraft, create_chain
from tests.accounts.desks import desk_of
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.coupons import chain, step

pytestmark = pytest.mark.django_db
WHY = "партнёр согласился письмом от 3 ноября"


@pytest.fixture
def admin():
    return UserFactory(job="admin")


@pytest.fixture
def proposed(business):
    """The salon asks two partners; its own yes is given."""
    cafe, shop = BusinessFactory(name="Лисичкино"), BusinessFactory(name="Скин")
    at = timezone.now()
    return create_chain(
        draft=ChainDraft(
            name="После салона",
            topology="fan",
            steps=(step(business, cafe), step(business, shop)),
            starts_at=at,
            ends_at=at + timedelta(days=90),
        ),
        by=staff_of(business, role="business_owner"),
        at=at,
    )


def page(made: Chain) -> str:
    return reverse("admin:crosspromo_chain_change", args=[made.pk])


def decide(admin, made: Chain, decision: str, reason: str = WHY):
    sent = {"decision": decision, "reason": reason}
    sent |= {"versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0"}
    return desk_of(admin).post(page(made), sent, follow=True)


def state_of(made: Chain) -> str:
    return Chain.objects.get(pk=made.pk).state


def test_a_partner_is_spoken_for_and_then_all_who_are_left(admin, proposed):
    cafe = proposed.versions.get().steps.get(number=1).to_business
    shown = desk_of(admin).get(page(proposed)).content.decode()
    assert "Принять за «Лисичкино»" in shown
    assert "Лисичкино, Скин" in shown

    decide(admin, proposed, f"accept:{cafe.pk}")
    assert state_of(proposed) == "proposed"
    assert Acceptance.objects.get(business=cafe).by == admin
    decide(admin, proposed, "accept")

    assert state_of(proposed) == "live"
    rows = AuditEntry.objects.filter(action="crosspromo.accept").order_by("pk")
    assert [(one.business_id, one.reason) for one in rows] == [
        (cafe.pk, WHY),
        (proposed.owner_id, WHY),
    ]


def test_a_chain_is_paused_resumed_left_and_ended(admin, business):
    made = chain(step(business, BusinessFactory()))

    states = []
    for decision in ("pause", "resume", "leave", "end"):
        decide(admin, made, decision)
        states.append(state_of(made))

    assert states == ["paused", "live", "live", "ended"]
    assert Chain.objects.get().stop_at is not None
    assert AuditEntry.objects.filter(actor_id=admin.pk, object_id=str(made.pk)).count() == 4


def test_without_a_reason_or_out_of_its_state_nothing_happens(admin, business):
    made = chain(step(business, BusinessFactory()))

    mute = decide(admin, made, "pause", reason="надо")
    unfit = decide(admin, made, "resume")

    assert state_of(made) == "live"
    assert mute.status_code == unfit.status_code == 200
    assert not AuditEntry.objects.filter(actor_id=admin.pk, object_id=str(made.pk)).exists()


def test_an_admin_gives_a_reason_by_the_api_too(api, admin, business):
    made = chain(step(business, BusinessFactory()))
    path, etag = f"/cross-promo/chains/{made.pk}", {"If-Match": made.etag}

    mute = api.as_(admin).patch(path, {"action": "pause"}, **etag)
    said = api.as_(admin).patch(path, {"action": "pause", "reason": WHY}, **etag)

    assert (mute.status_code, said.status_code) == (422, 200)
    assert state_of(made) == "paused"
