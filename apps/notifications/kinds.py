"""The one table of message kinds: how each may travel. Words stand in texts/ru.toml and en.toml."""

from dataclasses import dataclass

from apps.notifications.enums import Channel, Priority, Purpose, Topic

CRITICAL, HIGH, MEDIUM = Priority
PUSH, SMS, EMAIL = Channel
MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True)
class Kind:
    """One kind of message.

    `channels` in order: the first that can carry it does, a failure passes it to the next.
    `patience`: seconds for which a channel that is down is tried before the next one.
    `life`: seconds after which it is not worth sending. `quiet`: waits for the morning.
    `in_app`: stands in the inbox. `secret`: cannot be muted. Values named in `places` may stand in
    its texts.
    """

    code: str
    topic: Topic
    priority: Priority
    channels: tuple[Channel, ...]
    places: tuple[str, ...] = ()
    purpose: Purpose = Purpose.SERVICE
    patience: int = 10 * MINUTE
    life: int = DAY
    quiet: bool = True
    in_app: bool = True

    @property
    def is_advertising(self) -> bool:
        return self.purpose == Purpose.ADVERTISING

    @property
    def can_be_muted(self) -> bool:
        return self.topic != Topic.SECURITY


AD = Purpose.ADVERTISING
SECURITY, BONUSES, RECEIPTS, COUPONS, EVENTS, WORK, NEWS = Topic

ALL = (
    Kind(
        "session_reuse", SECURITY, CRITICAL, (PUSH, SMS, EMAIL), ("when",),
        patience=MINUTE, quiet=False,
    ),
    Kind(
        "phone_changed", SECURITY, CRITICAL, (PUSH, SMS, EMAIL), ("when",),
        patience=MINUTE, quiet=False,
    ),
    Kind(
        "phone_move_asked", SECURITY, CRITICAL, (PUSH, EMAIL), ("when", "until"),
        patience=MINUTE, quiet=False,
    ),
    Kind(
        "new_device", SECURITY, CRITICAL, (PUSH, EMAIL), ("when",), patience=MINUTE, quiet=False
    ),
    Kind("welcome", BONUSES, MEDIUM, (PUSH,), life=3 * DAY),
    # high: within ten seconds of the sale, never behind a broadcast. Whoever spends her bonuses
    # without her is seen at once.
    Kind("bonus_accrued", BONUSES, HIGH, (PUSH,), ("partner", "bonus", "amount"), quiet=False),
    Kind(
        "bonus_spent", BONUSES, HIGH, (PUSH,), ("partner", "bonus", "spent", "amount"),
        quiet=False,
    ),
    Kind(
        "receipt", RECEIPTS, MEDIUM, (EMAIL,),
        ("partner", "amount", "to_pay", "bonus", "spent", "when"),
        in_app=False, quiet=False, life=3 * DAY,
    ),
    Kind(
        "refund", RECEIPTS, HIGH, (PUSH, EMAIL), ("partner", "money", "taken", "returned"),
        quiet=False,
    ),
    Kind("tier_up", BONUSES, MEDIUM, (PUSH, EMAIL), ("tier",), life=3 * DAY),
    Kind("tier_down", BONUSES, MEDIUM, (PUSH, EMAIL), ("tier",), life=3 * DAY),
    Kind("tier_at_risk", BONUSES, MEDIUM, (PUSH, EMAIL), ("tier", "to_keep", "days", "when")),
    Kind("bonuses_expiring", BONUSES, MEDIUM, (PUSH, SMS, EMAIL), ("amount", "days", "when")),
    Kind("gift_received", BONUSES, HIGH, (PUSH, SMS), ("amount",)),
    Kind("gift_sent", SECURITY, HIGH, (PUSH, EMAIL), ("amount",), quiet=False),
    Kind("bonus_added", BONUSES, MEDIUM, (PUSH,), ("amount",)),
    Kind("bonus_removed", BONUSES, MEDIUM, (PUSH,), ("amount",)),
    Kind("referral_rewarded", BONUSES, MEDIUM, (PUSH,), ("amount",)),
    Kind("badge_earned", BONUSES, MEDIUM, (PUSH,)),
    Kind("coupon_claimed", COUPONS, MEDIUM, (PUSH,), ("partner", "when")),
    Kind(
        "coupon_gift", COUPONS, MEDIUM, (PUSH, EMAIL), ("partner", "when"), purpose=AD,
        life=3 * DAY,
    ),
    Kind("event_approved", EVENTS, MEDIUM, (PUSH, EMAIL), ("event",)),
    Kind("event_rejected", EVENTS, MEDIUM, (PUSH, EMAIL), ("event",)),
    Kind("event_changes_wanted", EVENTS, MEDIUM, (PUSH, EMAIL), ("event",)),
    Kind("event_supported", EVENTS, MEDIUM, (PUSH, EMAIL), ("event",)),
    Kind("event_fell_short", EVENTS, MEDIUM, (PUSH, EMAIL), ("event",)),
    Kind("event_taken_on", EVENTS, MEDIUM, (PUSH, EMAIL), ("event",)),
    Kind("event_declined", EVENTS, MEDIUM, (PUSH, EMAIL), ("event",)),
    Kind("event_taken_down", EVENTS, MEDIUM, (PUSH, EMAIL), ("event",)),
    Kind("event_withdrawn", EVENTS, MEDIUM, (PUSH,), ("event",)),
    Kind("event_vote_again", EVENTS, MEDIUM, (PUSH,), ("event",)),
    Kind("event_registered", EVENTS, MEDIUM, (PUSH, EMAIL), ("event", "when")),
    Kind("event_waitlisted", EVENTS, MEDIUM, (PUSH,), ("event", "when")),
    Kind(
        "event_seat_offered", EVENTS, HIGH, (PUSH, SMS, EMAIL), ("event", "until"),
        patience=2 * MINUTE, quiet=False, life=3 * HOUR,
    ),
    Kind("event_seat_given", EVENTS, HIGH, (PUSH, SMS, EMAIL), ("event",), patience=5 * MINUTE),
    Kind("event_removed", EVENTS, HIGH, (PUSH, EMAIL), ("event",)),
    Kind(
        "event_changed", EVENTS, HIGH, (PUSH, SMS, EMAIL), ("event", "when"), patience=5 * MINUTE
    ),
    Kind("event_cancelled", EVENTS, HIGH, (PUSH, SMS, EMAIL), ("event",), patience=5 * MINUTE),
    Kind(
        "event_reminder", EVENTS, HIGH, (PUSH, EMAIL), ("event", "when"), life=3 * HOUR
    ),
    Kind("event_entries_doubtful", WORK, MEDIUM, (PUSH, EMAIL), ("event", "rows")),
    Kind("event_answered", EVENTS, MEDIUM, (PUSH, EMAIL), ("event",), life=3 * DAY),
    Kind("statement_ready", WORK, MEDIUM, (EMAIL, PUSH), ("partner", "month", "net"), life=3 * DAY),
    Kind("export_ready", WORK, MEDIUM, (PUSH, EMAIL), ("rows",), quiet=False),
    Kind(
        "offer_budget_low", WORK, HIGH, (PUSH, EMAIL), ("partner", "offer", "used", "budget"),
        life=3 * DAY,
    ),
    Kind(
        "weekly_digest", NEWS, MEDIUM, (EMAIL,), ("earned", "count", "lines"), purpose=AD,
        in_app=False, life=2 * DAY,
    ),
    Kind("broadcast", NEWS, MEDIUM, (PUSH, SMS, EMAIL), purpose=AD, life=2 * DAY),
    Kind("announcement", WORK, HIGH, (PUSH, SMS, EMAIL), life=2 * DAY),
)  # fmt: skip

KINDS = {kind.code: kind for kind in ALL}
CHOICES = [(kind.code, kind.code) for kind in ALL]
