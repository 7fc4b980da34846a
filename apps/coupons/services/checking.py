"""What coupons would do to a bill, and why some would not. Nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.core.money import format_rub
from apps.coupons import queries, rules
from apps.coupons.enums import Base, CampaignState, CouponState
from apps.coupons.models import Campaign, Coupon

ZERO, MOST_BILL = Decimal("0.00"), Decimal("99999999.99")

# The machine's word → the sentence for the person at the till.
REASONS = {
    "unknown": _("There is no such coupon."),
    "used": _("This coupon was already used: %(at)s."),
    "cancelled": _("This coupon was cancelled."),
    "expired": _("This coupon was good until %(at)s."),
    "too_early": _("This coupon is good from %(at)s."),
    "other_member": _("This coupon belongs to another guest."),
    "no_member": _("Say first who the guest is: this coupon gives bonuses."),
    "min_amount": _("The bill must be %(need)s or more."),
    "per_member": _("The guest has used this promotion as often as it allows."),
    "budget": _("The budget of this promotion is used up."),
    "group": _("This coupon does not stand with the others on one bill."),
    "twice": _("The same coupon was named twice."),
}


@dataclass(frozen=True)
class Line:
    """One code and what it does: `reason` is empty when it would be taken, `details` fill the
    sentence."""

    code: str
    coupon: Coupon | None
    reason: str = ""
    discount: Decimal = ZERO
    bonus: Decimal = ZERO
    details: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.reason

    @property
    def message(self) -> str:
        return str(REASONS[self.reason]) % self.details if self.reason else ""


@dataclass(frozen=True)
class CouponsCheck:
    """All codes on one bill: `discount` and `bonus` of those that would be taken."""

    discount: Decimal
    bonus: Decimal
    lines: list[Line]

    @property
    def refused(self) -> list[Line]:
        return [line for line in self.lines if not line.ok]


def check_coupons(
    *,
    codes: Sequence[str],
    business: Business,
    member: User | None,
    amount: Decimal | None,
    at: datetime,
) -> CouponsCheck:
    """Which of `codes` would be taken on a bill of `amount` ₽, and why not the others.

    `member` None: nobody has said yet who the guest is. `amount` None: the bill is not known yet,
    so nothing is refused for its size and a percent comes to 0. Nothing is written.
    """
    found = queries.find_coupons(list(codes))
    used = _used(found.values(), member)
    reasons: dict[str, tuple[str, dict[str, str]]] = {}
    good: dict[str, Coupon] = {}
    for text in codes:
        coupon = found[text]
        why = _why_not(coupon, business=business, member=member, amount=amount, at=at, used=used)
        if not why[0] and coupon and coupon in good.values():
            why = ("twice", {})
        if why[0] or coupon is None:
            reasons[text] = why
        else:
            good[text] = coupon
    return _put_on_bill(list(codes), found, good, reasons, amount)


def _used(coupons: Any, member: User | None) -> dict[Any, int]:
    campaigns = {coupon.campaign_id for coupon in coupons if coupon}
    return queries.used_by(member.pk, campaigns) if member and campaigns else {}


def _put_on_bill(
    codes: list[str],
    found: dict[str, Coupon | None],
    good: dict[str, Coupon],
    reasons: dict[str, tuple[str, dict[str, str]]],
    amount: Decimal | None,
) -> CouponsCheck:
    terms = [terms_of(coupon) for coupon in good.values()]
    if amount is None:  # roubles off count in full, a percent of nothing known is nothing
        terms = [replace(one, value=ZERO) if one.benefit == "percent" else one for one in terms]
    bill = MOST_BILL if amount is None else amount
    given = {one.terms.key: one for one in rules.put_on_bill(terms, bill=bill)}
    lines = []
    for text in dict.fromkeys(codes):
        if text in reasons:
            reason, details = reasons[text]
            lines.append(Line(text, found[text], reason, details=details))
            continue
        one = given[str(good[text].pk)]
        reason = "group" if one.beaten_by else ""
        lines.append(Line(text, good[text], reason, one.discount, one.bonus))
    return CouponsCheck(
        sum((line.discount for line in lines), ZERO),
        sum((line.bonus for line in lines), ZERO),
        lines,
    )


def terms_of(coupon: Coupon) -> rules.Terms:
    campaign = coupon.campaign
    return rules.Terms(
        key=str(coupon.pk),
        benefit=campaign.benefit,
        value=campaign.value,
        max_discount=campaign.max_discount,
        group=campaign.group,
        priority=campaign.priority,
        running=campaign.base == Base.RUNNING,
    )


def _why_not(
    coupon: Coupon | None,
    *,
    business: Business,
    member: User | None,
    amount: Decimal | None,
    at: datetime,
    used: dict[Any, int],
) -> tuple[str, dict[str, str]]:
    # Another partner's coupon is as unknown here as a made-up one.
    if coupon is None or coupon.campaign.business_id != business.pk:
        return "unknown", {}
    return (
        _why_state(coupon, at=at)
        or _why_person(coupon, member, used)
        or _why_money(coupon.campaign, coupon, amount)
        or ("", {})
    )


def _why_state(coupon: Coupon, *, at: datetime) -> tuple[str, dict[str, str]] | None:
    state = coupon.state_at(at)
    if state == CouponState.REDEEMED and coupon.redeemed_at:
        return "used", {"at": _moment(coupon.redeemed_at)}
    if state == CouponState.CANCELLED or coupon.campaign.state == CampaignState.CANCELLED:
        return "cancelled", {}
    if state == CouponState.EXPIRED:
        return "expired", {"at": _moment(coupon.valid_to)}
    if coupon.valid_from > at:
        return "too_early", {"at": _moment(coupon.valid_from)}
    return None


def _why_person(
    coupon: Coupon, member: User | None, used: dict[Any, int]
) -> tuple[str, dict[str, str]] | None:
    if member is not None and coupon.member_id not in (None, member.pk):
        return "other_member", {}
    if coupon.campaign.benefit == "bonus" and member is None and coupon.member_id is None:
        return "no_member", {}
    if used.get(coupon.campaign_id, 0) >= coupon.campaign.per_member:
        return "per_member", {}
    return None


def _why_money(
    campaign: Campaign, coupon: Coupon, amount: Decimal | None
) -> tuple[str, dict[str, str]] | None:
    if amount is not None and amount < campaign.min_amount:
        return "min_amount", {"need": format_rub(campaign.min_amount, always_kopecks=False)}
    budget = campaign.budget
    if budget and not coupon.reserved and budget.reserved + budget.charged >= budget.cap:
        return "budget", {}
    return None


def _moment(at: datetime) -> str:
    return date_format(localtime(at), "d.m.Y H:i")
