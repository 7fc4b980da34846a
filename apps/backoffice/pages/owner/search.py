"""The palette's search: sections by name, a guest by her exact phone or card, sales by receipt."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.accounts.models import User
from apps.accounts.queries import find_member
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.menu import OWNER, Link, links
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.backoffice.pages.reading import Kind, read, repaired, to_russian
from apps.businesses.models import Business
from apps.core import throttle
from apps.transactions.models import Transaction
from apps.transactions.queries import is_guest_of, sales_by_number

FOUND = 5  # sales at most
LONGEST = 60
# As at the till: an exact search, and not a way to ask for phone after phone.
LIMITS = {3600: 60, 24 * 3600: 300}


@dataclass(frozen=True)
class Found:
    """What a text leads to. `too_many`: people were looked up too often, ask later."""

    sections: list[Link]
    guest: User | None = None
    sales: list[Transaction] | None = None
    too_many: bool = False

    @property
    def count(self) -> int:
        return len(self.sections) + len(self.sales or []) + (self.guest is not None)


@for_jobs("pages.owner", hidden=True)
@require_GET
def search(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    text = request.GET.get("q", "").strip()[:LONGEST]
    found = _found(request, business, text)
    name = "_found.html" if request.htmx else "search.html"
    context = {"text": text, "found": found} | frame(request, business)
    return render(request, f"backoffice/owner/search/{name}", context)


def _found(request: HttpRequest, business: Business, text: str) -> Found:
    sections = [one for one in links(OWNER, view="", args=(business.slug,)) if _named(one, text)]
    if not any(sign.isdigit() for sign in text):
        return Found(sections)
    asked = read(text)
    sales = sales_by_number(business, text, limit=FOUND)
    if asked is None or asked.kind not in (Kind.PHONE, Kind.CARD):
        return Found(sections, sales=sales)
    buckets = [
        throttle.Bucket(f"owner.search.{seconds}", str(request.user.pk), limit, seconds)
        for seconds, limit in LIMITS.items()
    ]
    if throttle.take(buckets).wait:
        return Found(sections, sales=sales, too_many=True)
    guest = find_member(asked.text, at=timezone.now())
    return Found(sections, guest if guest and is_guest_of(business, guest) else None, sales)


def _named(link: Link, text: str) -> bool:
    """Whether a section's name or words hold the text, in whichever layout it was typed."""
    said = f"{link.item.name} {link.item.words}".lower()
    plain = text.lower()
    return any(form in said for form in {plain, repaired(plain), to_russian(plain)})
