"""A database of many members and sales, made quickly: `python -m tests.bench.speed.load`.

One of each thing is made by the product itself; its rows are then multiplied within PostgreSQL, so
that no column is invented here. The ledger stays true: the audit that runs every night is asked at
the end. Members are numbered, their ids follow from the numbers; so do those of sales.
"""

import argparse
import os
import sys
import time
from decimal import Decimal
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "svoykrug.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 - Django first
from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from apps.accounts.models import Session, StatusTier, User  # noqa: E402
from apps.businesses.models import Business, Membership, Role  # noqa: E402
from apps.businesses.services import add_staff  # noqa: E402
from apps.core import clickhouse  # noqa: E402
from apps.events.services import create_event, publish_event  # noqa: E402
from apps.loyalty.models import Journal, Lot, Posting, Wallet  # noqa: E402
from apps.loyalty.queries import ledger_faults  # noqa: E402
from apps.transactions.models import Transaction  # noqa: E402
from apps.transactions.services import record_purchase  # noqa: E402
from tests.bench.speed import begins  # noqa: E402
from tests.bench.test_analytics import FILL  # noqa: E402
from tests.factories.events import planned  # noqa: E402

BUSINESSES, STAFF, EVENTS = 20, 400, 40
DAYS = 150  # of trade; bonuses live 180, so none has lapsed
PAID = Decimal(1000)


def uuid_of(kind: int, number: str) -> str:
    """An id that grows with the number, as ours do; an SQL expression."""
    return f"('{begins(kind)}' || lpad(to_hex({number}), 12, '0'))::uuid"


def multiply(model: Any, one: Any, numbers: str, **given: str) -> None:
    """Rows like `one` for each `n` of `numbers`, with these columns by expression."""
    table = model._meta.db_table
    columns = [f.column for f in model._meta.concrete_fields if not f.db_returning]
    chosen = ", ".join(given.get(column, f't."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    key = model._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" ({names}) SELECT {chosen} FROM "{table}" t, {numbers} '
            f'WHERE t."{key}" = %s',
            [one.pk],
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, required=True)
    parser.add_argument("--sales", type=int, required=True)
    asked = parser.parse_args()
    started = time.monotonic()
    call_command("migrate", verbosity=0, interactive=False)
    call_command("migrate_clickhouse")

    def said(step: str) -> None:
        print(f"{step}: {time.monotonic() - started:.0f} s", flush=True)

    said("schema")
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Foreign keys are checked with each statement: triggers cannot be switched off before.
            cursor.execute("SET LOCAL statement_timeout = 0; SET CONSTRAINTS ALL IMMEDIATE")
        fill(asked.members, asked.sales)
        said("rows")
    # Beside the transaction: it must not idle while ClickHouse works.
    fill_facts(asked.members, asked.sales, Business.objects.get(slug="bench-0"))
    said("facts")
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT") if may_checkpoint(cursor) else None
    said("vacuum")
    faults = ledger_faults()
    said("audit")
    if faults:
        sys.exit(f"The ledger is not true: {faults}")
    print(f"{asked.members:,} members, {asked.sales:,} sales: {time.monotonic() - started:.0f} s")


def may_checkpoint(cursor: Any) -> bool:
    cursor.execute("SELECT pg_has_role(current_user, 'pg_checkpoint', 'member')")
    return bool(cursor.fetchone()[0])


def fill(members: int, sales: int) -> None:
    at = timezone.now()
    tier = StatusTier.objects.get(position=1)
    shops = [
        Business.objects.create(
            slug=f"bench-{n}", name=f"Партнёр {n}", category="salon", city="Москва"
        )
        for n in range(BUSINESSES)
    ]
    make_members(members, tier)
    make_staff(shops[0], tier)
    make_events(at)
    model = User.objects.get(pk=uuid_of_number(1, 0))
    sale = record_purchase(
        business=shops[0], member=model, amount=PAID, occurred_at=at, by=None, key="model"
    )
    multiply_sales(members, sales, sale, at=at)


def uuid_of_number(kind: int, number: int) -> str:
    return f"{begins(kind)}{number:012x}"


def make_members(count: int, tier: StatusTier) -> None:
    one = User(first_name="Анна", last_name="Тестова", city="Москва", tier=tier)
    one.set_unusable_password()
    one.save()
    many = f"generate_series(0, {count - 1}) n"
    multiply(User, one, many, id=uuid_of(1, "n"), card_number="'7' || lpad(n::text, 11, '0')")
    session = Session.objects.create(user=one, device_name="bench")
    multiply(Session, session, many, id=uuid_of(2, "n"), user_id=uuid_of(1, "n"),
             refresh_jti="gen_random_uuid()")  # fmt: skip


def make_staff(shop: Business, tier: StatusTier) -> None:
    """Who sells, and an owner who looks at figures; each signed in."""
    one = User(first_name="Ольга", tier=tier)
    one.set_unusable_password()
    one.save()
    add_staff(business=shop, user=one, role=Role.OWNER, by=None, at=timezone.now())
    one.refresh_from_db()
    many = f"generate_series(0, {STAFF - 1}) n"
    multiply(User, one, many, id=uuid_of(3, "n"), card_number="'8' || lpad(n::text, 11, '0')")
    session = Session.objects.create(user=one, device_name="bench")
    multiply(Session, session, many, id=uuid_of(4, "n"), user_id=uuid_of(3, "n"),
             refresh_jti="gen_random_uuid()")  # fmt: skip
    membership = Membership.objects.get(user=one)
    multiply(Membership, membership, many, id="gen_random_uuid()", user_id=uuid_of(3, "n"))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO guardian_userobjectpermission "
            "(object_pk, content_type_id, permission_id, user_id) "
            f"SELECT object_pk, content_type_id, permission_id, {uuid_of(3, 'n')} "
            f"FROM guardian_userobjectpermission, {many} WHERE user_id = %s",
            [one.pk],
        )


def make_events(at: Any) -> None:
    admin = User.objects.exclude(job="").first()
    assert admin
    admin.job = "admin"
    admin.pk, admin.card_number = uuid_of_number(5, 0), "900000000000"
    admin.save(force_insert=True)
    for number in range(EVENTS):
        event = create_event(planned(at, title=f"Вечер {number}", capacity=20), admin, at=at)
        publish_event(event=event, by=admin, at=at)


def multiply_sales(members: int, sales: int, sale: Transaction, *, at: Any) -> None:
    journal = Journal.objects.get(key=str(sale.pk))
    lot = Lot.objects.get(journal=journal)
    posting = Posting.objects.get(lot=lot)
    many = f"generate_series(0, {sales - 1}) n"
    member = uuid_of(1, f"mod(n, {members})")
    # Each member's sales spread over the days, the newest a minute ago.
    moment = f"now() - make_interval(secs => 60 + ({sales} - n) * {DAYS * 86400 / sales:.6f})"
    shop = "(SELECT array_agg(id ORDER BY id) FROM businesses_business WHERE slug LIKE 'bench-%%')"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE bench_shops ON COMMIT DROP AS SELECT {shop} AS ids")
        for table in (Posting, Lot, Wallet, Journal):
            cursor.execute(f"ALTER TABLE {table._meta.db_table} DISABLE TRIGGER USER")
    here = f"(SELECT ids FROM bench_shops)[1 + mod(n, {BUSINESSES})]"
    multiply(Transaction, sale, many, id=uuid_of(6, "n"), member_id=member, business_id=here,
             key="'bench:' || n", occurred_at=moment, recorded_at=moment,
             pending_until="NULL")  # fmt: skip
    with connection.cursor() as cursor:
        each = f"(({sales} - n - 1) / {members} + 1)"
        cursor.execute(
            "INSERT INTO loyalty_wallet (member_id, pending, available, held, debt) "
            f"SELECT {uuid_of(1, 'n')}, 0, {each} * {lot.amount}, 0, 0 "
            f"FROM generate_series(0, {min(members, sales) - 1}) n "
            "ON CONFLICT (member_id) DO UPDATE SET "
            "available = loyalty_wallet.available + excluded.available"
        )
    multiply(Journal, journal, many, id=uuid_of(7, "n"), wallet_id=member, business_id=here,
             key=f"{uuid_of(6, 'n')}::text", occurred_at=moment, posted_at=moment)  # fmt: skip
    multiply(Lot, lot, many, wallet_id=member, issuer_id=here, journal_id=uuid_of(7, "n"),
             activates_at=moment, expires_at=f"{moment} + interval '180 days'")  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO loyalty_posting (journal_id, lot_id, src, dst, amount, acceptor_id, debt_id) "
            "SELECT l.journal_id, l.id, p.src, p.dst, p.amount, p.acceptor_id, p.debt_id "
            "FROM loyalty_lot l, loyalty_posting p WHERE p.id = %s AND l.id <> %s ORDER BY l.id",
            [posting.pk, lot.pk],
        )
        for table in (Posting, Lot, Wallet, Journal):
            cursor.execute(f"ALTER TABLE {table._meta.db_table} ENABLE TRIGGER USER")


def fill_facts(members: int, sales: int, shop: Business) -> None:
    clickhouse.command("TRUNCATE TABLE transaction_facts")
    clickhouse.write("bench", FILL, rows=sales, guests=members, whole=1, shop=str(shop.pk))


if __name__ == "__main__":
    main()
