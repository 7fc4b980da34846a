"""Connecting a business to its system, and watching over the connection."""

import secrets
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from apps.accounts import rights
from apps.accounts.models import User
from apps.accounts.services import written_reason
from apps.businesses.models import Business
from apps.core import audit, sealing
from apps.core.errors import Forbidden, Invalid, NotFound, Refused
from apps.crm import rules
from apps.crm.adapters import ADAPTERS, BaseCRMAdapter
from apps.crm.enums import State, Trouble
from apps.crm.models import CRMIntegration
from apps.crm.net import Failed
from apps.crm.net.client import CONNECT_SECONDS, trusted
from apps.crm.services.credentials import (
    CREDENTIALS,
    SECRET,
    SECRET_BEFORE,
    WEBHOOK,
    hint_of,
    open_json,
    seal_json,
)
from apps.crm.services.opening import opened

TASK = "apps.crm.tasks.sync_integration"
MOST_OPTIONS = 4000  # bytes
TWO_SECRETS = timedelta(days=2)  # both are taken while the other side is being changed


class ConnectionMissing(NotFound):
    message = _("This business has no such connection.")


class ConnectionStale(Refused):
    code = "STALE"
    message = _("Somebody changed this connection meanwhile. Nothing was changed.")


class SystemUnknown(Invalid):
    field = "system"
    message = _("Choose one of the systems of the list.")


class AddressForeign(Invalid):
    field = "baseUrl"
    message = _("Only a chief administrator sets an address outside of the vendor's.")


class OptionMissing(Invalid):
    field = "options"
    message = _("The system wants these settings: %(names)s.")


class OptionsTooLong(Invalid):
    field = "options"
    message = _("The settings are too long.")


@dataclass(frozen=True)
class Step:
    """One step of a test: what was tried, whether it worked, why not, how long it took."""

    name: str
    ok: bool
    trouble: str
    ms: int


def may_change(by: User | None, business: Business) -> None:
    """`by` None is the machine room."""
    if by is not None and not by.has_perm(rights.TABLE["crm.change"].permission, business):
        raise NotFound


@transaction.atomic
def connect(  # noqa: PLR0913 - the fields of a connection
    *,
    business: Business,
    system: str,
    by: User | None,
    base_url: str = "",
    credentials: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    secret: str | None = None,
    enrols: bool | None = None,
    writes_back: bool | None = None,
    poll_minutes: int | None = None,
) -> CRMIntegration:
    """Make or change the connection of a business to a system. What is None or empty stays.

    Credentials go in and never come out. It is not used before a test went through. Raises
    NotFound, SystemUnknown, AddressForeign, OptionMissing, OptionsTooLong.
    """
    may_change(by, business)
    adapter = ADAPTERS.get(system)
    if adapter is None:
        raise SystemUnknown
    row = _row(business, adapter)
    _set_address(row, adapter, base_url, by)
    _set_options(row, adapter, options)
    _set_secrets(row, adapter, credentials, secret)
    for name, value in (
        ("enrols", enrols),
        ("writes_back", writes_back and adapter.can_write_back if writes_back else writes_back),
        ("poll_minutes", poll_minutes),
    ):
        if value is not None:
            setattr(row, name, value)
    row.save()
    if row.state == State.ACTIVE:
        _schedule(row)
    audit.record(by, "crm.connect", "crmintegration", row.pk, business_id=business.pk)
    return row


@transaction.atomic
def reconnect(
    *,
    business: Business,
    system: str,
    by: User | None,
    unchanged: Callable[[CRMIntegration | None], bool],
    **changes: Any,
) -> CRMIntegration:
    """`connect` for a page with a form: `unchanged` judges the locked row, None when there is none
    yet: is it still what she saw. Raises ConnectionStale and what `connect` raises."""
    may_change(by, business)
    rows = CRMIntegration.objects.select_for_update(of=("self",))
    if not unchanged(rows.filter(business=business, system=system).first()):
        raise ConnectionStale
    return connect(business=business, system=system, by=by, **changes)


def _row(business: Business, adapter: type[BaseCRMAdapter]) -> CRMIntegration:
    found = (
        CRMIntegration.objects.select_for_update(of=("self",))
        .select_related("business")
        .filter(business=business, system=adapter.system)
        .first()
    )
    if found:
        return found
    row = CRMIntegration(
        business=business,
        system=adapter.system,
        base_url=adapter.usual_url,
        poll_minutes=adapter.poll_minutes,
        lookback_days=adapter.lookback_days,
    )
    key = secrets.token_urlsafe(32)
    row.webhook_digest = sealing.blind_index(key, purpose=WEBHOOK)
    row.webhook_sealed = sealing.seal(key, context=f"{WEBHOOK}:{row.pk}")
    return row


def webhook_key(integration: CRMIntegration) -> str:
    """The unguessable part of the address that the system is to call."""
    return sealing.unseal(
        integration.webhook_sealed, context=f"{WEBHOOK}:{integration.pk}"
    ).decode()


def _set_address(
    row: CRMIntegration, adapter: type[BaseCRMAdapter], base_url: str, by: User | None
) -> None:
    url = base_url.strip().rstrip("/")
    if not url or url == row.base_url:
        return
    host = url.partition("://")[2].partition("/")[0].partition(":")[0].lower()
    vendors = url.startswith("https://") and rules.host_fits(host, adapter.policy.hosts)
    simulator = settings.CRM_SIMULATOR_ALLOWED and host == "127.0.0.1"
    if not vendors and not simulator:
        if by is not None and not rights.may("crm.free_address", job=by.job):
            raise AddressForeign
        row.free_address = True
    else:
        row.free_address = False
    row.base_url = url[:200]


def _set_options(
    row: CRMIntegration, adapter: type[BaseCRMAdapter], options: Mapping[str, Any] | None
) -> None:
    row.options = row.options | dict(options or {})
    if len(orjson.dumps(row.options)) > MOST_OPTIONS:
        raise OptionsTooLong
    missing = [name for name in adapter.settings if not row.options.get(name)]
    if missing:
        raise OptionMissing(names=", ".join(missing))


def _set_secrets(
    row: CRMIntegration,
    adapter: type[BaseCRMAdapter],
    credentials: Mapping[str, str] | None,
    secret: str | None,
) -> None:
    given = {
        name: str(value).strip()
        for name, value in (credentials or {}).items()
        if name in adapter.fields and str(value).strip()
    }
    if given:
        kept = open_json(row.credentials_sealed, place=CREDENTIALS, owner=row.pk)
        row.credentials_sealed = seal_json(kept | given, place=CREDENTIALS, owner=row.pk)
        row.credentials_hint = hint_of(next(iter(given.values())))
        row.tokens_sealed, row.refresh_digest, row.reconnect_by = "", "", None
    if secret:
        if row.secret_sealed:
            before = sealing.unseal(row.secret_sealed, context=f"{SECRET}:{row.pk}")
            row.secret_before_sealed = sealing.seal(before, context=f"{SECRET_BEFORE}:{row.pk}")
            row.secret_before_until = timezone.now() + TWO_SECRETS
        row.secret_sealed = sealing.seal(secret, context=f"{SECRET}:{row.pk}")


# --- the test, step by step ----------------------------------------------------------------------
def test_connection(*, integration: CRMIntegration, by: User | None) -> list[Step]:
    """Address, line, sign-in, reading: each with its time; the first that fails is the last.
    When all of them work the connection does. Raises NotFound."""
    may_change(by, integration.business)
    steps: list[Step] = []
    with opened(integration) as adapter:
        tries: list[tuple[str, Callable[[], object]]] = [
            ("address", adapter.client.target),
            ("line", lambda: _touch(adapter)),
            ("sign_in", adapter.sign_in),
            ("reading", adapter.check_reading),
        ]
        for name, attempt in tries:
            began = time.monotonic()
            trouble = ""
            try:
                attempt()
            except Failed as failed:
                trouble = failed.trouble
            ms = round((time.monotonic() - began) * 1000)
            steps.append(Step(name, not trouble, trouble, ms))
            if trouble:
                break
    _conclude(integration, steps, by)
    return steps


test_connection.__test__ = False  # type: ignore[attr-defined]  # a service, not a test of pytest


def _touch(adapter: BaseCRMAdapter) -> None:
    """Connect and, for https, prove the certificate."""
    target = adapter.client.target()
    try:
        with socket.create_connection((target.address, target.port), CONNECT_SECONDS) as line:
            if target.scheme == "https":
                with trusted().wrap_socket(line, server_hostname=target.host):
                    pass
    except ssl.SSLError as broken:
        raise Failed(Trouble.TLS) from broken
    except TimeoutError as late:
        raise Failed(Trouble.TIMEOUT) from late
    except OSError as away:
        raise Failed(Trouble.NETWORK) from away


@transaction.atomic
def _conclude(integration: CRMIntegration, steps: list[Step], by: User | None) -> None:
    row = CRMIntegration.objects.select_for_update().get(pk=integration.pk)
    good = all(step.ok for step in steps)
    if good:
        row.state, row.trouble, row.troubled_at = State.ACTIVE, "", None
        row.failures = row.pauses = 0
        row.paused_until = None
    else:
        row.trouble, row.troubled_at = steps[-1].trouble, timezone.now()
    row.save()
    if good:
        _schedule(row)
    audit.record(
        by,
        "crm.test",
        "crmintegration",
        row.pk,
        business_id=row.business_id,
        changed={"ok": good},
    )
    integration.refresh_from_db()


# --- on, off, how often --------------------------------------------------------------------------
@transaction.atomic
def switch_off(*, integration: CRMIntegration, by: User | None) -> None:
    """Ask no more; what was brought stays. A draft stays one. Raises NotFound."""
    may_change(by, integration.business)
    tested = CRMIntegration.objects.filter(pk=integration.pk).exclude(state=State.DRAFT)
    tested.update(state=State.OFF)
    PeriodicTask.objects.filter(name=schedule_name(integration)).update(enabled=False)
    audit.record(
        by, "crm.off", "crmintegration", integration.pk, business_id=integration.business_id
    )


@transaction.atomic
def switch_on(*, integration: CRMIntegration, by: User | None) -> None:
    """Ask again what was switched off, without a test: it went through before. Others stay as they
    are. Raises NotFound."""
    may_change(by, integration.business)
    row = CRMIntegration.objects.select_for_update().get(pk=integration.pk)
    if row.state != State.OFF:
        return
    row.state = State.ACTIVE
    row.save(update_fields=["state"])
    _schedule(row)
    audit.record(by, "crm.on", "crmintegration", row.pk, business_id=row.business_id)


@transaction.atomic
def retry_now(*, integration: CRMIntegration, by: User | None, at: datetime) -> None:
    """End a pause before its time. Raises NotFound."""
    may_change(by, integration.business)
    CRMIntegration.objects.filter(pk=integration.pk).update(paused_until=None)
    audit.record(
        by, "crm.retry_now", "crmintegration", integration.pk, business_id=integration.business_id
    )


@transaction.atomic
def change_poll(
    *, integration: CRMIntegration, changes: Mapping[str, Any], by: User, reason: str
) -> None:
    """How often and how far back a system is asked. Raises Forbidden, ReasonMissing."""
    if not by.has_perm("crm.change_crmintegration"):
        raise Forbidden
    reason = written_reason("crm.poll", reason, by=by)
    row = CRMIntegration.objects.select_for_update().get(pk=integration.pk)
    for name in changes.keys() & {"poll_minutes", "lookback_days", "enrols", "writes_back"}:
        setattr(row, name, changes[name])
    untouched = {field.name for field in row._meta.fields} - set(changes)
    row.clean_fields(exclude=untouched)
    row.save()
    if row.state == State.ACTIVE:
        _schedule(row)
    audit.record(
        by,
        "crm.change",
        "crmintegration",
        row.pk,
        business_id=row.business_id,
        reason=reason,
        changed=dict(changes),
    )


def schedule_name(integration: CRMIntegration) -> str:
    return f"crm.sync {integration.business.slug} {integration.system}"


def _schedule(integration: CRMIntegration) -> None:
    """The row of django-celery-beat by which Beat asks for this connection."""
    every, _made = IntervalSchedule.objects.get_or_create(
        every=integration.poll_minutes, period=IntervalSchedule.MINUTES
    )
    PeriodicTask.objects.update_or_create(
        name=schedule_name(integration),
        defaults={
            "task": TASK,
            "interval": every,
            "kwargs": orjson.dumps({"integration_id": str(integration.pk)}).decode(),
            "enabled": True,
        },
    )
