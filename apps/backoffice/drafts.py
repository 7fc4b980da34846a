"""Drafts of pages with several steps: begun, kept at each step, dropped."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.accounts.models import User
from apps.backoffice.models import Draft
from apps.businesses.models import Business
from apps.core.errors import NotFound

KEPT = timedelta(days=90)  # nobody goes on with an older one


@transaction.atomic
def begin(
    *,
    business: Business,
    kind: str,
    by: User,
    at: datetime,
    data: dict[str, Any] | None = None,
    subject: UUID | None = None,
    seen: int | None = None,
) -> Draft:
    """A new draft; what was left lying for a season goes."""
    Draft.objects.filter(business=business, updated_at__lt=at - KEPT).delete()
    return Draft.objects.create(
        business=business,
        kind=kind,
        by=by,
        data=data or {},
        subject=subject,
        seen=seen,
        created_at=at,
        updated_at=at,
    )


def find(*, business: Business, kind: str, draft_id: UUID) -> Draft:
    """A draft of this business. Raises NotFound."""
    found = Draft.objects.select_related("by").filter(business=business, kind=kind, pk=draft_id)
    draft = found.first()
    if draft is None:
        raise NotFound
    return draft


@transaction.atomic
def keep(*, draft_id: UUID, changes: dict[str, Any], by: User, at: datetime) -> Draft:
    """Write these fields over the others; two tabs on different steps do not lose each other's.

    Raises NotFound: it was sent from another tab meanwhile.
    """
    draft = Draft.objects.select_for_update(of=("self",)).filter(pk=draft_id).first()
    if draft is None:
        raise NotFound
    draft.data = draft.data | changes
    draft.by, draft.updated_at = by, at
    draft.save(update_fields=["data", "by", "updated_at"])
    return draft


def of_business(*, business: Business, kind: str) -> list[Draft]:
    """Drafts that wait to be finished, the latest first."""
    rows = Draft.objects.filter(business=business, kind=kind).select_related("by")
    return list(rows.order_by("-updated_at")[:10])


def take(*, draft_id: UUID) -> Draft:
    """The draft, ours until the transaction ends: sent twice, it is saved once. Raises NotFound."""
    draft = Draft.objects.select_for_update(of=("self",)).filter(pk=draft_id).first()
    if draft is None:
        raise NotFound
    return draft


def drop(*, draft: Draft) -> None:
    Draft.objects.filter(pk=draft.pk).delete()
