"""Papers of mutual settlement in the admin, a partner that leaves, lists of members."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.core.models import AuditEntry
from apps.loyalty import rules, services
from apps.loyalty.models import SegmentEntry, Terms
from tests.factories.businesses import BusinessFactory


@pytest.fixture
def statement(member):
    """The salon issued 50 last month, 20 of them were spent in the café."""
    first = rules.month_before(timezone.now())
    at = rules.month_bounds(first)[0] + timedelta(days=10)
    salon = BusinessFactory(name="Салон", slug="salon")
    cafe = BusinessFactory(name="Кафе", slug="cafe")
    services.earn_for_purchase(
        member=member, business=salon, paid=Decimal(1000), key="e", occurred_at=at, posted_at=at
    )
    services.spend_bonus(
        member=member, business=cafe, amount=Decimal(20), key="s", at=at, posted_at=at
    )
    return services.close_month(month=first, by=None, at=timezone.now())


def test_unspent_bonuses_by_issuer(statement, admin_client):
    text = admin_client.get(reverse("admin:loyalty_terms_liability")).content.decode()

    assert "Салон · 30,00" in text
    assert "от 31 до 90 дней" in text


@pytest.mark.parametrize("asked", ["", "?business=salon", "?business=salon&with=cafe"])
def test_a_printed_statement_says_who_owes_whom(asked, statement, admin_client):
    page = reverse("admin:loyalty_statement_print", args=[statement.pk])

    text = admin_client.get(page + asked).content.decode()

    assert "Акт взаимных расчётов" in text
    assert text.count("20,00") >= 3
    assert admin_client.get(f"{page}?business=nowhere").status_code == 404


def test_files_for_a_spreadsheet(statement, admin_client):
    whole = reverse("admin:loyalty_statement_csv", args=[statement.pk])
    line = reverse("admin:loyalty_statementline_csv", args=[statement.lines.get().pk])

    assert "Салон;Кафе;принятые бонусы;20,00;20,00;1" in admin_client.get(whole).content.decode(
        "utf-8-sig"
    )
    assert "доступно;потрачено" in admin_client.get(line).content.decode("utf-8-sig")


WHY = "письмо партнёра от 12 ноября"


def test_a_partner_leaves_by_the_button_with_a_reason(admin_client, business):
    terms, _made = Terms.objects.get_or_create(business=business, defaults={"deposit": Decimal(0)})
    page = reverse("admin:loyalty_terms_change", args=[terms.pk])
    button = reverse("admin:loyalty_terms_run_off", args=[terms.pk])
    before = admin_client.get(page).content.decode()

    admin_client.post(button, {"reason": "ушли", "_form_submitted": "on"})
    assert not Terms.objects.filter(run_off_since__isnull=False).exists()
    admin_client.post(button, {"reason": WHY, "_form_submitted": "on"})

    assert Terms.objects.get(pk=terms.pk).run_off_since
    assert button in before
    assert button not in admin_client.get(page).content.decode()
    assert AuditEntry.objects.filter(action="settlement.run_off", reason=WHY).exists()


def test_a_list_of_members_is_filled_and_emptied(admin_client, member):
    page = reverse("admin:loyalty_segmententry_changelist")
    fill = reverse("admin:loyalty_segmententry_fill")
    given = {"code": "spring", "cards": member.card_number, "reason": WHY, "_form_submitted": "on"}

    shown = admin_client.get(fill).content.decode()
    answer = admin_client.post(fill, given, follow=True).content.decode()
    refused = admin_client.post(fill, given | {"cards": "12"}, follow=True).content.decode()

    assert "Номера карт" in shown
    assert "Добавлено: 1." in answer
    assert "номеров карт по 12 цифр" in refused
    entry = SegmentEntry.objects.get()
    gone = {"action": "take_out", "_selected_action": [entry.pk]}
    assert admin_client.post(page, gone).status_code == 200  # asks why
    admin_client.post(page, gone | {"reason": WHY})
    assert not SegmentEntry.objects.exists()
