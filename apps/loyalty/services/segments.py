"""Lists of members kept by hand: what an offer may address beside tiers."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import User
from apps.accounts.services import written_reason
from apps.core import audit
from apps.core.errors import Forbidden, Invalid
from apps.loyalty.models import SegmentEntry

SEGMENTS = "segments.change"
MOST = 5000  # cards in one go
CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class SegmentCodeInvalid(Invalid):
    field = "code"
    message = _("Small Latin letters, digits, - and _, at most 40: for example spring-guests.")


class CardsInvalid(Invalid):
    field = "cards"
    message = _("Between 1 and %(most)s card numbers, 12 digits each.")


@dataclass(frozen=True)
class Filled:
    """How many cards were added, were in the list already, and belong to nobody."""

    added: int
    known: int
    unknown: int


@transaction.atomic
def fill_segment(*, code: str, cards: str, by: User | None, reason: str, at: datetime) -> Filled:
    """Put members into a list by the numbers of their cards, in any spelling: spaces inside a
    number, commas or lines between them. Twice is once.

    Raises Forbidden, ReasonMissing, SegmentCodeInvalid, CardsInvalid.
    """
    reason = _allowed(by, reason)
    if not CODE.fullmatch(code):
        raise SegmentCodeInvalid
    numbers = _numbers(cards)
    people = User.objects.filter(card_number__in=numbers, erased_at__isnull=True)
    members = set(people.values_list("pk", flat=True))
    there = set(
        SegmentEntry.objects.filter(code=code, member__in=members).values_list("member", flat=True)
    )
    SegmentEntry.objects.bulk_create(
        [
            SegmentEntry(code=code, member_id=member, added_at=at)
            for member in sorted(members - there)
        ],
        ignore_conflicts=True,
    )
    filled = Filled(len(members - there), len(there), len(numbers) - len(members))
    changed = {"added": filled.added}
    audit.record(by, "loyalty.segment_fill", "segmententry", code, reason=reason, changed=changed)
    return filled


def _numbers(cards: str) -> set[str]:
    parts = [re.sub(r"\s", "", part) for part in re.split(r"[,;\n]+", cards)]
    numbers = {part for part in parts if part}
    if not 0 < len(numbers) <= MOST or not all(re.fullmatch(r"[0-9]{12}", n) for n in numbers):
        raise CardsInvalid(most=MOST)
    return numbers


@transaction.atomic
def leave_segments(*, entries: Collection[int], by: User | None, reason: str) -> int:
    """Take these rows out of their lists; how many there were. Raises Forbidden, ReasonMissing."""
    reason = _allowed(by, reason)
    rows = SegmentEntry.objects.filter(pk__in=entries)
    codes = sorted(set(rows.values_list("code", flat=True)))
    gone, _by_model = rows.delete()
    for code in codes:
        audit.record(by, "loyalty.segment_leave", "segmententry", code, reason=reason)
    return gone


def _allowed(by: User | None, reason: str) -> str:
    if by is not None and not rights.may(SEGMENTS, job=by.job):
        raise Forbidden
    return written_reason(SEGMENTS, reason, by=by)
