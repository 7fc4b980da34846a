"""Triggers that hold the ledger's invariants for every writer, psql included.

1. After postings are born, their arrows are applied to lots, wallets and debts: one statement for
   any number of rows, with a transition table.
2. After lots and debts are born, the wallet learns of them.
3. Postings, journal rows and debts are never changed; lots and wallets move only from inside the
   triggers above (their depth tells).
"""

from django.db import migrations

APPLY = """
CREATE FUNCTION loyalty_apply_postings() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE loyalty_lot l SET
        pending = l.pending + d.pending,
        available = l.available + d.available,
        held = l.held + d.held,
        spent = l.spent + d.spent,
        expired = l.expired + d.expired,
        revoked = l.revoked + d.revoked,
        clawed = l.clawed + d.clawed
    FROM (
        SELECT f.lot_id,
            sum((f.dst = 'pending')::int * f.amount - (f.src = 'pending')::int * f.amount)::bigint AS pending,
            sum((f.dst = 'available')::int * f.amount - (f.src = 'available')::int * f.amount)::bigint AS available,
            sum((f.dst = 'held')::int * f.amount - (f.src = 'held')::int * f.amount)::bigint AS held,
            sum((f.dst = 'spent')::int * f.amount - (f.src = 'spent')::int * f.amount)::bigint AS spent,
            sum((f.dst = 'expired')::int * f.amount)::bigint AS expired,
            sum((f.dst = 'revoked')::int * f.amount)::bigint AS revoked,
            coalesce(sum(f.amount) FILTER (WHERE f.dst = 'revoked' AND j.kind = 'clawback'), 0)::bigint AS clawed
        FROM fresh f JOIN loyalty_journal j ON j.id = f.journal_id
        GROUP BY f.lot_id
    ) d
    WHERE l.id = d.lot_id;

    UPDATE loyalty_wallet w SET
        pending = w.pending + d.pending,
        available = w.available + d.available,
        held = w.held + d.held
    FROM (
        SELECT l.wallet_id,
            sum((f.dst = 'pending')::int * f.amount - (f.src = 'pending')::int * f.amount)::bigint AS pending,
            sum((f.dst = 'available')::int * f.amount - (f.src = 'available')::int * f.amount)::bigint AS available,
            sum((f.dst = 'held')::int * f.amount - (f.src = 'held')::int * f.amount)::bigint AS held
        FROM fresh f JOIN loyalty_lot l ON l.id = f.lot_id
        GROUP BY l.wallet_id
    ) d
    WHERE w.member_id = d.wallet_id;

    IF EXISTS (SELECT 1 FROM fresh WHERE debt_id IS NOT NULL) THEN
        WITH repaid AS (
            UPDATE loyalty_debt t SET repaid = t.repaid + d.amount
            FROM (SELECT debt_id, sum(amount)::bigint AS amount FROM fresh
                  WHERE debt_id IS NOT NULL GROUP BY debt_id) d
            WHERE t.id = d.debt_id
            RETURNING t.wallet_id, d.amount
        )
        UPDATE loyalty_wallet w SET debt = w.debt - d.amount
        FROM (SELECT wallet_id, sum(amount)::bigint AS amount FROM repaid GROUP BY wallet_id) d
        WHERE w.member_id = d.wallet_id;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER posting_applies AFTER INSERT ON loyalty_posting
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION loyalty_apply_postings();
"""

BIRTHS = """
CREATE FUNCTION loyalty_lots_born() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM fresh
        WHERE pending <> amount OR available + held + spent + expired + revoked + clawed <> 0
    ) THEN
        RAISE EXCEPTION 'a lot is born with everything pending' USING ERRCODE = 'check_violation';
    END IF;
    UPDATE loyalty_wallet w SET pending = w.pending + d.amount
    FROM (SELECT wallet_id, sum(amount)::bigint AS amount FROM fresh GROUP BY wallet_id) d
    WHERE w.member_id = d.wallet_id;
    RETURN NULL;
END $$;

CREATE TRIGGER lot_born AFTER INSERT ON loyalty_lot
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION loyalty_lots_born();

CREATE FUNCTION loyalty_debts_born() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM fresh WHERE repaid <> 0) THEN
        RAISE EXCEPTION 'a debt is born unpaid' USING ERRCODE = 'check_violation';
    END IF;
    UPDATE loyalty_wallet w SET debt = w.debt + d.amount
    FROM (SELECT wallet_id, sum(amount)::bigint AS amount FROM fresh GROUP BY wallet_id) d
    WHERE w.member_id = d.wallet_id;
    UPDATE loyalty_lot l SET clawed = l.clawed + d.amount
    FROM (SELECT lot_id, sum(amount)::bigint AS amount FROM fresh GROUP BY lot_id) d
    WHERE l.id = d.lot_id;
    RETURN NULL;
END $$;

CREATE TRIGGER debt_born AFTER INSERT ON loyalty_debt
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION loyalty_debts_born();
"""

GUARDS = """
CREATE FUNCTION loyalty_written_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are written once; correct them with another row', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER posting_written_once BEFORE UPDATE OR DELETE ON loyalty_posting
FOR EACH ROW EXECUTE FUNCTION loyalty_written_once();
CREATE TRIGGER journal_written_once BEFORE UPDATE OR DELETE ON loyalty_journal
FOR EACH ROW EXECUTE FUNCTION loyalty_written_once();
CREATE TRIGGER lot_never_deleted BEFORE DELETE ON loyalty_lot
FOR EACH ROW EXECUTE FUNCTION loyalty_written_once();
CREATE TRIGGER wallet_never_deleted BEFORE DELETE ON loyalty_wallet
FOR EACH ROW EXECUTE FUNCTION loyalty_written_once();
CREATE TRIGGER debt_never_deleted BEFORE DELETE ON loyalty_debt
FOR EACH ROW EXECUTE FUNCTION loyalty_written_once();

CREATE FUNCTION loyalty_moved_by_postings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- depth 1 is a statement of somebody's own; a posting's trigger reaches here at depth 2
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION '% moves by postings only', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER lot_moved_by_postings BEFORE UPDATE ON loyalty_lot
FOR EACH ROW EXECUTE FUNCTION loyalty_moved_by_postings();
CREATE TRIGGER wallet_moved_by_postings BEFORE UPDATE ON loyalty_wallet
FOR EACH ROW EXECUTE FUNCTION loyalty_moved_by_postings();
CREATE TRIGGER debt_moved_by_postings BEFORE UPDATE ON loyalty_debt
FOR EACH ROW EXECUTE FUNCTION loyalty_moved_by_postings();

-- A wallet is born empty: its totals are the sum of its lots.
CREATE FUNCTION loyalty_wallet_born() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.pending + NEW.available + NEW.held + NEW.debt <> 0 THEN
        RAISE EXCEPTION 'a wallet is born empty' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER wallet_born BEFORE INSERT ON loyalty_wallet
FOR EACH ROW EXECUTE FUNCTION loyalty_wallet_born();
"""

UNDO = """
DROP FUNCTION IF EXISTS loyalty_apply_postings, loyalty_lots_born, loyalty_debts_born,
    loyalty_written_once, loyalty_moved_by_postings, loyalty_wallet_born CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0001_initial")]
    operations = [migrations.RunSQL([APPLY, BIRTHS, GUARDS], reverse_sql=UNDO)]
