"""Requisites of a partner: their check digits, an owner's wish, an administrator's word."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.models import User
from apps.accounts.services import written_reason
from apps.businesses.models import Business, Requisites
from apps.core import audit
from apps.core.errors import Forbidden, Refused

FIELDS: dict[str, str | Promise] = {
    "legal_name": _("Legal name"),
    "inn": _("INN"),
    "kpp": _("KPP"),
    "ogrn": _("OGRN or OGRNIP"),
    "legal_address": _("Legal address"),
    "bank": _("Bank"),
    "bik": _("BIK"),
    "account": _("Settlement account"),
    "correspondent": _("Correspondent account"),
}
MAY_BE_EMPTY = ("kpp",)  # a sole proprietor has none


def in_force(businesses: Iterable[Business]) -> dict[UUID, list[tuple[str | Promise, str]]]:
    """What was confirmed of these partners, by their ids: names of fields and values, in order;
    nothing of who has none yet. For papers."""
    return {
        row.business_id: [(FIELDS[name], row.said[name]) for name in FIELDS if row.said.get(name)]
        for row in Requisites.objects.filter(business__in=list(businesses))
        if row.said
    }


class RequisitesStale(Refused):
    code = "STALE"
    message = _("Somebody changed the requisites meanwhile. Nothing was changed.")


class NothingAsked(Refused):
    code = "WRONG_STATE"
    message = _("No change of requisites waits for an answer.")


class OwnWish(Refused):
    code = "FORBIDDEN"
    message = _("Whoever asked for it does not confirm it: another person does.")


# --- check digits --------------------------------------------------------------------------------
def _digits(text: str, *lengths: int) -> list[int] | None:
    fits = re.fullmatch(r"[0-9]+", text, re.ASCII) and len(text) in lengths
    return [int(sign) for sign in text] if fits else None


def _weighed(digits: Sequence[int], weights: Sequence[int]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False)) % 11 % 10


def is_inn(text: str) -> bool:
    """10 digits of a company or 12 of a person (order of the tax service ЕД-7-14/559)."""
    digits = _digits(text, 10, 12)
    if digits is None:
        return False
    if len(digits) == 10:
        return digits[9] == _weighed(digits, (2, 4, 10, 3, 5, 9, 4, 6, 8))
    first = _weighed(digits, (7, 2, 4, 10, 3, 5, 9, 4, 6, 8))
    second = _weighed(digits, (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8))
    return digits[10:] == [first, second]


def is_ogrn(text: str) -> bool:
    """13 digits of a company, 15 of a sole proprietor; the last one checks."""
    digits = _digits(text, 13, 15)
    if digits is None:
        return False
    return int(text[:-1]) % (len(text) - 2) % 10 == digits[-1]


def is_kpp(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{4}[0-9A-Z]{2}[0-9]{3}", text, re.ASCII))


def is_account(text: str, *, prefix: str) -> bool:
    """20 digits whose key fits the bank (Bank of Russia, 515). `prefix` is what stands before the
    account when it is weighed: the end of the BIK, or 0 and two digits of it."""
    digits = _digits(prefix + text, 23)
    if digits is None:
        return False
    return sum(digit * (7, 1, 3)[place % 3] for place, digit in enumerate(digits)) % 10 == 0


def faults(said: Mapping[str, str]) -> dict[str, str | Promise]:
    """Field → what is wrong; empty when everything fits."""
    found: dict[str, str | Promise] = {
        name: _("Fill in this field.")
        for name in FIELDS
        if not said.get(name) and name not in MAY_BE_EMPTY
    }
    bik = said.get("bik", "")
    checks: dict[str, tuple[Callable[[str], bool], str | Promise]] = {
        "inn": (is_inn, _("10 or 12 digits; these do not check.")),
        "kpp": (is_kpp, _("9 signs.")),
        "ogrn": (is_ogrn, _("13 or 15 digits; these do not check.")),
        "bik": (lambda text: _digits(text, 9) is not None, _("9 digits.")),
        "account": (
            lambda text: is_account(text, prefix=bik[-3:]),
            _("20 digits; they do not fit this BIK."),
        ),
        "correspondent": (
            lambda text: is_account(text, prefix=f"0{bik[4:6]}"),
            _("20 digits; they do not fit this BIK."),
        ),
    }
    for name, (fits, words) in checks.items():
        if said.get(name) and not fits(said[name]):
            found[name] = words
    if len(said.get("inn", "")) == 10 and not said.get("kpp"):
        found.setdefault("kpp", _("A company has one."))
    return found


# --- asking and answering --------------------------------------------------------------------------
def requisites_of(business: Business) -> Requisites:
    rows = Requisites.objects.select_related("asked_by", "confirmed_by")
    return rows.filter(business=business).first() or Requisites(business=business)


def _locked(business: Business, seen: int) -> Requisites:
    Requisites.objects.get_or_create(business=business)
    row = Requisites.objects.select_for_update(of=("self",)).get(business=business)
    if row.version != seen:
        raise RequisitesStale
    return row


@transaction.atomic
def ask_requisites(
    *, business: Business, said: Mapping[str, str], seen: int, by: User, at: datetime
) -> Requisites:
    """What the owner says they are: in force once an administrator has compared the papers. Empty
    `said` takes the wish back. `seen` is the version before her. The caller has shown `faults`.

    Raises Forbidden, RequisitesStale."""
    if not by.has_perm(rights.TABLE["businesses.requisites"].permission, business):
        raise Forbidden
    row = _locked(business, seen)
    row.asked = {name: said[name] for name in FIELDS} if said else {}
    row.asked_by, row.asked_at = (by, at) if said else (None, None)
    row.version += 1
    row.save(update_fields=["asked", "asked_by", "asked_at", "version"])
    action = "businesses.ask_requisites" if said else "businesses.drop_requisites"
    audit.record(by, action, "business", business.pk, business_id=business.pk)
    return row


@transaction.atomic
def answer_requisites(
    *, business: Business, accept: bool, seen: int, by: User, reason: str, at: datetime
) -> Requisites:
    """The administrator's word; refused, the wish goes and what is in force stays.

    Raises Forbidden, ReasonMissing, RequisitesStale, NothingAsked, OwnWish."""
    if not rights.may("requisites.answer", job=by.job):
        raise Forbidden
    reason = written_reason("requisites.answer", reason, by=by)
    row = _locked(business, seen)
    if not row.asked:
        raise NothingAsked
    if row.asked_by_id == by.pk:
        raise OwnWish
    if accept:
        row.said, row.confirmed_by, row.confirmed_at = row.asked, by, at
    row.asked, row.asked_by, row.asked_at = {}, None, None
    row.version += 1
    row.save()
    audit.record(
        by,
        "businesses.confirm_requisites" if accept else "businesses.refuse_requisites",
        "business",
        business.pk,
        business_id=business.pk,
        reason=reason,
    )
    return row


def waiting() -> Any:
    """Wishes that nobody has answered yet."""
    return Requisites.objects.filter(asked_at__isnull=False).select_related("business")
