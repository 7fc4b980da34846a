"""Who owes whom: pairs from postings, months by membership, nets that are exactly 0."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.services import ReasonMissing
from apps.businesses.queries import network
from apps.core.errors import Forbidden, NotFound
from apps.core.models import Message
from apps.loyalty import rules, services, tasks
from apps.loyalty import settlement_queries as queries
from apps.loyalty.liability_queries import liability
from apps.loyalty.models import Posting, Settled, Statement, StatementLine, Terms
from apps.loyalty.queries import ledger_faults
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.threads import race

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
IN_OCTOBER = datetime(2026, 10, 10, 12, tzinfo=UTC)
IN_NOVEMBER = datetime(2026, 11, 10, 12, tzinfo=UTC)
AFTER_OCTOBER = datetime(2026, 11, 1, 0, 30, tzinfo=rules.MOSCOW)
AFTER_NOVEMBER = datetime(2026, 12, 1, 0, 30, tzinfo=rules.MOSCOW)
MORE = "сумма не сходится с кассой"


def earn(member, business, paid="1000.00", *, at=IN_OCTOBER, key="e"):
    return services.earn_for_purchase(
        member=member, business=business, paid=Decimal(paid), key=f"{key}:{business.slug}",
        occurred_at=at, posted_at=at,
    )  # fmt: skip


def spend(member, business, amount, *, at=IN_OCTOBER, key="s"):
    return services.spend_bonus(
        member=member, business=business, amount=Decimal(amount), key=f"{key}:{business.slug}",
        at=at, posted_at=at,
    )  # fmt: skip


def close(month=OCTOBER, at=AFTER_OCTOBER) -> Statement:
    return services.close_month(month=month, by=None, at=at)


def matrix(month=OCTOBER, at=AFTER_NOVEMBER) -> dict[tuple[str, str], Decimal]:
    lines = queries.matrix_of(month, at=at).lines
    return {(line.debtor.slug, line.creditor.slug): line.amount for line in lines if line.counts}


@pytest.fixture
def salon(db):
    return BusinessFactory(slug="salon", name="Салон")


@pytest.fixture
def cafe(db):
    return BusinessFactory(slug="cafe", name="Кафе")


@pytest.fixture
def owed(member, salon, cafe):
    """The salon issued 50 and 20 of them were spent in the café in October."""
    earn(member, salon)
    return spend(member, cafe, "20.00")


# --- pairs and nets ------------------------------------------------------------------------------
def test_the_issuer_owes_the_acceptor(owed, salon, cafe):
    close()

    assert matrix() == {("salon", "cafe"): Decimal("20.00")}
    nets = {net.business.slug: net.net for net in queries.matrix_of(OCTOBER, at=AFTER_OCTOBER).nets}
    assert nets == {"cafe": Decimal("20.00"), "salon": Decimal("-20.00")}
    assert ledger_faults() == {}


def test_a_return_is_owed_the_other_way(owed, member, salon, cafe):
    services.refund_spend(
        journal_id=owed.journal_id, amount=Decimal("5.00"), key="r", at=IN_NOVEMBER
    )
    close()
    close(NOVEMBER, AFTER_NOVEMBER)

    assert matrix() == {("salon", "cafe"): Decimal("20.00")}
    assert matrix(NOVEMBER) == {("salon", "cafe"): Decimal("-5.00")}


def test_repaying_a_debt_settles_between_partners(member, salon, cafe):
    """The salon takes back a bonus that was spent; the café's bonus pays for it."""
    bought = earn(member, salon)
    spend(member, salon, "50.00")
    services.claw_back(
        journal_id=bought.journal_id, returned=Decimal("1000.00"), key="c", at=IN_OCTOBER
    )
    earn(member, cafe, "400.00")
    close()

    assert matrix() == {("cafe", "salon"): Decimal("20.00")}


def test_the_settlement_price_is_of_the_day_of_issue(member, salon, cafe, monkeypatch):
    monkeypatch.setattr(rules, "SETTLEMENT_RATE_BP", 3_333)
    earn(member, salon, "1000.00")
    earn(member, cafe, "1000.00")
    spend(member, cafe, "0.01", key="s1")
    spend(member, salon, "60.02", key="s2")
    close()

    lines = queries.matrix_of(OCTOBER, at=AFTER_OCTOBER).lines
    exact = sum(line.bonuses for line in lines if line.counts) * Decimal("0.3333")
    assert sum(matrix().values()) == exact.quantize(Decimal("0.01"))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    parts=st.lists(st.integers(-(10**12), 10**12), max_size=30),
    unit=st.sampled_from([1, 7, 10_000]),
)
def test_shares_add_up_to_the_rounded_total(parts, unit):
    shares = rules.apportion(parts, unit=unit)

    assert abs(Decimal(sum(parts)) / unit - sum(shares)) <= Decimal("0.5")
    assert all(
        part // unit <= share <= part // unit + 1 for part, share in zip(parts, shares, strict=True)
    )


def test_the_largest_remainder_is_rounded_up_first():
    assert rules.apportion([14_000, 16_000, 10_000], unit=10_000) == [1, 2, 1]
    assert rules.apportion([-14_000, 4_000], unit=10_000) == [-1, 0]


# --- closing -------------------------------------------------------------------------------------
def test_midnight_in_moscow_parts_the_months(member, salon, cafe):
    _since, midnight = rules.month_bounds(OCTOBER)
    earn(member, salon)
    spend(member, cafe, "3.00", at=midnight - timedelta(microseconds=1), key="a")
    spend(member, cafe, "4.00", at=midnight, key="b")
    close()
    close(NOVEMBER, AFTER_NOVEMBER)

    assert matrix() == {("salon", "cafe"): Decimal("3.00")}
    assert matrix(NOVEMBER) == {("salon", "cafe"): Decimal("4.00")}


def test_a_month_closes_once_and_in_order(owed):
    with pytest.raises(services.MonthNotOver):
        close(NOVEMBER, AFTER_OCTOBER)
    first = close()

    assert close() == first
    assert Message.objects.filter(topic="StatementClosed").count() == 2
    close(NOVEMBER, AFTER_NOVEMBER)
    with pytest.raises(services.LaterMonthClosed):
        close(date(2026, 9, 1))


def test_a_person_closes_no_month(owed):
    with pytest.raises(Forbidden):
        services.close_month(month=OCTOBER, by=UserFactory(job="admin"), at=AFTER_OCTOBER)


def test_what_commits_late_falls_into_the_next_statement(owed, member, cafe):
    """Its number may be small and its moment of October: membership decides."""
    close()
    spend(member, cafe, "7.00", at=IN_OCTOBER, key="late")
    close(NOVEMBER, AFTER_NOVEMBER)

    assert matrix(NOVEMBER) == {("salon", "cafe"): Decimal("7.00")}
    touched = Posting.objects.filter(acceptor__isnull=False)
    assert Settled.objects.count() == touched.count() == 2


def test_a_draft_says_what_the_close_will_say(owed):
    draft = queries.matrix_of(OCTOBER, at=AFTER_OCTOBER)
    assert (draft.statement, Statement.objects.count(), Settled.objects.count()) == (None, 0, 0)
    close()

    closed = queries.matrix_of(OCTOBER, at=AFTER_OCTOBER)
    told = [(one.debtor, one.creditor, one.bonuses, one.amount, one.digest) for one in draft.lines]
    assert told == [
        (one.debtor, one.creditor, one.bonuses, one.amount, one.digest) for one in closed.lines
    ]


@pytest.mark.django_db(transaction=True)
def test_twelve_closers_make_one_statement():
    member, salon, cafe = UserFactory(), BusinessFactory(), BusinessFactory()
    earn(member, salon)
    spend(member, cafe, "20.00")

    outcomes = race(12, lambda _n: close())

    assert len({outcome.pk for outcome in outcomes}) == 1
    assert StatementLine.objects.count() == Settled.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 12])
def test_closing_costs_the_same_for_any_size(size, member, salon, cafe):
    earn(member, salon)
    for n in range(size):
        spend(member, cafe, "1.00", key=f"s{n}")

    with CaptureQueriesContext(connection) as asked:
        close()

    said = [query["sql"] for query in asked.captured_queries]
    ours = [one for one in said if "loyalty_settled" in one]
    assert len(ours) == 2  # membership, pairs
    # + savepoint 2, lock, look for a later month, statement, lines and their savepoint, disputes,
    #   audit, the matrix for the facts 2, two facts with their deliveries
    assert len(said) <= 20


# --- answers -------------------------------------------------------------------------------------
@pytest.fixture
def line(owed):
    close()
    return StatementLine.objects.get()


def test_both_sides_confirm(line, salon, cafe):
    owner = staff_of(salon, role="business_owner")

    services.confirm_line(line_id=line.pk, business=salon, by=owner, at=IN_NOVEMBER)
    services.confirm_line(line_id=line.pk, business=salon, by=owner, at=AFTER_NOVEMBER)
    line.refresh_from_db()
    assert (line.state, line.debtor_confirmed_at) == ("open", IN_NOVEMBER)
    services.confirm_line(line_id=line.pk, business=cafe, by=None, at=IN_NOVEMBER)

    line.refresh_from_db()
    assert line.state == "confirmed"
    with pytest.raises(services.LineAnswered):
        services.dispute_line(line_id=line.pk, business=cafe, by=None, reason=MORE, at=IN_NOVEMBER)


def test_a_disputed_line_moves_to_the_next_statement(line, member, salon, cafe):
    spend(member, cafe, "4.00", at=IN_NOVEMBER, key="more")
    owner = staff_of(cafe, role="business_owner")
    with pytest.raises(ReasonMissing):
        services.dispute_line(line_id=line.pk, business=cafe, by=owner, reason="", at=IN_NOVEMBER)

    services.dispute_line(line_id=line.pk, business=cafe, by=owner, reason=MORE, at=IN_NOVEMBER)

    assert matrix() == {}
    assert queries.matrix_of(OCTOBER, at=AFTER_OCTOBER).nets == []
    assert ledger_faults() == {}
    with pytest.raises(services.LineAnswered):
        services.confirm_line(line_id=line.pk, business=salon, by=None, at=IN_NOVEMBER)
    close(NOVEMBER, AFTER_NOVEMBER)
    assert matrix(NOVEMBER) == {("salon", "cafe"): Decimal("24.00")}
    [carried] = queries.matrix_of(NOVEMBER, at=AFTER_NOVEMBER).lines
    assert carried.carried_from == OCTOBER
    assert ledger_faults() == {}


def test_a_strangers_line_does_not_exist(line, salon):
    far = BusinessFactory()
    stranger, staff = staff_of(far, role="business_owner"), staff_of(salon)

    for business, by in ((far, stranger), (salon, stranger), (salon, staff)):
        with pytest.raises(NotFound):
            services.confirm_line(line_id=line.pk, business=business, by=by, at=IN_NOVEMBER)
        with pytest.raises(NotFound):
            services.dispute_line(
                line_id=line.pk, business=business, by=by, reason=MORE, at=IN_NOVEMBER
            )


@pytest.mark.parametrize(
    "forbidden",
    [
        "UPDATE loyalty_statementline SET amount = amount + 1",
        "DELETE FROM loyalty_statementline",
        "UPDATE loyalty_statement SET closed_at = now()",
        "DELETE FROM loyalty_statement",
        "UPDATE loyalty_settled SET statement_id = statement_id",
        "DELETE FROM loyalty_settled",
        "INSERT INTO loyalty_settled SELECT posting_id, statement_id FROM loyalty_settled",
        "INSERT INTO loyalty_settled (posting_id, statement_id) SELECT p.id, s.id"
        " FROM loyalty_posting p, loyalty_statement s WHERE p.acceptor_id IS NULL",
    ],
)
def test_the_database_keeps_closed_statements(forbidden, line):
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(forbidden)


def test_an_owner_sees_her_periods_in_one_statement(line, member, salon, cafe):
    spend(member, cafe, "4.00", at=IN_NOVEMBER, key="more")
    close(NOVEMBER, AFTER_NOVEMBER)

    with CaptureQueriesContext(connection) as asked:
        periods = queries.periods_of(cafe)

    assert len(asked) == 1
    assert [(one.statement.month, one.net, one.waits_for_us) for one in periods] == [
        (NOVEMBER, Decimal("4.00"), 1),
        (OCTOBER, Decimal("20.00"), 1),
    ]
    [posting] = queries.postings_of(line.pk)
    assert (posting.kind, posting.bonuses) == ("spend", Decimal("20.00"))


# --- terms ---------------------------------------------------------------------------------------
def terms(business, **changes):
    return services.change_terms(
        business=business, changes=changes, by=UserFactory(job="admin"),
        reason="договор от 1 октября", at=IN_OCTOBER,
    )  # fmt: skip


def test_exposure_is_what_is_outstanding_and_what_is_not_settled(owed, salon):
    services.refresh_exposure(at=IN_OCTOBER)

    row = Terms.objects.get(business=salon)
    assert (row.outstanding, row.payable, row.exposure) == (30, 20, 50)
    close()
    services.refresh_exposure(at=AFTER_OCTOBER)
    row.refresh_from_db()
    assert (row.outstanding, row.payable) == (30, 0)


def test_a_used_up_deposit_stops_issuing_and_not_the_sale(owed, member, salon):
    terms(salon, mode="prepaid", deposit=Decimal("50.00"))

    posted = earn(member, salon, key="next")

    assert (posted.amount, posted.replayed) == (0, False)
    back = services.claw_back(
        journal_id=posted.journal_id, returned=Decimal("1000.00"), key="c", at=IN_OCTOBER
    )
    assert back.amount == 0  # nothing was given, nothing is taken
    terms(salon, deposit=Decimal("51.00"))
    assert earn(member, salon, key="paid in").amount == 50


def test_the_reserve_of_the_network_may_take_over(owed, member, salon, cafe):
    terms(salon, mode="prepaid", when_over="reserve")

    earn(member, salon, key="next")

    issuers = list(member_lots(member))
    assert issuers == ["salon", "krug"]


def member_lots(member):
    return (
        Posting.objects.filter(lot__wallet_id=member.pk, src="pending")
        .order_by("id")
        .values_list("lot__issuer__slug", flat=True)
    )


def test_a_credit_limit_warns_and_stops_nobody(owed, member, salon):
    row = terms(salon, credit_limit=Decimal("10.00"))

    assert row.is_over
    assert earn(member, salon, key="next").amount == 50


def test_a_leaving_partner_issues_nothing_and_its_bonuses_stay_good(owed, member, salon, cafe):
    left = services.begin_run_off(business=salon, by=None, reason="закрывается", at=IN_OCTOBER)
    services.refresh_exposure(at=IN_OCTOBER)

    assert earn(member, salon, key="next").amount == 0
    spend(member, cafe, "30.00", key="rest")
    assert left.run_off_until == rules.expiry(activates_at=IN_OCTOBER)
    with pytest.raises(services.AlreadyLeaving):
        services.begin_run_off(business=salon, by=None, reason="закрывается", at=IN_OCTOBER)


# --- liability -----------------------------------------------------------------------------------
def test_liability_by_issuer_and_month_of_expiry(owed, member, salon, cafe):
    later = IN_OCTOBER + timedelta(days=31)
    earn(member, salon, "200.00", at=later, key="later")
    earn(member, cafe, "100.00", at=later, key="later")

    report = liability(at=later)

    assert [(row.issuer, row.month, row.total) for row in report.rows] == [
        ("Кафе", date(2027, 2, 1), Decimal("5.00")),
        ("Салон", date(2027, 1, 1), Decimal("30.00")),
        ("Салон", date(2027, 2, 1), Decimal("10.00")),
    ]
    aged = report.ageing[salon.pk]
    assert (aged.up_to_30, aged.up_to_90, aged.older) == (10, 30, 0)
    assert aged.spent_share is None
    assert report.total == Decimal("45.00")


def test_what_lapsed_is_nobodys_and_makes_the_forecast(owed, member, salon):
    lapsed = IN_OCTOBER + timedelta(days=100)
    earn(member, salon, at=lapsed, key="new")

    report = liability(at=lapsed)

    assert report.total == Decimal("50.00")
    assert report.ageing[salon.pk].spent_share == Decimal("0.4000")
    assert report.expected(salon.pk) == Decimal("20.00")


# --- the clock and the command -------------------------------------------------------------------
def test_the_command_shows_first_and_closes_then(owed, capsys):
    call_command("close_month", "2026-10", "--dry-run")
    assert (Statement.objects.count(), "20,00" in capsys.readouterr().out) == (0, True)

    call_command("close_month", "2026-10")
    call_command("close_month", "2026-10")

    said = capsys.readouterr().out
    assert Statement.objects.count() == 1
    assert "10.2026 · закрыт · 20,00" in said
    assert "Салон → Кафе" in said
    with pytest.raises(CommandError, match="не закончился"):
        call_command("close_month", f"{timezone.localtime():%Y-%m}")


def test_the_clock_closes_the_last_month_once(owed, caplog):
    tasks.close_month()
    tasks.close_month()
    assert Statement.objects.get().month == rules.month_before(timezone.now())

    tasks.refresh_exposure()
    assert Terms.objects.filter(reckoned_at__isnull=False).count() == 2


def test_the_network_is_a_side_that_nobody_writes_to(member, cafe):
    """What it gave of its own is accepted by a partner: it owes, and only the partner is told."""
    reserve = network()
    services.grant_bonus(
        member_id=member.pk, business_id=cafe.pk, parts=[(reserve.pk, Decimal("20.00"))],
        scope="gift", key="of-the-house", at=IN_OCTOBER,
    )  # fmt: skip
    spend(member, cafe, "20.00")
    close()

    assert matrix() == {(reserve.slug, "cafe"): Decimal("20.00")}
    told = Message.objects.filter(topic="StatementClosed")
    assert [one.payload["business_id"] for one in told] == [str(cafe.pk)]


def test_a_side_confirms_all_of_its_lines_at_once(owed, salon, cafe):
    statement = close()

    once = services.confirm_statement(
        statement=statement, business=salon, by=None, at=AFTER_OCTOBER
    )
    again = services.confirm_statement(
        statement=statement, business=salon, by=None, at=AFTER_OCTOBER
    )

    [line] = StatementLine.objects.all()
    assert (once, again) == (1, 0)
    assert (line.debtor_confirmed_at, line.creditor_confirmed_at) == (AFTER_OCTOBER, None)
