"""Every write of chains. One file per noun; callers import from here."""

from apps.crosspromo.services.chains import (
    ChainStale,
    ChainWrongState,
    act_on_chain,
    change_chain,
    create_chain,
    find_chain,
)
from apps.crosspromo.services.drafts import ChainDraft, StepDraft, StepsInvalid, check_draft
from apps.crosspromo.services.triggers import (
    close_ended,
    coupons_of_trigger,
    evaluate_chain_trigger,
    may_trigger,
    mint_next_steps,
    undo_chain_trigger,
)

__all__ = [
    "ChainDraft",
    "ChainStale",
    "ChainWrongState",
    "StepDraft",
    "StepsInvalid",
    "act_on_chain",
    "change_chain",
    "check_draft",
    "close_ended",
    "coupons_of_trigger",
    "create_chain",
    "evaluate_chain_trigger",
    "find_chain",
    "may_trigger",
    "mint_next_steps",
    "undo_chain_trigger",
]
