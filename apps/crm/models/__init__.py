"""The CRM hub.

* CRMIntegration: one system of one business: address, sealed credentials, cursor, breaker.
* SyncRun: one read of it, with its counts; at most one runs per integration (advisory lock).
* ExternalRecord: one document of the outside, unique (integration, entity, external id), with the
  value that the ledger holds for it. `applied` is that value: a new sum is a delta, never a
  second sale. Rows that do not fit are put aside here with a reason.
* Supplement: a later sale of the same record, when its sum grew.
* WebhookEvent: a call from outside: ids only, kept 30 days against repeats.
* CallLog: one request to a system, masked: path, status, category of failure.
* DuplicateMerge: two sales that were one, with the way back.
* Backfill: years of the past, with its progress.
"""

from apps.crm.models.integrations import Backfill, CRMIntegration, SyncRun
from apps.crm.models.logs import CallLog, WebhookEvent
from apps.crm.models.records import DuplicateMerge, ExternalRecord, Supplement

__all__ = [
    "Backfill",
    "CRMIntegration",
    "CallLog",
    "DuplicateMerge",
    "ExternalRecord",
    "Supplement",
    "SyncRun",
    "WebhookEvent",
]
