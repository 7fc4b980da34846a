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
from apps.crosspromo.services.index import (
    PairFigures,
    calculate_winwin_index,
    fix_scale,
    pairs_of,
    recompute_conversions,
    win_win_matrix,
)
from apps.crosspromo.services.recommending import (
    ChainSuggestion,
    generate_recommendations,
    suggest_places,
)
from apps.crosspromo.services.replaying import replay_chain
from apps.crosspromo.services.simulating import guest_to_play, play_chain
from apps.crosspromo.services.triggers import (
    close_ended,
    coupons_of_trigger,
    evaluate_chain_trigger,
    may_trigger,
    mint_next_steps,
    undo_chain_trigger,
)
from apps.crosspromo.services.trying import Tried, try_chain

__all__ = [
    "ChainDraft",
    "ChainStale",
    "ChainSuggestion",
    "ChainWrongState",
    "PairFigures",
    "StepDraft",
    "StepsInvalid",
    "Tried",
    "act_on_chain",
    "calculate_winwin_index",
    "change_chain",
    "check_draft",
    "close_ended",
    "coupons_of_trigger",
    "create_chain",
    "evaluate_chain_trigger",
    "find_chain",
    "fix_scale",
    "generate_recommendations",
    "guest_to_play",
    "may_trigger",
    "mint_next_steps",
    "pairs_of",
    "play_chain",
    "recompute_conversions",
    "replay_chain",
    "suggest_places",
    "try_chain",
    "undo_chain_trigger",
    "win_win_matrix",
]
