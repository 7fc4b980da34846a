"""What the owner's palette finds beside sections: a guest of hers by her exact phone or card, sales
by the number of a receipt."""

from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.backoffice.pages import palette
from apps.backoffice.pages.access import for_jobs
from apps.backoffice.pages.menu import OWNER, links
from apps.backoffice.pages.owner.frame import business_of, frame
from apps.backoffice.pages.palette import Found, Hit
from apps.businesses.models import Business
from apps.core.money import format_rub
from apps.transactions.models import Transaction
from apps.transactions.queries import is_guest_of, sales_by_number

FOUND = 5  # sales at most


@for_jobs("pages.owner", hidden=True)
@require_http_methods(["GET", "POST"])
def search(request: HttpRequest, slug: str) -> HttpResponse:
    business = business_of(request, slug)
    return palette.answer(
        request,
        page="backoffice/owner/search.html",
        sections=links(OWNER, view="", args=(slug,)),
        more=lambda text: _found(request, business, text),
        context=frame(request, business),
    )


def _found(request: HttpRequest, business: Business, text: str) -> Found:
    if "@" in text or not any(sign.isdigit() for sign in text):
        return Found()
    sales = [_sale(one, business) for one in sales_by_number(business, text, limit=FOUND)]
    guest, too_many = palette.person_of(request, text, place="owner")
    if guest is None or not is_guest_of(business, guest):
        return Found(sales, too_many)
    url = f"{reverse('backoffice:owner_sales', args=[business.slug])}?member={guest.pk}"
    return Found([Hit(url, "user-round", guest.short_name, guest.masked_phone, _("guest")), *sales])


def _sale(sale: Transaction, business: Business) -> Hit:
    when = date_format(localtime(sale.occurred_at, ZoneInfo(business.zone)), "d.m.Y, G:i")
    return Hit(
        reverse("backoffice:owner_sale", args=[business.slug, sale.pk]),
        "receipt",
        f"{when} · {format_rub(sale.amount)}",
        sale.member.short_name,
        _("sale №%(number)s") % {"number": sale.number},
    )
