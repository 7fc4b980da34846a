"""An adapter of an integration, with its secrets opened and its journal kept."""

from collections.abc import Iterator
from contextlib import contextmanager

from apps.crm.adapters import ADAPTERS, BaseCRMAdapter, Place
from apps.crm.models import CallLog, CRMIntegration, SyncRun
from apps.crm.net import Call
from apps.crm.services.credentials import CREDENTIALS, StoredTokens, open_json

MOST_CALLS = 500  # of one opening; a back-fill's ten thousand pages are not news


@contextmanager
def opened(integration: CRMIntegration, *, run: SyncRun | None = None) -> Iterator[BaseCRMAdapter]:
    """Use as a context; the journal is written at its end, whatever happened."""
    calls: list[CallLog] = []

    def note(call: Call) -> None:
        if len(calls) < MOST_CALLS:
            calls.append(CallLog(integration=integration, run=run, **vars(call)))

    adapter = ADAPTERS[integration.system](
        Place(
            base_url=integration.base_url,
            credentials=open_json(
                integration.credentials_sealed, place=CREDENTIALS, owner=integration.pk
            ),
            options=integration.options,
            zone=integration.zone,
            scope=_scope(integration),
            free_address=integration.free_address,
            tokens=StoredTokens(integration.pk),
            journal=note,
        )
    )
    try:
        with adapter:
            yield adapter
    finally:
        CallLog.objects.bulk_create(calls)


def _scope(integration: CRMIntegration) -> str:
    """What the system counts its limits by: YCLIENTS our address, the others the account."""
    return "all" if integration.system == "yclients" else str(integration.pk)
