"""Every write of the CRM hub. One file per noun; callers import from here."""

from apps.crm.services.backfills import continue_backfill, start_backfill
from apps.crm.services.bells import ask_sync, ask_webhook
from apps.crm.services.claims import claim_records, forget_person
from apps.crm.services.connections import (
    ConnectionMissing,
    ConnectionStale,
    Step,
    change_poll,
    connect,
    reconnect,
    retry_now,
    switch_off,
    switch_on,
    test_connection,
)
from apps.crm.services.duplicates import reconcile_duplicates, undo_merge
from apps.crm.services.mending import ignore_record, match_record, retry_record, retry_records
from apps.crm.services.sync import Busy, run_sync, sync_transactions
from apps.crm.services.webhooks import UnknownKey, process_webhook, take_webhook
from apps.crm.services.writeback import write_back_member

__all__ = [
    "Busy",
    "ConnectionMissing",
    "ConnectionStale",
    "Step",
    "UnknownKey",
    "ask_sync",
    "ask_webhook",
    "change_poll",
    "claim_records",
    "connect",
    "reconnect",
    "continue_backfill",
    "forget_person",
    "ignore_record",
    "match_record",
    "process_webhook",
    "reconcile_duplicates",
    "retry_now",
    "retry_record",
    "retry_records",
    "run_sync",
    "start_backfill",
    "switch_off",
    "switch_on",
    "sync_transactions",
    "take_webhook",
    "test_connection",
    "undo_merge",
    "write_back_member",
]
