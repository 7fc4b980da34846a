"""Every write of coupons. One file per noun; callers import from here."""

from apps.coupons.services.budgets import BudgetEmpty
from apps.coupons.services.campaigns import (
    CampaignInvalid,
    Draft,
    cancel_campaign,
    create_campaign,
    fill_campaign,
    fill_unfinished,
    find_campaign,
    new_step_campaign,
)
from apps.coupons.services.checking import CouponsCheck, Line, check_coupons
from apps.coupons.services.guessing import count_guess, guesses_counted, refuse_guesser
from apps.coupons.services.importing import (
    CodesInvalid,
    Looked,
    import_codes,
    look_at_codes,
)
from apps.coupons.services.issuing import (
    ClaimRefused,
    PromoUnknown,
    cancel_coupons,
    claim_promo,
    expire_due,
    forget_member,
    mark_opened,
    mark_seen,
    mint,
)
from apps.coupons.services.redeeming import (
    CouponRefused,
    CouponUnknown,
    CouponUsed,
    Redeemed,
    redeem_at_till,
    redeem_for_sale,
)
from apps.coupons.services.returning import move_cost, return_for_sale

__all__ = [
    "BudgetEmpty",
    "CampaignInvalid",
    "ClaimRefused",
    "CodesInvalid",
    "CouponRefused",
    "CouponUnknown",
    "CouponUsed",
    "CouponsCheck",
    "Draft",
    "Line",
    "Looked",
    "PromoUnknown",
    "Redeemed",
    "cancel_campaign",
    "cancel_coupons",
    "check_coupons",
    "claim_promo",
    "count_guess",
    "create_campaign",
    "expire_due",
    "fill_campaign",
    "fill_unfinished",
    "find_campaign",
    "forget_member",
    "guesses_counted",
    "import_codes",
    "look_at_codes",
    "mark_opened",
    "mark_seen",
    "mint",
    "move_cost",
    "new_step_campaign",
    "redeem_at_till",
    "redeem_for_sale",
    "refuse_guesser",
    "return_for_sale",
]
