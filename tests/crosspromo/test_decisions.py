"""Decisions about a chain that come at the wrong time or from the wrong person."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.core.errors import NotFound
from apps.crosspromo import tasks
from apps.crosspromo.models import Chain, Scale
from apps.crosspromo.services import ChainDraft, act_on_chain, change_chain, create_chain
from apps.crosspromo.services.chains import ChainWrongState
from tests.factories.businesses import BusinessFactory
from tests.factories.coupons import chain, step

pytestmark = pytest.mark.django_db


def draft_of(start: Any, end: Any) -> ChainDraft:
    at = timezone.now()
    return ChainDraft(
        name="Салон и ужин",
        topology="pair",
        steps=(step(start, end),),
        starts_at=at,
        ends_at=at + timedelta(days=30),
    )


def act(made: Chain, action: str, by: Any, **given: Any) -> Chain:
    made.refresh_from_db()
    return act_on_chain(
        chain=made, action=action, by=by, revision=made.revision, at=timezone.now(), **given
    )


def refused(made: Chain, action: str, by: Any) -> bool:
    try:
        act(made, action, by)
    except ChainWrongState:
        return True
    return False


def test_each_decision_has_its_state(business, owner, cafe, host):
    made = create_chain(draft=draft_of(business, cafe), by=owner, at=timezone.now())
    proposed = [refused(made, action, host) for action in ("pause", "resume", "leave", "end")]

    act(made, "accept", host)
    live = [refused(made, action, host) for action in ("accept", "decline", "resume", "end")]
    act(made, "end", owner)
    over = [refused(made, action, owner) for action in ("accept", "pause", "leave", "end")]

    assert [proposed, live, over] == [[True] * 4] * 3
    assert Chain.objects.get().state == "ended"
    with pytest.raises(ChainWrongState):
        change_chain(
            chain=made, draft=draft_of(business, cafe), by=owner,
            revision=Chain.objects.get().revision, at=timezone.now(),
        )  # fmt: skip


def test_only_who_oversees_ends_a_chain_of_the_network(business, owner, cafe):
    made = chain(step(business, cafe))

    assert made.owner is None
    assert refused(made, "end", owner)
    assert Chain.objects.get().state == "live"


def test_a_declined_change_leaves_the_live_terms(business, owner, cafe, host):
    made = chain(step(business, cafe), by=owner)
    act(made, "accept", host)
    made.refresh_from_db()
    change_chain(
        chain=made, draft=draft_of(business, cafe), by=owner, revision=made.revision,
        at=timezone.now(),
    )  # fmt: skip

    act(made, "decline", host)

    made.refresh_from_db()
    states = made.versions.order_by("number").values_list("state", flat=True)
    assert (made.state, list(states)) == ("live", ["live", "declined"])


def test_the_first_notice_counts_and_nobody_speaks_for_a_stranger(business, owner, cafe, host):
    made = chain(step(business, cafe), by=owner)
    stranger = BusinessFactory()
    with pytest.raises(NotFound):
        act(made, "accept", host, place=stranger)
    act(made, "accept", host)
    act(made, "leave", host)
    stop = Chain.objects.get().stop_at

    act(made, "leave", host)

    assert Chain.objects.get().stop_at == stop


def test_the_clock_ends_chains_and_fixes_the_yardstick(facts, business, cafe):
    chain(step(business, cafe), at=timezone.now() - timedelta(days=91))
    assert Chain.objects.get().state == "live"

    tasks.hourly()
    tasks.recompute_matrix()

    assert Chain.objects.get().state == "ended"
    assert Scale.objects.count() == 1
