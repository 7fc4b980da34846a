"""What coupons show on the app's first screen."""

from datetime import datetime
from typing import Any

from apps.accounts.models import User
from apps.coupons import queries
from apps.coupons.api.serializers import CouponOut


def newest(member: User, *, at: datetime) -> list[dict[str, Any]]:
    """Three coupons at most that she can use now, with their codes, newest first."""
    coupons = queries.newest_coupons(member, at=at)
    return [dict(CouponOut(coupon, context={"at": at}).data) for coupon in coupons]
