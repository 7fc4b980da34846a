"""The admin's first page: nine facts, each with the list behind it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db import OperationalError, connection, transaction
from django.db.models import Count, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.models import OneTimeCode, User
from apps.accounts.services.code_guard import ALARM
from apps.analytics.queries import freshness
from apps.businesses.queries import partners
from apps.core.models import Beat, Delivery
from apps.core.money import format_number, format_rub
from apps.core.outbox import oldest_waiting_seconds
from apps.events.enums import State
from apps.events.models import Event
from apps.events.queries import overdue
from apps.loyalty.queries import ledger_faults
from apps.notifications.enums import State as MessageState
from apps.notifications.models import Notification, Provider
from apps.transactions.models import Status, Transaction

SLOW_OUTBOX = 300  # seconds that the oldest message may wait
STALE_FACTS = timedelta(minutes=15)
PROOF_BUDGET = "2s"  # a large ledger is proved at night, not while somebody waits for a page
PROOF_KEPT = 600  # seconds


@dataclass(frozen=True)
class Fact:
    """One number. `tone` is good, warn, bad or empty; the note always says the same in words."""

    title: str
    value: str
    note: str
    url: str = ""
    tone: str = ""


def facts(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the theme calls to fill the page."""
    now = timezone.now()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    shown = [_people(midnight), *_sales(midnight), _supported(now)]
    shown += [_outbox(), _letters(now), _codes(now), _load(now), _ledger()]
    return context | {"facts": shown}


def _whole(number: int) -> str:
    return format_number(Decimal(number), always_kopecks=False)


def _list(name: str, filters: str = "") -> str:
    return reverse(f"admin:{name}_changelist") + filters


def _people(midnight: datetime) -> Fact:
    joined = User.objects.filter(joined_at__gte=midnight).count()
    note = ngettext("%(n)s joined today", "%(n)s joined today", joined) % {"n": _whole(joined)}
    return Fact(_("People"), _whole(User.objects.count()), note, _list("accounts_user"))


def _sales(midnight: datetime) -> list[Fact]:
    # Partners are named one by one: the index of sales begins with the business.
    today = Transaction.objects.filter(
        business__in=list(partners().values_list("pk", flat=True)), occurred_at__gte=midnight
    ).exclude(status=Status.REFUNDED)
    sums = today.aggregate(
        paid=Sum("to_pay", default=Decimal(0)),
        bonuses=Sum("bonus_accrued", default=Decimal(0)),
        receipts=Count("pk"),
        buyers=Count("member", distinct=True),
    )
    url = _list("transactions_transaction")
    buyers = ngettext("%(n)s buyer", "%(n)s buyers", sums["buyers"]) % {"n": _whole(sums["buyers"])}
    bonuses = _("%(n)s bonuses accrued") % {
        "n": format_number(sums["bonuses"], always_kopecks=False)
    }
    return [
        Fact(_("Sales today"), _whole(sums["receipts"]), buyers, url),
        Fact(_("Paid today"), format_rub(sums["paid"], always_kopecks=False), bonuses, url),
    ]


def _supported(now: datetime) -> Fact:
    """Proposals that wait for the curator: promised within a fortnight."""
    waiting = Event.objects.filter(state=State.THRESHOLD_REACHED).count()
    late = overdue(at=now).count() if waiting else 0
    title, value = _("Supported proposals"), _whole(waiting)
    if late:
        note = ngettext("%(n)s overdue", "%(n)s overdue", late) % {"n": _whole(late)}
        return Fact(title, value, note, _list("events_event", "?overdue=1"), "bad")
    url = _list("events_event", f"?state__exact={State.THRESHOLD_REACHED}")
    return Fact(title, value, _("none is overdue"), url, "warn" if waiting else "")


def _outbox() -> Fact:
    counts = dict(
        Delivery.objects.exclude(state=Delivery.State.DONE)
        .values_list("state")
        .annotate(number=Count("pk"))
    )
    waiting, dead = counts.get(Delivery.State.WAITING, 0), counts.get(Delivery.State.DEAD, 0)
    title, value = _("Messages waiting"), _whole(waiting)
    if dead:
        note = ngettext("%(n)s given up", "%(n)s given up", dead) % {"n": _whole(dead)}
        return Fact(title, value, note, _list("core_delivery", "?state=dead"), "bad")
    if oldest_waiting_seconds() > SLOW_OUTBOX:
        note = _("the oldest waits for more than 5 minutes")
        return Fact(title, value, note, _list("core_delivery", "?state=waiting"), "warn")
    return Fact(title, value, _("none given up"), _list("core_delivery"), "good")


def _letters(now: datetime) -> Fact:
    """Dead letters of a week: somebody can send them again."""
    dead = Notification.objects.filter(
        state=MessageState.FAILED, created_at__gte=now - timedelta(days=7)
    ).count()
    title, url = _("Messages not delivered"), _list("notifications_notification", "?state=failed")
    resting = Provider.objects.filter(rests_until__gt=now).order_by("name").first()
    if resting:
        note = _("%(name)s rests: %(why)s") % {"name": resting.name, "why": resting.trouble}
        return Fact(title, _whole(dead), note, _list("notifications_provider"), "bad")
    return Fact(title, _whole(dead), _("in seven days"), url, "warn" if dead else "good")


def _codes(now: datetime) -> Fact:
    """Codes of the last hour; bad while too few of those sent come back: somebody pumps SMS, or
    the provider delivers nothing."""
    sent = OneTimeCode.objects.filter(created_at__gte=now - timedelta(hours=1)).count()
    alarm = Beat.objects.filter(name=ALARM, at__gte=now - STALE_FACTS).exclude(note="").first()
    title, url = _("SMS codes in an hour"), _list("accounts_codelimits")
    if alarm:
        note = _("too few come back: %(share)s in 15 minutes") % {"share": alarm.note}
        return Fact(title, _whole(sent), note, url, "bad")
    return Fact(title, _whole(sent), _("come back as usual"), url, "good")


def _load(now: datetime) -> Fact:
    state = freshness()
    title, url = _("Facts loaded"), _list("analytics_factbatch")
    rows = ngettext("%(n)s row waits", "%(n)s rows wait", state.waiting) % {
        "n": _whole(state.waiting)
    }
    if state.loaded_at is None:
        return Fact(title, _("never"), rows, url, "warn" if state.waiting else "")
    late = state.waiting and now - state.loaded_at > STALE_FACTS
    local = timezone.localtime(state.loaded_at)
    when = date_format(local, "G:i" if local.date() == timezone.localdate(now) else "j E, G:i")
    return Fact(title, when, rows, url, "warn" if late else "good")


def _ledger() -> Fact:
    title, url = _("Ledger"), _list("loyalty_journal")
    faults = cache.get("admin:ledger_faults")
    if faults is None:
        faults = _prove()
        cache.set("admin:ledger_faults", faults, PROOF_KEPT)
    if faults == TOO_LARGE:
        return Fact(title, _("proved at night"), _("too large to prove at once"), url)
    if faults:
        notes = "; ".join(f"{_(name)}: {row}" for name, row in faults.items())
        return Fact(title, _whole(len(faults)), notes, url, "bad")
    return Fact(title, _("adds up"), _("no faults found"), url, "good")


TOO_LARGE = "too large"


def _prove() -> dict[str, str] | str:
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = '{PROOF_BUDGET}'")
            return ledger_faults()
    except OperationalError:
        return TOO_LARGE
