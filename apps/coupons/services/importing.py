"""An owner's own codes, printed before she came: looked at first, taken in once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import User
from apps.core import audit
from apps.core.errors import Invalid, NotFound
from apps.coupons import rules
from apps.coupons.enums import Audience, CampaignState
from apps.coupons.models import Campaign, Coupon
from apps.coupons.services.campaigns import MOST_CODES, insert_codes

MOST_AT_ONCE = 10_000


class CodesInvalid(Invalid):
    field = "codes"
    message = _("There is no code in it that can be taken in.")


class TooManyCodes(CodesInvalid):
    message = _("At most 10,000 codes at once and 100,000 in a campaign.")


class NotForCodes(CodesInvalid):
    message = _("Only a campaign that runs and is for whoever shows a code takes codes in.")


@dataclass(frozen=True)
class Looked:
    """What would become of the codes of a file. `good` are taken in; `repeated` stand in the file
    twice, `taken` belong to some coupon already, `strange` cannot be a code."""

    good: Sequence[str] = ()
    repeated: int = 0
    taken: Sequence[str] = ()
    strange: Sequence[str] = field(default_factory=list)


def look_at_codes(texts: Iterable[str]) -> Looked:
    """A dry run: nothing is written. Two statements at most. Raises TooManyCodes."""
    seen: dict[str, None] = {}
    strange: list[str] = []
    repeated = 0
    for text in texts:
        code = rules.plain(text)
        if not (rules.is_code(code) or rules.is_own(code)):
            strange.append(text[:40])
        elif code in seen:
            repeated += 1
        else:
            seen[code] = None
        if len(seen) + len(strange) > MOST_AT_ONCE:
            raise TooManyCodes
    taken = set(Coupon.objects.filter(code__in=seen).values_list("code", flat=True))
    return Looked(
        good=[code for code in seen if code not in taken],
        repeated=repeated,
        taken=sorted(taken),
        strange=strange,
    )


@transaction.atomic
def import_codes(*, campaign_id: UUID, codes: Sequence[str], by: User, at: datetime) -> int:
    """Take these codes into a campaign; how many were new indeed: one that somebody else took
    meanwhile is left out.

    Raises NotFound, NotForCodes, TooManyCodes, CodesInvalid."""
    rows = Campaign.objects.select_for_update(of=("self",)).select_related("business")
    campaign = rows.filter(pk=campaign_id).first()
    if campaign is None or not by.has_perm(rights.MANAGE, campaign.business):
        raise NotFound
    if campaign.audience != Audience.ANYONE or campaign.state != CampaignState.ACTIVE:
        raise NotForCodes
    looked = look_at_codes(codes)
    if not looked.good:
        raise CodesInvalid
    if campaign.quantity + len(looked.good) > MOST_CODES:
        raise TooManyCodes
    made = insert_codes(campaign, list(looked.good), at=at)
    Campaign.objects.filter(pk=campaign.pk).update(
        quantity=campaign.quantity + made, issued=campaign.issued + made
    )
    audit.record(
        by,
        "coupons.import",
        "campaign",
        campaign.pk,
        business_id=campaign.business_id,
        changed={"codes": made},
    )
    return made
