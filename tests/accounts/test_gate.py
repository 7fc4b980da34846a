"""The gate before an API view, asked by itself: what the routes of today do not show all of."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from apps.accounts import rights
from apps.accounts.permissions import Can, Gate
from apps.core.errors import StatusRequired
from tests.factories.accounts import UserFactory

OPEN = next(row.action for row in rights.TABLE.values() if rights.PUBLIC in row.who)
OWN = next(row.action for row in rights.TABLE.values() if row.who == rights.MEMBER)
OF_TIER = next(
    row.action
    for row in rights.TABLE.values()
    if row.who & rights.TIERS and rights.MEMBER not in row.who
)


def lets(gate: type[Gate], action: str | None, user: Any) -> bool:
    request, view = SimpleNamespace(user=user), SimpleNamespace(action=action)
    return gate().has_permission(request, view)


@pytest.mark.parametrize(
    ("gate", "action", "stranger"),
    [
        (Can(list=OPEN), "metadata", True),  # OPTIONS of what anybody may see
        (Can(list=OWN), "metadata", False),
        (Can(list=OPEN, create=OWN), None, False),  # DRF would say 405, but not to a stranger
        (Can(list=OPEN), "destroy", False),
        (Can(list=OPEN), "list", True),
        (Can(list=OWN), "list", False),
    ],
)
def test_a_method_without_a_row_is_open_to_nobody(gate, action, stranger):
    known = SimpleNamespace(
        is_authenticated=True, job="", tier=SimpleNamespace(code="member"), is_anonymous=False
    )

    assert lets(gate, action, AnonymousUser()) is stranger
    if action in (None, "metadata", "destroy"):
        assert lets(gate, action, known) is (action != "destroy")


@pytest.mark.django_db
def test_a_missing_tier_is_told_apart_from_a_missing_job():
    with pytest.raises(StatusRequired):
        lets(Can(list=OF_TIER), "list", UserFactory())


def test_what_belongs_to_no_business_is_judged_by_its_row_alone():
    gate, request = Can(list=OWN)(), SimpleNamespace(user=AnonymousUser())

    judged = [
        gate.has_object_permission(request, SimpleNamespace(action=action), object())
        for action in ("list", "destroy")
    ]

    assert judged == [True, False]
    assert (gate.words_of("destroy"), gate.words_of("list")) == ("", "member (own).")
