"""Leaving: published parameters, two cuts of CDNOW, no look into the future, gates, the command."""

import csv
import io
import json
import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from django.core.management import call_command
from django.utils import timezone

from apps.accounts.queries import surrogates_of
from apps.analytics import loader
from apps.analytics.churn import btyd, fit, queries, rules
from apps.analytics.models import ChurnModel, ChurnRisk, Snapshot
from apps.analytics.services import churn, predict_churn, score_all, training
from apps.core import clickhouse
from apps.core.errors import NotFound
from tests.analytics.purchases import COLUMNS, SHOP, Bought, cdnow_master, cdnow_sample, put
from tests.data import cdnow
from tests.factories.accounts import UserFactory
from tests.factories.transactions import sale

DAY = date(2026, 3, 1)
SUMMARIES = "lifetimes/datasets/cdnow_customers_summary_with_transactions.csv"


@pytest.fixture
def sample(facts: None) -> list[Bought]:
    try:
        return cdnow_sample()
    except cdnow.Unobtainable as sorry:
        pytest.skip(f"the wheel of Lifetimes cannot be had: {sorry}")


def regulars(count: int, *, until: date, shop: UUID = SHOP) -> list[Bought]:
    """Guests of every pace, some of whom stop for good: enough to learn from."""
    chance, rows, number = random.Random(5), [], 1
    for member in range(1, count + 1):
        pace, stops = chance.choice([7, 14, 30]), chance.random() < 0.5
        day = until - timedelta(days=chance.randrange(200, 400))
        end = until - timedelta(days=chance.randrange(0, 200)) if stops else until
        while day <= end:
            rows.append(Bought(number, member, day, Decimal(chance.choice([100, 500])), shop=shop))
            number += 1
            day += timedelta(days=max(1, round(chance.expovariate(1 / pace))))
    return rows


def test_published_parameters_to_three_decimals():
    try:
        text = cdnow.part_of_wheel(cdnow.FOLDER, SUMMARIES)
    except cdnow.Unobtainable as sorry:
        pytest.skip(f"the wheel of Lifetimes cannot be had: {sorry}")
    rows = [[float(cell) for cell in row[1:]] for row in list(csv.reader(io.StringIO(text)))[1:]]
    known, mean = np.array(rows)[:, :3], np.array(rows)[:, 3]

    bg = btyd.fit("bg", known)
    spend = btyd.fit_spend(known[known[:, 0] > 0, 0], mean[known[:, 0] > 0])

    assert [round(value, 3) for value in bg] == [0.243, 4.414, 0.793, 2.426]
    assert round(btyd.log_likelihood("bg", bg, known), 1) == -9582.4
    one = np.array([[2, 30.43, 38.86]])
    assert round(float(btyd.expected_purchases(bg, one, weeks=39)[0]), 3) == 1.226
    assert [round(value, 2) for value in spend] == [6.25, 3.74, 15.45]
    assert btyd.expected_receipt(spend, known[:3, 0], mean[:3]).round(2).tolist() == [
        24.66,
        18.91,
        35.17,
    ]
    assert [round(value, 4) for value in btyd.fit("mbg", known)] == [0.5248, 6.183, 0.8914, 1.614]


@pytest.mark.django_db
def test_the_sample_itself_gives_the_same_parameters(sample):
    """From purchases through the engine, first cut of the papers."""
    put(sample)
    scope = queries.scope_of(business=None, on=date(1997, 9, 30))

    known = np.array(queries.alike(scope, day=scope.on), dtype=float)

    found = btyd.fit("bg", known[:, :3] / [1, 7, 7], counts=known[:, 3])
    assert known[:, 3].sum() == 2357
    assert [round(value, 4) for value in found] == [0.2426, 4.4136, 0.7929, 2.4259]


@pytest.mark.django_db
@pytest.mark.parametrize("on", [date(1998, 2, 28), date(1998, 3, 31)])
def test_cdnow_beats_recency_and_mbg(sample, on):
    """The newest complete window of a model that knew nothing later."""
    put(sample)

    fitted = training.fit_model(network=True, on=on)

    found = fitted.metrics
    assert (fitted.document["kind"], fitted.refused) == ("logistic", "")
    assert found["cut"] == (on - timedelta(days=90)).isoformat()
    assert found["auc"] > found["auc_recency"] + 0.05
    assert found["auc"] > found["auc_mbg"]
    assert found["ece"] < rules.WORST_ECE
    assert found["brier"] < found["brier_base"]


@pytest.mark.django_db
def test_worth_of_a_guest_is_visits_of_a_year_times_receipt(sample, at):
    put(sample)

    for _ in range(2):
        worth = training.reckon_worth(on=date(1997, 9, 30), at=at)

    told = worth.summary
    # The papers' parameters, but for a few who never paid anything.
    assert told["bg_nbd"] == pytest.approx([0.243, 4.414, 0.793, 2.426], abs=0.01)
    assert 2340 < worth.rows == told["guests"] < 2357
    assert Snapshot.objects.filter(kind="worth").count() == 1
    visits, receipt, whole = (
        float(told[name]) for name in ("visits_12_months", "receipt", "worth_12_months")
    )
    assert whole == pytest.approx(visits * receipt, rel=0.2)


@pytest.mark.slow
@pytest.mark.django_db
def test_all_of_cdnow_at_seven_cuts(facts):
    """23,570 customers: better than both floors at every month's end."""
    put(cdnow_master())
    ends = ["1997-12-31", "1998-01-31", "1998-02-28", "1998-03-31"]
    ends += ["1998-04-30", "1998-05-31", "1998-06-30"]

    found = {
        end: training.fit_model(network=True, on=date.fromisoformat(end)).metrics for end in ends
    }

    assert [end for end, m in found.items() if m["auc"] <= m["auc_mbg"]] == []
    assert [end for end, m in found.items() if m["auc"] <= m["auc_recency"] + 0.02] == []


@pytest.mark.django_db
def test_whatever_comes_later_changes_no_feature(facts):
    """Later purchases are moved, dearer, gone; earlier receipts come back whole: nothing is seen."""
    rows = regulars(60, until=DAY + timedelta(days=120))
    put(rows)
    scope = queries.Scope(None, DAY + timedelta(days=60), 60, date(2025, 1, 1), 60)
    before = queries.histories(scope, [DAY])

    chance = random.Random(3)
    moved = []
    for row in rows:
        if row.day > DAY:
            moved.append(Bought(row.number + 10_000, row.member, DAY + timedelta(days=1)))
        elif chance.random() < 0.3:
            later = DAY + timedelta(days=chance.randrange(1, 50))
            whole = {"of": row.number, "closes": True}
            moved.append(Bought(row.number + 20_000, row.member, later, -row.money, **whole))
    put(moved, token="later")
    after = queries.histories(scope, [DAY])

    assert [replace(row, gone=False) for row in after] == [
        replace(row, gone=False) for row in before
    ]
    assert [row.gone for row in after] != [row.gone for row in before]


@pytest.mark.django_db
def test_what_came_back_by_then_is_not_seen(facts):
    back = Bought(3, 1, DAY, Decimal(-100), of=2, closes=True)
    put([Bought(1, 1, DAY - timedelta(days=9)), Bought(2, 1, DAY - timedelta(days=2)), back])
    scope = queries.scope_of(business=None, on=DAY)

    [row] = queries.histories(scope, [DAY])

    assert (row.recency, row.visits, row.money_90) == (9, 1, 100.0)


@pytest.mark.django_db
def test_a_model_is_a_document_that_scores_like_the_library(facts):
    put(regulars(400, until=DAY))
    scope = queries.scope_of(business=None, on=DAY)
    fitted = training.fit_model(network=True, on=DAY)
    document = json.loads(json.dumps(fitted.document))
    rows = queries.histories(scope, [DAY])

    chances, added = rules.scores(document, rows, horizon=scope.horizon)

    sample = fitted.samples[0]
    cuts = scope.cuts()
    train = fit.table([(scope, sample.at(cuts[1 : rules.MOST_CUTS + 1]))])
    platt = fit.table([(scope, sample.at(cuts[:1]))])
    scaler = fit.StandardScaler().fit(train.x)
    model = fit.LogisticRegression(max_iter=1000).fit(scaler.transform(train.x), train.gone)
    again = fit.LogisticRegression(C=1e6).fit(
        model.decision_function(scaler.transform(platt.x)).reshape(-1, 1), platt.gone
    )
    plain = scaler.transform(rules.features_of(rows, horizon=scope.horizon))
    wanted = again.predict_proba(model.decision_function(plain).reshape(-1, 1))[:, 1]
    assert np.abs(chances - wanted).max() < 1e-6
    assert added.shape == (len(rows), 4)


@pytest.mark.django_db
def test_a_refused_model_leaves_the_one_before(facts, at):
    put(regulars(400, until=DAY))
    fitted = replace(training.fit_model(network=True, on=DAY), refused="")
    good = training.publish(fitted, at=at)

    bad = training.publish(replace(fitted, refused="no_better_than_recency"), at=at)
    start = training.publish(replace(fitted, document={"kind": "mbg"}), at=at)

    assert (good.refused_because, bad.published_at, start.published_at) == ("", None, None)
    assert start.refused_because == "less_than_before"
    assert queries.published("network").pk == good.pk


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, ""),
        ({"auc": 0.619}, "no_better_than_recency"),
        ({"ece": 0.061}, "badly_calibrated"),
    ],
)
def test_gates(change, why):
    good: dict[str, Any] = {"auc": 0.7, "auc_recency": 0.6, "ece": 0.03}

    assert rules.verdict(good | change) == why
    assert rules.verdict(None) == "no_report"


@pytest.mark.django_db
def test_an_altered_document_is_not_used(facts, at):
    put(regulars(400, until=DAY))
    model = training.publish(training.fit_model(network=True, on=DAY), at=at)
    ChurnModel.objects.update(document=model.document | {"intercept": -9})

    with pytest.raises(rules.ModelAltered):
        score_all(day=DAY, at=at)


@pytest.mark.django_db
def test_predict_churn_before_any_model(facts, business, member):
    with pytest.raises(churn.NothingBought):
        predict_churn(member.pk)
    now = timezone.now()
    fresh, silent, lost = member, UserFactory(), UserFactory()
    for who, days in ((fresh, 1), (silent, 80), (lost, 300)):
        sale(business=business, member=who, amount="700.00", occurred_at=now - timedelta(days=days))
    loader.load_waiting()

    chances = [predict_churn(who.pk) for who in (fresh, silent, lost)]

    assert 0 < chances[0] < chances[1] < chances[2] == 1.0
    assert predict_churn(fresh.pk, business=business) == chances[0]
    with pytest.raises(churn.NothingBought):
        predict_churn(UserFactory().pk)
    with pytest.raises(NotFound):
        predict_churn(UUID(int=1))


@pytest.mark.django_db
def test_the_night_scores_everybody_once_and_the_window_tells_later(facts, at):
    rows = regulars(400, until=DAY)
    put(rows)
    early = DAY - timedelta(days=60)
    training.publish(replace(training.fit_model(network=True, on=early), refused=""), at=at)

    assert (score_all(day=early, at=at), score_all(day=early, at=at)) == (1, 0)

    kept = Snapshot.objects.get(kind="churn")
    stored = "SELECT count(), countIf(held_out), countIf(band = 'high') FROM churn_scores"
    [(count, held, high)] = clickhouse.read("test", stored)
    assert count == kept.rows == sum(kept.summary["bands"].values())
    assert high == kept.summary["bands"]["high"]
    assert 0 < held < high / 4
    check = training.check_window(business=None, day=DAY, at=at)
    assert check.summary["metrics"]["auc"] > 0.6
    assert check.summary["share_scored"] == 1
    assert check.summary["model_age_days"] == 60
    asked = check.summary["high_risk"]
    assert asked["asked"] + asked["held_out"] == high
    assert set(check.summary["drift"]) == set(rules.FEATURES)


@pytest.mark.django_db
def test_guests_at_risk_are_kept_by_name_for_their_partner(facts, api, business, owner, member):
    her = surrogates_of([str(member.pk)])[str(member.pk)]
    when = timezone.localdate() - timedelta(days=70)
    row = Bought(1, 1, when, shop=business.pk).row()
    row[3] = her
    clickhouse.insert("transaction_facts", COLUMNS, [row], token="x")
    score_all(day=timezone.localdate(), at=timezone.now())

    [risk] = ChurnRisk.objects.filter(business=business)
    assert (risk.member, risk.recency, risk.visits) == (member, 70, 1)
    assert "silence" in risk.reasons
    [told] = api.as_(owner).get("/analytics/churn").json()["data"]["members"]
    assert told["bandWords"] in ("средний", "высокий")  # not the words of a message's priority
    assert queries.export_of(member, at=timezone.now())["risk_of_leaving"]


@pytest.mark.django_db
def test_the_command(facts, business):
    put(regulars(400, until=DAY, shop=business.pk))
    out = io.StringIO()

    call_command("churn", business=business.slug, on=DAY, json=True, stdout=out)

    told = json.loads(out.getvalue())
    assert (told["scope"], told["business"], told["on"]) == ("business", business.slug, str(DAY))
    assert told["metrics"] == told["metrics_pooled"]
    assert told["model"]["kind"] == "logistic"
    assert told["checksum"] == rules.checksum(told["model"])
    assert len(told["scores"]) > 100
    assert all(0 <= one["probability"] <= 1 for one in told["scores"])
    assert not ChurnModel.objects.exists()
    short = io.StringIO()
    call_command("churn", network=True, on=DAY, publish=True, stdout=short)
    assert "auc_mbg" in short.getvalue()
    assert ChurnModel.objects.filter(published_at__isnull=False).count() == 1
