"""What the clock asks of analytics: a night's work, once a day, and patience without ClickHouse."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.analytics import tasks
from apps.analytics.models import ChurnModel, Export, Snapshot
from apps.analytics.services import score_all, training
from apps.core.models import Delivery
from tests.analytics.purchases import Bought, put
from tests.analytics.test_churn import regulars
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db


@pytest.fixture
def yesterday() -> Any:
    return timezone.localdate() - timedelta(days=1)


@pytest.fixture
def down(settings: Any) -> None:
    gone = {"embedded": False, "url": "http://127.0.0.1:9/none"}
    settings.CLICKHOUSE = settings.CLICKHOUSE | gone


def told_in(caplog: Any) -> list[dict[str, Any]]:
    return [row.msg for row in caplog.records if isinstance(row.msg, dict)]


def newest(kind: str, business: Any = None) -> Snapshot:
    return Snapshot.objects.get(kind=kind, business=business)


def test_night_keeps_yesterday_of_the_network_and_of_each_partner_once(facts, business, yesterday):
    put(
        [
            Bought(1, 1, yesterday, shop=business.pk),
            Bought(2, 2, yesterday - timedelta(days=70), shop=business.pk),
            Bought(3, 3, yesterday + timedelta(days=1), shop=business.pk),  # today is not over
        ]
    )

    segments = [tasks.snapshot_rfm(), tasks.snapshot_rfm()]
    risks = [tasks.score_churn(), tasks.score_churn()]

    assert (segments, risks) == ([2, 0], [2, 0])
    for scope in (None, business):
        assert (newest("rfm", scope).day, newest("rfm", scope).rows) == (yesterday, 2)
        assert (newest("churn", scope).day, newest("churn", scope).rows) == (yesterday, 2)


def test_models_are_fitted_once_a_day_and_last_windows_checked(facts, business, yesterday, at):
    put(regulars(15, until=yesterday, shop=business.pk))
    score_all(day=yesterday - timedelta(days=90), at=at)

    first, again = tasks.fit_churn(), tasks.fit_churn()

    assert (first, again) == (4, 2)  # two models, and the network and one partner looked at
    assert set(ChurnModel.objects.values_list("scope", "fitted_on")) == {
        ("network", yesterday),
        ("business", yesterday),
    }
    for scope in (None, business):
        check = newest("churn_check", scope)
        told = check.summary
        assert told["of"] == (yesterday - timedelta(days=90)).isoformat()
        assert (check.day, told["share_scored"], told["model_age_days"]) == (yesterday, 1, 0)
        assert told["metrics"]["auc"] > 0.5
        # Too few to be sure of: the cold start is in force, which has nothing to drift from.
        assert told["drift"] == {}
    assert set(
        ChurnModel.objects.filter(published_at__isnull=False).values_list(
            "document__kind", flat=True
        )
    ) == {"mbg"}


def test_first_window_is_judged_before_any_model(facts, yesterday, at):
    cut = yesterday - timedelta(days=90)
    put([Bought(1, 1, cut), Bought(2, 2, cut), Bought(3, 2, yesterday)])
    score_all(day=cut, at=at)

    check = training.check_window(business=None, day=yesterday, at=at)

    told = check.summary
    assert (told["model"], told["model_age_days"], told["drift"]) == (None, None, {})
    assert (told["metrics"]["rows"], told["metrics"]["churned"]) == (2, 1)


def test_too_few_came_twice_to_say_what_a_guest_is_worth(facts, yesterday):
    put([Bought(1, 1, yesterday), Bought(2, 2, yesterday)])

    tasks.fit_churn()

    assert not Snapshot.objects.filter(kind="worth").exists()
    assert set(ChurnModel.objects.values_list("document__kind", flat=True)) == {"mbg"}


@pytest.mark.parametrize("name", ["load_facts", "snapshot_rfm", "score_churn", "fit_churn"])
def test_night_waits_for_clickhouse(facts, business, down, name, caplog):
    sale(business=business)
    waiting = Delivery.objects.filter(state="waiting").count()

    done = getattr(tasks, name)()

    [told] = [one for one in told_in(caplog) if one["event"].endswith((".wait", ".waits"))]
    assert (done, told["reason"]) == (0, "clickhouse does not answer")
    assert not Snapshot.objects.exists()
    assert Delivery.objects.filter(state="waiting").count() == waiting


def test_books_and_facts_are_compared_every_night(facts, business):
    sale(business=business, amount="700.00")

    left = tasks.reconcile()

    done = newest("reconciled").summary
    assert (left, done["found"], done["left"]) == (0, 0, 0)


def test_comparing_waits_for_clickhouse_too(facts, business, down, caplog):
    sale(business=business)

    left = tasks.reconcile()

    assert (left, told_in(caplog)[-1]["event"]) == (0, "reconcile.waits")
    assert not Snapshot.objects.exists()


def test_pictures_of_all_dashboards_are_kept(facts, business):
    sale(business=business, amount="700.00")
    tasks.load_facts()

    assert tasks.keep_dashboards() == 2

    kept = newest("dashboard", business)
    assert kept.summary["widgets"]["kpis"]["revenue"]["value"] == "700.00"


def test_files_go_after_a_week(owner, business):
    now = timezone.now()
    for days in (6, 8):
        Export.objects.create(
            business=business, asked_by=owner, form="csv", day=now.date(), rows_total=1,
            created_at=now - timedelta(days=days),
        )  # fmt: skip

    assert (tasks.forget_exports(), tasks.forget_exports()) == (1, 0)
    assert Export.objects.get().created_at == now - timedelta(days=6)
