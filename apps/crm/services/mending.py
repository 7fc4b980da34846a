"""What an owner does with records that were put aside."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts import rules as people
from apps.accounts.models import User
from apps.accounts.services import PhoneInvalid
from apps.core import audit, sealing
from apps.core.errors import NotFound, Refused
from apps.crm.enums import BY_PHONE, Kind, RecordState
from apps.crm.models import ExternalRecord
from apps.crm.net import Failed
from apps.crm.services.applying import apply_documents
from apps.crm.services.claims import locked
from apps.crm.services.connections import may_change
from apps.crm.services.locks import alone
from apps.crm.services.opening import opened
from apps.crm.services.settling import settle

MOST = 500
OPEN = (RecordState.QUARANTINE, RecordState.UNCLAIMED, RecordState.WAITING)


class AlreadyApplied(Refused):
    code = "WRONG_STATE"
    message = _("This record is in the ledger already.")


class SystemSilent(Refused):
    code = "UNAVAILABLE"
    message = _("The system does not answer. The record stays where it is; try again later.")


class NoSuchMember(Refused):
    code = "VALIDATION_ERROR"
    message = _("Nobody with this phone is a member yet.")


def find_record(*, record_id: UUID, by: User) -> ExternalRecord:
    """A record of a business that she manages. Raises NotFound."""
    record = (
        ExternalRecord.objects.select_related("integration__business").filter(pk=record_id).first()
    )
    if record is None:
        raise NotFound
    may_change(by, record.integration.business)
    return record


def retry_record(*, record_id: UUID, by: User, at: datetime) -> ExternalRecord:
    """Read the document again and try once more. Raises NotFound, AlreadyApplied, SystemSilent,
    Busy when the connection is being read now."""
    record = find_record(record_id=record_id, by=by)
    if record.state not in OPEN:
        raise AlreadyApplied
    with alone("sync", record.integration_id, patience=3):
        ExternalRecord.objects.filter(pk=record.pk).update(digest="", attempts=record.attempts + 1)
        try:
            with opened(record.integration) as adapter:
                found = adapter.fetch_one(record.entity, record.external_id)
                apply_documents(record.integration, adapter, found)
        except Failed as failed:
            raise SystemSilent from failed
        except NotImplementedError:
            _settle_again(record_id, at=at)
    return ExternalRecord.objects.get(pk=record_id)


def retry_records(*, record_ids: Sequence[UUID], by: User, at: datetime) -> int:
    """The same for many, 500 at most; how many are in the ledger now."""
    done = 0
    for record_id in record_ids[:MOST]:
        try:
            done += retry_record(record_id=record_id, by=by, at=at).state == RecordState.APPLIED
        except Refused:
            continue
    return done


@transaction.atomic
def _settle_again(record_id: UUID, *, at: datetime) -> None:
    record = locked(record_id)
    if record.reason not in BY_PHONE:
        record.reason = ""
    settle(integration=record.integration, records=[record], at=at)


@transaction.atomic
def match_record(*, record_id: UUID, phone: str, by: User, at: datetime) -> ExternalRecord:
    """Say whose sale it is. Stays so, whatever the system says later. Raises NotFound,
    AlreadyApplied, PhoneInvalid, NoSuchMember."""
    find_record(record_id=record_id, by=by)
    record = locked(record_id)
    if record.kind != Kind.SALE or record.state not in (
        RecordState.QUARANTINE,
        RecordState.UNCLAIMED,
    ):
        raise AlreadyApplied
    number = people.normalize_phone(phone)
    if number is None:
        raise PhoneInvalid
    member = User.objects.with_phone(number)
    if member is None:
        raise NoSuchMember
    record.member = User.objects.select_related("tier").get(pk=member.pk)
    record.matched_by_hand = True
    record.phone_index = sealing.blind_index(number, purpose="phone")
    if record.reason in BY_PHONE:
        record.reason = ""
    settle(integration=record.integration, records=[record], at=at)
    audit.record(
        by,
        "crm.match",
        "externalrecord",
        record.pk,
        business_id=record.integration.business_id,
    )
    return record


@transaction.atomic
def ignore_record(*, record_id: UUID, by: User) -> None:
    """Leave a record out for good. Raises NotFound, AlreadyApplied."""
    find_record(record_id=record_id, by=by)
    record = locked(record_id)
    if record.applied or record.state not in OPEN:
        raise AlreadyApplied
    record.state, record.reason = RecordState.IGNORED, ""
    record.save(update_fields=["state", "reason"])
    audit.record(
        by,
        "crm.ignore",
        "externalrecord",
        record.pk,
        business_id=record.integration.business_id,
    )
