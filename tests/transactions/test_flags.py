"""Looking into flags: what was found is written once, by an admin, with her name."""

import pytest
from django.urls import reverse

from apps.accounts.services import ReasonMissing
from apps.core.errors import NotFound
from apps.core.models import AuditEntry
from apps.transactions.models import FraudFlag
from apps.transactions.services import FlagSettled, flag_self_sale, settle_flag
from tests.architecture.conftest import admin_client, admin_user, desk  # noqa: F401

pytestmark = pytest.mark.django_db
FOUND = "Мастер оформила покупку сестры, разъяснено"


@pytest.fixture
def flag(business, staff, at):
    flag_self_sale(business=business, by=staff, at=at)
    return FraudFlag.objects.get()


def page(flag):
    return reverse("admin:transactions_fraudflag_change", args=[flag.pk])


def listed(client, **asked):
    answer = client.get(reverse("admin:transactions_fraudflag_changelist"), asked)
    return answer.context["cl"].result_count


def test_finding_is_written_once(flag, admin_user, at):  # noqa: F811
    settle_flag(flag=flag, verdict=FOUND, by=admin_user, at=at)
    with pytest.raises(FlagSettled):
        settle_flag(flag=flag, verdict="Передумала, это обман", by=admin_user, at=at)

    flag.refresh_from_db()
    assert (flag.verdict, flag.settled_by, flag.settled_at) == (FOUND, admin_user, at)
    row = AuditEntry.objects.get(action="transactions.flag_settled")
    assert (row.actor_id, row.business_id, row.reason) == (
        admin_user.pk,
        flag.business_id,
        FOUND,
    )


def test_finding_wants_words_and_a_flag(flag, admin_user, at):  # noqa: F811
    with pytest.raises(ReasonMissing):
        settle_flag(flag=flag, verdict="ок", by=admin_user, at=at)
    with pytest.raises(NotFound):
        settle_flag(flag=FraudFlag(), verdict=FOUND, by=admin_user, at=at)

    flag.refresh_from_db()
    assert flag.settled_at is None


def test_flag_is_settled_on_its_page_and_closed_then(flag, admin_client):  # noqa: F811
    before = listed(admin_client, open="1"), listed(admin_client, open="0")

    short = admin_client.post(page(flag), {"reason": "ок"})
    done = admin_client.post(page(flag), {"reason": FOUND})
    again = admin_client.post(page(flag), {"reason": "Передумала, это обман"})

    assert (short.status_code, done.status_code, again.status_code) == (200, 302, 403)
    assert (before, (listed(admin_client, open="1"), listed(admin_client, open="0"))) == (
        (1, 0),
        (0, 1),
    )
    shown = admin_client.get(page(flag)).content.decode()
    assert FOUND in shown
    assert 'name="reason"' not in shown
