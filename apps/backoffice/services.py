"""Writes of the back office's own: the second factor of staff, and who signed in."""

from dataclasses import asdict

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import TOTPDevice, User
from apps.accounts.services import unlock_pin
from apps.backoffice.models import SavedView
from apps.businesses.models import Business
from apps.core import audit
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


# --- lists: views ----------------------------------------------------------------------
MOST_VIEWS = 20


class ViewUnnamed(Invalid):
    field = "name"
    message = _("Name the view, in 40 signs at most.")


class TooManyViews(Refused):
    code = "CONFLICT"
    message = _("There are twenty views already. Forget one first.")


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
