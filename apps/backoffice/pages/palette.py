"""The palette of a place: one field from which its sections and things are found.

What is typed may be a phone, so it is sent in the body of a POST and never stands in an address.
Each place says what else than its sections can be found: see `owner/search.py` and
`control/search.py`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.queries import find_person
from apps.backoffice.pages.menu import Link
from apps.backoffice.pages.reading import Kind, read, repaired, to_russian
from apps.core import throttle

LONGEST = 60
# As at the till: an exact search, and not a way to ask for phone after phone.
LIMITS = {3600: 60, 24 * 3600: 300}


@dataclass(frozen=True)
class Hit:
    """One row of what was found: where it leads, its name, what stands quietly beside it, and
    what kind of thing it is."""

    url: str
    icon: str
    name: str | Promise
    quiet: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Found:
    """What a text leads to. `too_many`: people were looked up too often, ask later."""

    hits: list[Hit] = field(default_factory=list)
    too_many: bool = False


def answer(
    request: HttpRequest,
    *,
    page: str,
    sections: list[Link],
    more: Callable[[str], Found],
    context: dict[str, Any],
) -> HttpResponse:
    """What was found; where scripts do not run, the same as the page of its own `page`. `more`
    finds the things of the place by a text that is not empty."""
    text = request.POST.get("q", "").strip()[:LONGEST]
    found = None
    if text:
        things = more(text)
        found = replace(things, hits=[*_sections(sections, text), *things.hits])
    name = "backoffice/search/_found.html" if request.htmx else page
    return render(request, name, {"text": text, "found": found, "links": sections} | context)


def _sections(links: Iterable[Link], text: str) -> list[Hit]:
    """Sections whose name or words hold the text, in whichever layout it was typed."""
    return [
        Hit(one.url, one.item.icon, one.item.name, kind=_("section"))
        for one in links
        if any(form in f"{one.item.name} {one.item.words}".lower() for form in spellings(text))
    ]


def spellings(text: str) -> set[str]:
    """The text as it was typed, and as it was meant when the other layout was on."""
    plain = text.lower()
    return {plain, repaired(plain).lower(), to_russian(plain).lower()}


def is_exact(text: str) -> bool:
    """Whether it may name one person: a whole phone, card number or e-mail."""
    asked = read(text)
    return "@" in text or (asked is not None and asked.kind in (Kind.PHONE, Kind.CARD))


def person_of(request: HttpRequest, text: str, *, place: str) -> tuple[User | None, bool]:
    """Whoever an exact text names, and whether this was asked too often in this place."""
    if not is_exact(text):
        return None, False
    buckets = [
        throttle.Bucket(f"{place}.search.{seconds}", str(request.user.pk), limit, seconds)
        for seconds, limit in LIMITS.items()
    ]
    if throttle.take(buckets).wait:
        return None, True
    asked = read(text)
    return find_person(asked.text if asked and "@" not in text else text), False
