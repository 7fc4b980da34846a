"""Columns and fields that the admins of all apps share."""

from decimal import Decimal

import pytest

from apps.core.admin_base import AmountField, link
from apps.core.ids import new_id
from apps.notifications.models import Mute, Provider


def test_a_record_with_a_page_is_a_link_and_another_its_name_alone():
    assert link(Provider(name="<b>")) == (
        '<a class="sk-link" href="/admin/notifications/provider/_3Cb_3E/change/">&lt;b&gt;</a>'
    )
    assert link(Mute(pk=new_id().int % 1000, topic="news", channel="sms")) == "news sms"


@pytest.mark.parametrize(
    ("typed", "changed"),
    [("1 500,50", False), ("1500.5", False), ("1500", True), ("много", True), ("", True)],
)
def test_a_sum_has_changed_when_it_means_another_one(typed, changed):
    """However it is written; nonsense is a change, so that it is refused and not passed over."""
    field = AmountField()

    assert field.prepare_value(Decimal("1500.50")) == "1\u00a0500,50"
    assert field.has_changed(Decimal("1500.50"), typed) is changed
