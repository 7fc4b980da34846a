"""Writes of the back office's own: the second factor of staff, and who signed in."""

import gzip
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import TOTPDevice, User
from apps.accounts.services import unlock_pin
from apps.backoffice import spreadsheets
from apps.backoffice.models import Export, SavedView
from apps.backoffice.sales_queries import file_rows, read_wanted, wanted_sales
from apps.businesses.models import Business
from apps.core import audit
from apps.core.bells import ring_after_commit
from apps.core.errors import Invalid, Refused
from apps.transactions.queries import Shift


def prepare_device(*, user: User) -> TOTPDevice:
    """The device she is about to set up: the same secret for every look at the page."""
    device: TOTPDevice
    device, _made = TOTPDevice.objects.get_or_create(user=user, confirmed=False, name="app")
    return device


@transaction.atomic
def confirm_device(*, user: User, code: str) -> TOTPDevice | None:
    """Make the prepared device her second factor when the code fits it; None when it does not.

    A person who already has one gets None: a password alone must not add another.
    """
    devices = TOTPDevice.objects.select_for_update().filter(user=user)
    if devices.filter(confirmed=True).exists():
        return None
    device: TOTPDevice | None = devices.filter(confirmed=False, name="app").first()
    if device is None or not device.verify_token(code):
        return None
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    audit.record(user, "accounts.second_factor_added", "user", user.pk)
    return device


@transaction.atomic
def note_sign_in(*, user: User, with_code: bool) -> None:
    """A full sign-in leaves a row in the audit log, by what it was, and unlocks the PIN."""
    action = "accounts.web_sign_in_with_code" if with_code else "accounts.web_sign_in"
    audit.record(user, action, "user", user.pk)
    unlock_pin(user=user)


@transaction.atomic
def close_shift(*, user: User, business: Business, totals: Shift) -> None:
    """The end of a shift leaves its totals in the audit log, provable and unreadable."""
    audit.record(
        user,
        "till.shift_closed",
        "business",
        business.pk,
        business_id=business.pk,
        changed=asdict(totals),
    )


# --- lists: views and files ----------------------------------------------------------------------
MOST_VIEWS = 20
AT_ONCE = 5_000  # rows of a file that a person waits for; a longer one is made in the background
MOST_EXPORTS = 3  # files of one person in the making
EXPORT_LIVES = timedelta(days=1)


class ViewUnnamed(Invalid):
    field = "name"
    message = _("Name the view, in 40 signs at most.")


class TooManyViews(Refused):
    code = "CONFLICT"
    message = _("There are twenty views already. Forget one first.")


class TooManyExports(Refused):
    code = "CONFLICT"
    message = _("Three files are being made already. Wait for one of them.")


@transaction.atomic
def keep_view(*, by: User, business: Business, name: str, query: str) -> SavedView:
    """Keep the filters of a list under a name; the same name again replaces them.

    Raises ViewUnnamed, TooManyViews."""
    name = " ".join(name.split())
    if not 0 < len(name) <= 40:
        raise ViewUnnamed
    mine = SavedView.objects.filter(user=by, business=business)
    if not mine.filter(name=name).exists() and mine.count() >= MOST_VIEWS:
        raise TooManyViews
    view, _made = SavedView.objects.update_or_create(
        user=by, business=business, name=name, defaults={"query": query}
    )
    return view


def forget_view(*, by: User, business: Business, name: str) -> None:
    SavedView.objects.filter(user=by, business=business, name=name).delete()


@transaction.atomic
def ask_export(*, business: Business, query: str, rows: int, by: User) -> Export:
    """A file of sales to be made in the background; the audit log says who asked.

    Raises TooManyExports."""
    now = timezone.now()
    waiting = Export.objects.filter(user=by, made_at__isnull=True, ends_at__gt=now)
    if waiting.count() >= MOST_EXPORTS:
        raise TooManyExports
    asked = Export.objects.create(
        user=by, business=business, query=query, rows=rows, asked_at=now, ends_at=now + EXPORT_LIVES
    )
    audit.record(by, "backoffice.sales_exported", "business", business.pk, business_id=business.pk)
    ring_after_commit("apps.backoffice.tasks.make_export", export_id=str(asked.pk))
    return asked


def make_export(*, export_id: UUID) -> bool:
    """Write the file, once; whether this call did. Files past their day are thrown away."""
    now = timezone.now()
    Export.objects.filter(ends_at__lte=now).delete()
    asked = Export.objects.select_related("business").filter(pk=export_id, made_at=None).first()
    if asked is None:
        return False
    wanted, _wrong = read_wanted(QueryDict(asked.query))
    rows = file_rows(wanted_sales(asked.business, wanted), zone=asked.business.zone)
    body = gzip.compress("".join(spreadsheets.lines(rows)).encode())
    done = Export.objects.filter(pk=export_id, made_at=None)
    return done.update(file=body, made_at=timezone.now()) == 1


def live_exports(*, by: User, business: Business, at: datetime) -> QuerySet[Export]:
    """Her files of the last day, the newest first."""
    mine = Export.objects.filter(user=by, business=business, ends_at__gt=at)
    return mine.defer("file").order_by("-asked_at")


def opened(export: Export) -> bytes:
    """The bytes of a file that is ready."""
    return gzip.decompress(bytes(export.file or b""))
