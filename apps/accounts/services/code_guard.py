"""Limits of one-time codes (security.md part 4): who may ask, who may try, when codes stop.

Counted in PostgreSQL, so they hold without Redis. A device that signed in to a number before has
counters of its own: a stranger who asks for somebody's codes cannot shut her out.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights, rules
from apps.accounts.models import CodeLimits, OneTimeCode, Session, User
from apps.accounts.services.reasons import written_reason
from apps.core import audit, sealing, throttle
from apps.core.errors import Forbidden, TooMany
from apps.core.models import Beat
from apps.core.throttle import Bucket

log = structlog.get_logger(__name__)

RESEND = "code.resend"
BY_NUMBER = "code.send."  # followed by the window in seconds
IN_A_ROW = "code.row"
FAILED = "code.failed"
PAUSED_NETWORK, PAUSED_PREFIX = "code.pause.network", "code.pause.prefix"
ALARM = "codes.alarm"  # the Beat row whose note, used/sent, the admin's first page shows


class CodesStopped(TooMany):
    message = _(
        "Codes to this number are switched off after many wrong attempts. "
        "Use a device where you are signed in, or write to support."
    )


@dataclass(frozen=True)
class Asker:
    """Who asks for a code or tries one: the address, and the id that the app made for itself."""

    address: str | None = None
    device: str = ""

    @property
    def device_key(self) -> str:
        return sealing.blind_index(self.device, purpose="device") if self.device else ""

    @property
    def counted_address(self) -> str | None:
        """The address that limits count. In development everybody comes from the loopback
        address: counting it would lock a developer out after ten sign-ins an hour."""
        if self.address and settings.DEVELOPMENT and rules.is_loopback(self.address):
            return None
        return self.address

    @property
    def network_key(self) -> str:
        address = self.counted_address
        if not address:
            return ""
        return sealing.blind_index(rules.network_of(address), purpose="network")


@dataclass(frozen=True)
class Attempt:
    """One number asked for, or tried, by one device."""

    index: str
    asker: Asker
    is_known_device: bool = field(default=False)

    @property
    def who(self) -> str:
        """The key of the number's counters; a device known to its owner counts apart."""
        return f"{self.index}:{self.asker.device_key}" if self.is_known_device else self.index


def attempt(index: str, asker: Asker) -> Attempt:
    key = asker.device_key
    if not key:
        return Attempt(index, asker)
    # Asked by device and compared here: the query takes the same time whatever number was typed.
    owners = Session.objects.filter(device_key=key).values_list("user__phone_index", flat=True)
    return Attempt(index, asker, index in set(owners))


def current_limits() -> CodeLimits:
    """The row that an admin may change; its defaults when it is missing."""
    return CodeLimits.objects.filter(pk=1).first() or CodeLimits(pk=1)


# --- sending -------------------------------------------------------------------------------------
def check_doors(asked: Attempt, *, number: str) -> None:
    """Refuse while the network or the block of numbers is paused, or codes to this number
    stopped. Raises TooMany, CodesStopped."""
    doors = [(PAUSED_PREFIX, rules.phone_prefix(number))]
    if asked.asker.network_key:
        doors.append((PAUSED_NETWORK, asked.asker.network_key))
    wait = throttle.paused(doors)
    if wait:
        raise TooMany(retry_after=wait)
    if throttle.used(IN_A_ROW, asked.who) >= rules.FAILURES_IN_A_ROW:
        raise CodesStopped(retry_after=rules.DAY)


def take_sending(asked: Attempt, *, purpose: str, sent: int, kopecks: int, caps: CodeLimits) -> int:
    """Count one sending in every limit, or in none; seconds until the next one may be asked for.

    `sent` is how many went before in this attempt. Raises TooMany.
    """
    buckets = [
        Bucket(RESEND, f"{asked.who}:{purpose}", 1, rules.resend_wait(sent + 1)),
        *(Bucket(f"{BY_NUMBER}{s}", asked.who, n, s) for n, s in rules.SENDS_PER_NUMBER),
        *_by_place(asked.asker),
        Bucket("code.kopecks.hour", "all", caps.cap_hour_rub * 100, rules.HOUR, kopecks),
        Bucket("code.kopecks.day", "all", caps.cap_day_rub * 100, rules.DAY, kopecks),
    ]
    taken = throttle.take(buckets)
    if taken.wait:
        if taken.full.startswith("code.kopecks"):
            log.error("codes.money_spent", limit=taken.full)
        raise TooMany(retry_after=taken.wait)
    own = (wait for name, wait in taken.waits.items() if name.startswith((RESEND, BY_NUMBER)))
    return max(own, default=0)


def _by_place(asker: Asker) -> list[Bucket]:
    buckets = []
    if asker.counted_address:
        host = rules.host_of(asker.counted_address)
        buckets += [
            Bucket("code.send.address", host, *rules.SENDS_PER_ADDRESS),
            Bucket("code.send.network", asker.network_key, *rules.SENDS_PER_NETWORK),
        ]
    if asker.device_key:
        buckets.append(Bucket("code.send.device", asker.device_key, *rules.SENDS_PER_DEVICE))
    return buckets


def watch_neighbours(asker: Asker, *, number: str, at: datetime) -> None:
    """Pause a network that asks for number after number: numbers are stored as digests, so the
    digests of the neighbours are looked for. Raises TooMany."""
    if not asker.network_key:
        return
    around = {
        sealing.blind_index(near, purpose="phone"): step for step, near in rules.neighbours(number)
    }
    asked = OneTimeCode.objects.filter(
        network=asker.network_key,
        phone_index__in=around,
        created_at__gt=at - timedelta(seconds=rules.HOUR),
    ).values_list("phone_index", flat=True)
    if rules.longest_run({around[index] for index in asked}) < rules.NEIGHBOURS:
        return
    throttle.pause(PAUSED_NETWORK, asker.network_key, rules.NETWORK_PAUSE)
    log.error("codes.numbers_in_a_row", prefix=rules.phone_prefix(number))
    raise TooMany(retry_after=rules.NETWORK_PAUSE)


# --- checking ------------------------------------------------------------------------------------
def take_address(asker: Asker) -> None:
    """Count one check of this address, right or wrong. Raises TooMany."""
    if not asker.counted_address:
        return
    host = rules.host_of(asker.counted_address)
    wait = throttle.hit("code.check.address", host, *rules.CHECKS_PER_ADDRESS)
    if wait:
        raise TooMany(retry_after=wait)


def take_check(asked: Attempt) -> list[Bucket]:
    """Reserve one failed check before the code is looked at, so that parallel guesses cannot
    pass together; a right code gives it back. Raises TooMany."""
    buckets = [Bucket("code.failed.number", asked.who, *rules.FAILURES_PER_NUMBER)]
    if not asked.is_known_device:
        # The number that matters against spraying: taken accounts = failed checks / 10^6.
        buckets.append(Bucket(FAILED, "all", current_limits().failures_hour, rules.HOUR))
    taken = throttle.take(buckets)
    if taken.wait:
        if taken.full == FAILED:
            log.error("codes.failure_budget_spent")
        raise TooMany(retry_after=taken.wait)
    return buckets


def count_failure(asked: Attempt) -> None:
    in_a_row = throttle.count_one(IN_A_ROW, asked.who, rules.YEAR)
    if in_a_row == rules.FAILURES_IN_A_ROW:
        log.warning("codes.stopped_for_number")


def forget_failures(asked: Attempt, *, purpose: str) -> None:
    """After a right code: the row of failures is broken, the next code may come at once."""
    throttle.clear(IN_A_ROW, asked.who)
    throttle.clear(RESEND, f"{asked.who}:{purpose}")


@transaction.atomic
def allow_codes_again(*, user: User, by: User | None, reason: str) -> None:
    """Support lifts the stop after 30 failures in a row. Raises Forbidden."""
    if by is not None and not by.is_staff:
        raise Forbidden
    throttle.clear(IN_A_ROW, user.phone_index or "")
    audit.record(by, "accounts.codes_allowed", "user", user.pk, reason=reason)


# --- watching ------------------------------------------------------------------------------------
def judge_conversion(*, at: datetime) -> str:
    """Compare codes sent and codes used over the last 15 minutes. Too few used overall: an alarm
    (the returned used/sent, also in the log and in the Beat row); in one block of numbers: the
    block pauses as well."""
    used = Count("pk", filter=Q(used_at__isnull=False))
    recent = OneTimeCode.objects.filter(
        created_at__gt=at - timedelta(seconds=rules.ALARM_WINDOW), created_at__lte=at
    )
    blocks = list(recent.values("prefix").annotate(sent=Count("pk"), used=used))
    for block in blocks:
        if _is_low(block["used"], block["sent"], rules.ALARM_PREFIX, rules.ALARM_PREFIX_SENT):
            throttle.pause(PAUSED_PREFIX, block["prefix"], rules.PREFIX_PAUSE)
            log.error("codes.prefix_paused", prefix=block["prefix"], sent=block["sent"])
    came, sent = sum(b["used"] for b in blocks), sum(b["sent"] for b in blocks)
    note = ""
    if _is_low(came, sent, rules.ALARM_OVERALL, rules.ALARM_OVERALL_SENT):
        note = f"{came}/{sent}"
        log.error("codes.conversion_low", sent=sent, used=came)
    Beat.objects.update_or_create(name=ALARM, defaults={"at": at, "note": note})
    return note


def _is_low(used: int, sent: int, percent: int, least: int) -> bool:
    return sent >= least and used * 100 < sent * percent


@transaction.atomic
def change_code_limits(*, changes: dict[str, object], by: User | None, reason: str) -> CodeLimits:
    """Set price, caps, budget or countries. Only the superadmin may (`by` None: the machine
    room). Raises Forbidden, ReasonMissing."""
    if by is not None and not rights.may("code_limits.change", job=by.job):
        raise Forbidden
    reason = written_reason("code_limits.change", reason, by=by)
    row, _made = CodeLimits.objects.select_for_update().get_or_create(pk=1)
    for name, value in changes.items():
        setattr(row, name, value)
    row.full_clean()
    row.save()
    audit.record(
        by, "accounts.code_limits", "codelimits", row.pk, reason=reason, changed=dict(changes)
    )
    return row
