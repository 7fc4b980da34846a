"""Every write of events. One file per subject; callers import from here."""

from apps.events.services.answers import answer_question, is_unanswered
from apps.events.services.books import (
    NotHost,
    Stale,
    WrongState,
    is_admin,
    may_check_in,
    may_host,
)
from apps.events.services.clock import forget_member, shut_out_member, sweep
from apps.events.services.door import (
    Seen,
    Shown,
    annul_scan,
    check_in,
    correct_attendance,
    finalise_attendance,
)
from apps.events.services.moderation import (
    claim_case,
    decline_supported,
    moderate,
    remove_proposal,
)
from apps.events.services.opinions import (
    give_feedback,
    hash_of,
    reset_calendar,
)
from apps.events.services.planning import (
    cancel_event,
    change_event,
    checklist,
    complete_event,
    publish_event,
    schedule_event,
    set_capacity,
)
from apps.events.services.proposals import (
    VoteResult,
    change_proposal,
    create_event,
    hide_results,
    process_vote,
    submit_proposal,
    tally,
    withdraw_proposal,
)
from apps.events.services.recount import Group, Recount, mend_count, recount_votes
from apps.events.services.registering import (
    Wish,
    answer_offer,
    cancel_registration,
    is_supporter,
    preview_of,
    register_for_event,
    remove_registration,
    seat_by_hand,
)
from apps.events.services.replies import AnswerStale, answer_feedback

__all__ = [
    "Group",
    "AnswerStale",
    "NotHost",
    "Recount",
    "Seen",
    "Shown",
    "Stale",
    "VoteResult",
    "Wish",
    "WrongState",
    "annul_scan",
    "answer_feedback",
    "answer_offer",
    "answer_question",
    "cancel_event",
    "cancel_registration",
    "change_event",
    "change_proposal",
    "check_in",
    "checklist",
    "claim_case",
    "complete_event",
    "correct_attendance",
    "create_event",
    "decline_supported",
    "finalise_attendance",
    "forget_member",
    "give_feedback",
    "hash_of",
    "hide_results",
    "is_admin",
    "is_supporter",
    "is_unanswered",
    "may_check_in",
    "may_host",
    "mend_count",
    "moderate",
    "preview_of",
    "process_vote",
    "publish_event",
    "recount_votes",
    "register_for_event",
    "remove_proposal",
    "remove_registration",
    "reset_calendar",
    "schedule_event",
    "seat_by_hand",
    "set_capacity",
    "shut_out_member",
    "submit_proposal",
    "sweep",
    "tally",
    "withdraw_proposal",
]
