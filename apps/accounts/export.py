"""A person's copy of what accounts hold about her (152-FZ art. 14)."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db.models import Q

from apps.accounts import queries
from apps.accounts.models import Consent, PrivacyRequest, Session, User
from apps.core.models import AuditEntry


def export_of(member: User, *, at: datetime) -> dict[str, Any]:
    """Everything but digests, sealed texts, keys and ids of tokens: they say nothing about her."""
    consents = Consent.objects.filter(member=member).order_by("id")
    requests = PrivacyRequest.objects.filter(member=member).order_by("received_at")
    sessions = Session.objects.filter(user=member).order_by("created_at")
    states = queries.consents_of(member.pk, language=member.locale)
    return {
        "profile": _profile(member),
        "new_phone": _new_phone(member),
        "consents": [asdict(state) for state in states],
        "consent_history": list(
            consents.values("purpose", "given", "version", "at", "address", "language")
        ),
        "privacy_requests": list(requests.values("kind", "state", "received_at", "due_at")),
        "sessions": list(
            sessions.values("id", "device_name", "platform", "address", "created_at", "revoked_at")
        ),
        "actions": _actions(member),
    }


def _profile(member: User) -> dict[str, Any]:
    return {
        "id": member.pk,
        "phone": member.phone,
        "email": member.email,
        "birth_date": member.birth_date,
        "first_name": member.first_name,
        "last_name": member.last_name,
        "city": member.city,
        "locale": member.locale,
        "role": member.role,
        "status": member.tier.code,
        "card_number": member.card_number,
        "joined_at": member.joined_at,
        "blocked_at": member.blocked_at,
    }


def _new_phone(member: User) -> dict[str, Any] | None:
    """The number that waits to become hers."""
    move = queries.phone_move_of(member)
    if move is None:
        return None
    return {"phone": member.open_own("phone_move", move.phone_sealed), "due_at": move.due_at}


def _actions(member: User) -> list[dict[str, Any]]:
    """Rows of the audit log: what she did, and what was done to her. Others are named by job."""
    about = Q(actor_id=member.pk) | Q(object_type="user", object_id=str(member.pk))
    rows = []
    for row in AuditEntry.objects.filter(about).order_by("id"):
        own = row.actor_id == member.pk
        rows.append(
            {
                "at": row.at,
                "action": row.action,
                "by": "self" if own else row.actor_job or "system",
                "object": f"{row.object_type} {row.object_id}",
                "reason": row.reason,
                "address": row.address if own else None,
            }
        )
    return rows
