"""Who works here: invited, given a role, sent home; their PINs; the computers of the till."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from apps.accounts import rules
from apps.accounts import services as accounts
from apps.accounts.models import TrustedDevice, User
from apps.accounts.queries import devices_of_business, pins_of
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.owner.fields import MUST
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.businesses import services
from apps.businesses.models import Business, Membership, Role
from apps.businesses.queries import team_of
from apps.core.errors import Invalid, NotFound, Refused, TooMany
from apps.transactions.queries import last_entries

FORMER = 10


class HasPassword(Refused):
    code = "WRONG_STATE"
    message = gettext_lazy("She has set her password already.")


class InviteForm(forms.Form):
    phone = forms.CharField(
        label=gettext_lazy("Phone"),
        max_length=40,
        error_messages=MUST,
        help_text=gettext_lazy("She gets an SMS at once: where to sign in, and how."),
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
    )
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        choices=[
            (Role.STAFF, gettext_lazy("till: sales, coupons, own shift")),
            (Role.OWNER, gettext_lazy("owner: everything you may")),
        ],
        initial=Role.STAFF,
        widget=forms.RadioSelect,
        error_messages=MUST,
    )

    def clean_phone(self) -> str:
        phone = rules.normalize_phone(self.cleaned_data["phone"])
        if phone is None:
            raise forms.ValidationError(_("A Russian mobile number, for example +7 912 345-67-89."))
        return phone


@dataclass(frozen=True)
class Colleague:
    """A person at work. `pin`: set, locked or empty; `last` is her last entry at the till."""

    membership: Membership
    pin: str
    last: datetime | None
    is_me: bool

    @property
    def waits_for_password(self) -> bool:
        return accounts.needs_first_password(self.user)

    @property
    def user(self) -> User:
        return self.membership.user


@for_jobs("pages.staff")
@require_http_methods(["GET", "POST"])
def staff(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    form, refused = InviteForm(), ""
    if request.method == "POST":
        act = ACTS.get(request.POST.get("act", ""))
        if act is None:
            form = InviteForm(request.POST)
        try:
            done = act(request, business) if act else _invite(request, business, form)
        except Invalid as wrong:
            form.add_error(wrong.field if wrong.field in form.fields else None, str(wrong))
        except Refused as refusal:
            refused = str(refusal)
            if act is None:
                form.add_error("phone", refused)
        else:
            if done:
                return redirect("backoffice:staff", slug=slug)
    context = frame(request, business) | _page(request, business)
    context |= {"form": form, "refused": "" if form.is_bound else refused}
    status = 422 if request.method == "POST" else 200
    return render(request, "backoffice/owner/staff.html", context, status=status)


def _page(request: HttpRequest, business: Business) -> dict[str, Any]:
    at = timezone.now()
    team = list(team_of(business).order_by("role", "user__first_name", "pk"))
    ids = [one.user_id for one in team]
    pins, last = pins_of(ids), last_entries(business=business, people=ids)
    gone = Membership.objects.filter(business=business, ended_at__isnull=False)
    former = gone.exclude(user__in=ids).exclude(user__erased_at__isnull=False)
    return {
        "team": [
            Colleague(one, pins.get(one.user_id, ""), last.get(one.user_id), _is_me(request, one))
            for one in team
        ],
        "former": former.select_related("user").order_by("-ended_at")[:FORMER],
        "devices": devices_of_business(business.pk, at=at),
        "owners": sum(one.role == Role.OWNER for one in team),
    }


def _is_me(request: HttpRequest, one: Membership) -> bool:
    return bool(one.user_id == request.user.pk)


def _invite(request: HttpRequest, business: Business, form: InviteForm) -> bool:
    if not form.is_valid():
        return False
    said, at = form.cleaned_data, timezone.now()
    member = services.hire(
        business=business, phone=said["phone"], role=Role(said["role"]), by=request.user, at=at
    )
    _tell(request, business, member.user)
    return True


def _tell(request: HttpRequest, business: Business, person: User) -> None:
    """By SMS, with a link for the first password when she needs one; the page says which."""
    phone = {"phone": person.masked_phone}
    try:
        with_link = accounts.invite(
            user=person,
            business_id=business.pk,
            place=business.name,
            by=request.user,
            at=timezone.now(),
            paths=accounts.Doors(
                reverse("backoffice:first_password"), reverse("backoffice:signin")
            ),
        )
    except TooMany:
        text = _("%(phone)s was told five times today. Send the next message tomorrow.")
        messages.warning(request, text % phone)
        return
    text = (
        _("%(phone)s has an SMS with a link: it sets her password, works for a day and once.")
        if with_link
        else _("%(phone)s has an SMS that she works here now and where to sign in.")
    )
    messages.success(request, text % phone)


def _link(request: HttpRequest, business: Business) -> bool:
    """The link once more; the earlier one dies."""
    person = _person(request, business)
    if not accounts.needs_first_password(person):
        raise HasPassword
    _tell(request, business, person)
    return True


def _person(request: HttpRequest, business: Business, *, former: bool = False) -> User:
    """Somebody who works here (or did). Raises NotFound for anybody else."""
    try:
        asked = UUID(request.POST.get("person", ""))
    except ValueError as wrong:
        raise NotFound from wrong
    rows = Membership.objects.filter(business=business, user=asked).select_related("user")
    row = rows.first() if former else rows.filter(ended_at__isnull=True).first()
    if row is None:
        raise NotFound
    return row.user


def _role(request: HttpRequest, business: Business) -> bool:
    role = request.POST.get("role", "")
    if role not in Role.values:
        raise NotFound
    person = _person(request, business)
    services.change_role(
        business=business, user=person, role=Role(role), by=request.user, at=timezone.now()
    )
    messages.success(request, _("The role is changed; she signs in anew."))
    if accounts.needs_first_password(person):
        _tell(request, business, person)
    return True


def _leave(request: HttpRequest, business: Business) -> bool:
    person = _person(request, business)
    if person.pk == request.user.pk:
        raise services.OwnRole
    services.remove_staff(business=business, user=person, by=request.user, at=timezone.now())
    messages.success(request, _("She works here no longer and is signed out everywhere."))
    return True


def _back(request: HttpRequest, business: Business) -> bool:
    person = _person(request, business, former=True)
    services.add_staff(
        business=business, user=person, role=Role.STAFF, by=request.user, at=timezone.now()
    )
    messages.success(request, _("She works here again, at the till."))
    return True


def _pin(request: HttpRequest, business: Business) -> bool:
    person = _person(request, business)
    accounts.reset_pin(user=person, business_id=business.pk, by=request.user)
    messages.success(request, _("The PIN is forgotten. She sets a new one after signing in."))
    return True


def _forget(request: HttpRequest, business: Business) -> bool:
    at = timezone.now()
    wanted = request.POST.get("device", "")
    found: list[TrustedDevice] = devices_of_business(business.pk, at=at)
    device = next((one for one in found if str(one.pk) == wanted), None)
    if device is None:
        raise NotFound
    accounts.forget_device(device=device, by=request.user, at=at)
    messages.success(request, _("This computer opens no more by PIN."))
    return True


ACTS: dict[str, Callable[[HttpRequest, Business], bool]] = {
    "role": _role,
    "link": _link,
    "leave": _leave,
    "back": _back,
    "pin": _pin,
    "forget": _forget,
}
