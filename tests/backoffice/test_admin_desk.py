"""The network's desk in the admin: its first page, offers decided, wallets adjusted, words of
campaigns and steps."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services.code_guard import ALARM
from apps.businesses.models import Business
from apps.core.models import AuditEntry, Beat, Delivery, Message
from apps.events.enums import State
from apps.events.models import Event
from apps.loyalty import services
from apps.loyalty.models import Adjustment, Counter, OfferConstructor
from apps.loyalty.queries import balance_of
from apps.notifications.models import Provider
from tests.factories.businesses import BusinessFactory
from tests.factories.coupons import campaign, chain, step
from tests.factories.events import in_voting
from tests.factories.offers import draft_of, offer_of
from tests.signed_in import enter

pytestmark = pytest.mark.django_db
WHY = "согласовано с владелицей письмом"


def said(answer) -> str:
    return answer.content.decode().replace("\u00a0", " ")


# --- the first page ------------------------------------------------------------------------------
def fact(desk: Client, title: str) -> tuple[str, str, str]:
    """(value, note, tone) of one number."""
    [found] = [one for one in desk.get("/admin/").context["facts"] if one.title == title]
    return found.value, str(found.note).replace("\u00a0", " "), found.tone


def test_the_first_page_warns_of_what_waits_too_long(desk: Client) -> None:
    long_ago = timezone.now() - timedelta(days=40)
    assert fact(desk, "Сообщения в очереди")[2] == "good"

    event = in_voting(at=long_ago)
    Event.objects.filter(pk=event.pk).update(state=State.THRESHOLD_REACHED, supported_at=long_ago)
    Message.objects.all().delete()
    message = Message.objects.create(topic="EventVoted", payload={})
    waiting = Delivery.objects.create(message=message, listener="apps.x.y", state="waiting")
    Message.objects.update(created_at=long_ago)
    Delivery.objects.update(due_at=long_ago)
    slow = fact(desk, "Сообщения в очереди")
    Delivery.objects.filter(pk=waiting.pk).update(state="dead")
    until = timezone.now() + timedelta(hours=1)
    Provider.objects.create(name="fcm", channel="push", rests_until=until, trouble="403")
    Beat.objects.create(name=ALARM, at=timezone.now(), note="12 %")

    assert (slow[0], slow[2]) == ("1", "warn")
    assert fact(desk, "Сообщения в очереди")[2] == "bad"
    assert fact(desk, "Поддержанные предложения")[::2] == ("1", "bad")
    assert "fcm" in fact(desk, "Недоставленные сообщения")[1]
    assert "12 %" in fact(desk, "Кодов по SMS за час")[1]


def test_a_ledger_with_a_fault_or_too_large_is_told(
    desk: Client, salon: Business, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.earn_for_purchase(
        member=anna, business=salon, paid=Decimal(1000), key="e",
        occurred_at=timezone.now(), posted_at=timezone.now(),
    )  # fmt: skip
    well = fact(desk, "Книги")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE loyalty_wallet DISABLE TRIGGER USER")
        cursor.execute("UPDATE loyalty_wallet SET available = available + 1")
    kept = fact(desk, "Книги")
    cache.clear()
    wrong = fact(desk, "Книги")
    cache.clear()
    monkeypatch.setattr("apps.backoffice.dashboard.PROOF_BUDGET", "1ms")
    monkeypatch.setattr("apps.backoffice.dashboard.ledger_faults", slow_proof)
    large = fact(desk, "Книги")

    assert well == kept  # proved once in ten minutes
    assert (well[2], wrong[2], large[2]) == ("good", "bad", "")
    assert "ночью" in large[0]


def slow_proof() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")
    return {}


# --- offers --------------------------------------------------------------------------------------
def decide(desk: Client, offer: OfferConstructor, decision: str) -> str:
    url = reverse("admin:loyalty_offerconstructor_change", args=[offer.pk])
    sets = desk.get(url).context["inline_admin_formsets"]
    form = {"decision": decision, "reason": WHY}
    for one in sets:
        form |= {f"{one.formset.prefix}-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    return said(desk.post(url, form, follow=True))


def test_an_offer_is_approved_paused_and_ended_or_sent_back(
    desk: Client, salon: Business, olga: User
) -> None:
    at = timezone.now()
    good, bad = (draft_of(salon, by=olga, budget=None) for _n in range(2))
    for offer in (good, bad):
        services.submit_offer(offer_id=offer.pk, by=olga, at=at)

    states = []
    for decision in ("approve", "pause", "end"):
        decide(desk, good, decision)
        states.append(OfferConstructor.objects.get(pk=good.pk).state)
    decide(desk, bad, "return")

    assert states == ["active", "paused", "ended"]
    assert OfferConstructor.objects.get(pk=bad.pk).state == "draft"
    assert AuditEntry.objects.filter(object_id=str(bad.pk), reason=WHY).exists()


@pytest.mark.parametrize(
    ("terms", "gift"),
    [
        ({"kind": "percent", "value": Decimal("7.50")}, "+ 7,5 %"),
        ({"kind": "fixed", "value": Decimal(300)}, "+ 300"),
        ({"kind": "multiplier", "value": Decimal(2)}, "× 2"),
    ],
)
def test_a_list_of_offers_says_what_each_gives_and_what_is_left(
    desk: Client, salon: Business, terms: dict[str, Any], gift: str
) -> None:
    offer = offer_of(salon, budget=Decimal(1500), **terms)
    free = offer_of(salon, budget=None, **(terms | {"priority": 2}))
    Counter.objects.create(scope=f"offer:{offer.pk}", period="", used=150_000)

    page = said(desk.get(reverse("admin:loyalty_offerconstructor_changelist")))

    assert gift in page
    assert re.search(r"1 500(,00)? из 1 500", page)
    assert free.version.name in page


# --- wallets -------------------------------------------------------------------------------------
def test_a_balance_is_adjusted_in_a_dialog_once(desk: Client, irina: User, anna: User) -> None:
    services.adjust_balance(
        member=anna, amount=Decimal(1), reason=WHY, by=irina, key="w", at=timezone.now()
    )
    url = reverse("admin:loyalty_wallet_adjust", args=[anna.pk])
    form = {
        "_form_submitted": "True", "direction": "add", "amount": "250,50", "reason": WHY,
        "once": str(uuid4()),
    }  # fmt: skip

    away = enter(Client(), irina, confirmed_ago=3600).post(url, form)
    answers = [desk.post(url, form) for _n in range(2)]
    take = form | {"direction": "take", "amount": "999", "once": str(uuid4())}

    assert away.url.startswith("/login/confirm/")
    row = Adjustment.objects.latest("asked_at")
    to = reverse("admin:loyalty_adjustment_change", args=[row.pk])
    assert [answer.url for answer in answers] == [to, to]
    assert balance_of(anna.pk, at=timezone.now()).available == Decimal("251.50")
    assert Adjustment.objects.count() == 2
    page = said(desk.get(reverse("admin:loyalty_wallet_change", args=[anna.pk])))
    assert reverse("admin:loyalty_journal_changelist") in page
    too_much = desk.post(url, take)  # the last: a refusal ends the transaction
    [told] = get_messages(too_much.wsgi_request)
    assert "Бонусов не хватает" in str(told)


# --- campaigns and steps -------------------------------------------------------------------------
def test_a_campaign_says_how_it_stands_beside_others_and_its_budget(
    desk: Client, salon: Business
) -> None:
    def page(**given: Any) -> str:
        made = campaign(salon, **given)
        return said(desk.get(reverse("admin:coupons_campaign_change", args=[made.pk])))

    bill = page(group="bill", budget=Decimal(1000))
    alone = page(group="")
    group = page(group="hair")

    assert "один такой на счёт" in bill
    assert "1 000" in bill
    assert "сочетается со всеми" in alone
    assert "hair" in group


def test_steps_of_a_chain_say_when_they_give(desk: Client, salon: Business) -> None:
    made = chain(
        step(salon, BusinessFactory(), category="брови", every_nth=3, min_amount=Decimal(1500)),
        step(salon, BusinessFactory(), first_visit=True),
        topology="fan",
    )
    version = made.versions.get()

    page = said(desk.get(reverse("admin:crosspromo_version_change", args=[version.pk])))

    assert "от 1 500" in page
    assert "брови" in page
    assert "3-я" in page
    assert "первая" in page
