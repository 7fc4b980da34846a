"""The offer constructor of a business, and what members see of offers."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.enums import TierCode
from apps.accounts.permissions import Can
from apps.businesses.models import Business, State
from apps.businesses.queries import partners
from apps.core.errors import Invalid, NotFound
from apps.core.http.serializers import In, MomentOut, MoneyIn, MoneyOut, Out
from apps.core.http.views import ApiViewSet
from apps.core.money import from_kopecks
from apps.loyalty import offer_queries, queries, rules, services, settings_queries
from apps.loyalty.enums import OfferKind, OfferState
from apps.loyalty.models import OfferConstructor, OfferUse
from apps.loyalty.offer_queries import Offered, Outlook


class SpendOverMost(Invalid):
    field = "spend"
    message = _("At most %(most)s bonuses can be spent on this bill.")


# --- shapes --------------------------------------------------------------------------------------
class FunderIn(In):
    business_id = serializers.UUIDField()
    share = serializers.DecimalField(max_digits=5, decimal_places=2, help_text="percent")


class OfferIn(In):
    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(OfferKind.choices)
    value = MoneyIn(help_text="times, percent or bonuses, by kind")
    priority = serializers.IntegerField(min_value=1, max_value=1_000_000, required=False)
    exclusive_group = serializers.CharField(max_length=40, required=False, allow_blank=True)
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    tiers = serializers.ListField(child=serializers.ChoiceField(TierCode.choices), required=False)
    segment = serializers.CharField(max_length=40, required=False, allow_blank=True)
    categories = serializers.ListField(
        child=serializers.CharField(max_length=60), required=False, max_length=50
    )
    weekdays = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=7), required=False, max_length=7
    )
    hour_from = serializers.IntegerField(min_value=0, max_value=23, required=False, allow_null=True)
    hour_to = serializers.IntegerField(min_value=1, max_value=24, required=False, allow_null=True)
    first_purchase = serializers.BooleanField(required=False)
    birthday_days = serializers.IntegerField(
        min_value=0, max_value=14, required=False, allow_null=True
    )
    away_days = serializers.IntegerField(
        min_value=7, max_value=730, required=False, allow_null=True
    )
    min_amount = MoneyIn(required=False)
    every_nth = serializers.IntegerField(
        min_value=2, max_value=1000, required=False, allow_null=True
    )
    cap_member = MoneyIn(required=False, allow_null=True)
    cap_day = MoneyIn(required=False, allow_null=True)
    budget = MoneyIn(required=False, allow_null=True)
    funders = FunderIn(many=True, required=False)


class OfferChangeIn(OfferIn):
    action = serializers.ChoiceField(["submit", "pause", "resume", "end"], required=False)


class FunderOut(Out):
    business_id = serializers.UUIDField()
    share = serializers.SerializerMethodField(help_text="percent")

    def get_share(self, funder: Any) -> str:
        return f"{funder.share_bp / 100:.2f}"


class OfferOut(Out):
    id = serializers.UUIDField()
    business_id = serializers.UUIDField()
    state = serializers.ChoiceField(OfferState.choices)
    priority = serializers.IntegerField()
    version = serializers.IntegerField(source="version.number")
    name = serializers.CharField(source="version.name")
    kind = serializers.CharField(source="version.kind")
    value = MoneyOut(source="version.value")
    exclusive_group = serializers.CharField(source="version.exclusive_group")
    starts_at = MomentOut(source="version.starts_at")
    ends_at = MomentOut(source="version.ends_at")
    tiers = serializers.ListField(source="version.tiers")
    segment = serializers.CharField(source="version.segment")
    categories = serializers.ListField(source="version.categories")
    weekdays = serializers.ListField(source="version.weekdays")
    hour_from = serializers.IntegerField(source="version.hour_from", allow_null=True)
    hour_to = serializers.IntegerField(source="version.hour_to", allow_null=True)
    first_purchase = serializers.BooleanField(source="version.first_purchase")
    birthday_days = serializers.IntegerField(source="version.birthday_days", allow_null=True)
    away_days = serializers.IntegerField(source="version.away_days", allow_null=True)
    min_amount = MoneyOut(source="version.min_amount")
    every_nth = serializers.IntegerField(source="version.every_nth", allow_null=True)
    cap_member = MoneyOut(source="version.cap_member", allow_null=True)
    cap_day = MoneyOut(source="version.cap_day", allow_null=True)
    budget = MoneyOut(source="version.budget", allow_null=True)
    funders = FunderOut(source="version.funders", many=True)
    given = MoneyOut(help_text="bonuses so far")


class ForecastOut(Out):
    transactions = serializers.IntegerField()
    members = serializers.IntegerField()
    extra_bonuses = MoneyOut()
    cost = MoneyOut()
    low = MoneyOut(help_text="of cost: 9 times of 10 it would lie between low and high")
    high = MoneyOut()
    purchases = serializers.IntegerField(help_text="of the last 90 days")
    replayed = serializers.IntegerField(help_text="of them looked at")


class OfferedOut(Out):
    id = serializers.UUIDField()
    business_id = serializers.UUIDField()
    business_name = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.CharField()
    value = MoneyOut()
    min_amount = MoneyOut()
    weekdays = serializers.ListField(child=serializers.IntegerField())
    hour_from = serializers.IntegerField(allow_null=True)
    hour_to = serializers.IntegerField(allow_null=True)
    ends_at = MomentOut()
    now = serializers.BooleanField(help_text="applies to a purchase at this moment")
    why_not = serializers.CharField(allow_null=True, help_text="weekday or hour")


class QuoteIn(In):
    business_id = serializers.UUIDField()
    amount = MoneyIn()
    spend = MoneyIn(required=False)


class MultiplierOut(Out):
    offer = serializers.CharField(help_text="name")
    offer_id = serializers.UUIDField()
    kind = serializers.CharField()
    factor = MoneyOut(help_text="times, percent or bonuses, by kind")
    bonus = MoneyOut(help_text="what it adds")
    wanted = MoneyOut(help_text="what it would add without its limits")


class QuoteOut(Out):
    accrual = MoneyOut()
    rate = serializers.CharField(help_text='percent, as a string: "7.00"')
    multipliers = MultiplierOut(many=True)
    max_spend = MoneyOut()
    why_limited = serializers.ChoiceField(["balance", "share"])
    share = serializers.IntegerField(help_text="percent of a bill payable with bonuses here")
    available = MoneyOut()
    to_pay = MoneyOut()


# --- the constructor -----------------------------------------------------------------------------
MOVES = {
    "submit": services.submit_offer,
    "pause": services.pause_offer,
    "resume": services.resume_offer,
    "end": services.end_offer,
}


class OfferViewSet(ApiViewSet):
    """Offers of a business where the caller is an owner."""

    permission_classes = [Can("offers.manage")]
    queryset = OfferConstructor.objects.none()

    @extend_schema(responses=OfferOut(many=True), tags=["businesses"])
    def list(self, request: Request, business_id: UUID) -> Response:
        return self.page(_offers_of(self._business(business_id)), _ManyOffers)  # type: ignore[no-any-return]

    @extend_schema(request=OfferIn, responses={201: OfferOut}, tags=["businesses"])
    def create(self, request: Request, business_id: UUID) -> Response:
        business = self._business(business_id)
        asked = self.read(OfferIn)
        funders = _funders(asked)
        offer = services.create_offer(
            business=business,
            terms=asked,
            funders=funders or (),
            by=request.user,
            at=timezone.now(),
        )
        return Response(self._shown(offer), status=201)

    @extend_schema(request=OfferChangeIn, responses=OfferOut, tags=["businesses"])
    def partial_update(self, request: Request, business_id: UUID, offer_id: UUID) -> Response:
        """Changes write the next version; `action` moves the offer on, after them."""
        offer = self._offer(business_id, offer_id)
        asked = self.read(OfferChangeIn, partial=True)
        action, funders, at = asked.pop("action", None), _funders(asked), timezone.now()
        if asked or funders is not None:
            offer = services.edit_offer(
                offer_id=offer.pk, changes=asked, funders=funders, by=request.user, at=at
            )
        if action:
            offer = MOVES[action](offer_id=offer.pk, by=request.user, at=at)
        return Response(self._shown(offer))

    @extend_schema(request=None, responses=ForecastOut, tags=["businesses"])
    def simulate(self, request: Request, business_id: UUID, offer_id: UUID) -> Response:
        offer = self._offer(business_id, offer_id)
        forecast = services.simulate_offer(offer_id=offer.pk, by=request.user, at=timezone.now())
        return Response(ForecastOut(forecast).data)

    def _business(self, business_id: UUID) -> Business:
        business = Business.objects.filter(pk=business_id).first()
        if business is None:
            raise NotFound
        self.check_object_permissions(self.request, business)
        return business

    def _offer(self, business_id: UUID, offer_id: UUID) -> OfferConstructor:
        offer = _offers_of(self._business(business_id)).filter(pk=offer_id).first()
        if offer is None:
            raise NotFound
        return offer

    @staticmethod
    def _shown(offer: OfferConstructor) -> Any:
        return _ManyOffers([_offers_of(offer.business).get(pk=offer.pk)], many=True).data[0]


def _offers_of(business: Business) -> QuerySet[OfferConstructor]:
    offers = OfferConstructor.objects.filter(business=business)
    return offers.select_related("business", "current").prefetch_related("current__funders")


def _ManyOffers(offers: list[OfferConstructor], *, many: bool) -> Any:
    """A page of offers with what each has given, in one more statement."""
    uses = OfferUse.objects.filter(offer__in=offers).values_list("offer")
    given = dict(uses.annotate(sum=Sum("granted")))
    for offer in offers:
        offer.given = from_kopecks(given.get(offer.pk, 0))  # type: ignore[attr-defined]
    return OfferOut(offers, many=many)


def _funders(asked: dict[str, Any]) -> list[tuple[UUID, int]] | None:
    given = asked.pop("funders", None)
    if given is None:
        return None
    return [(one["business_id"], int(one["share"] * 100)) for one in given]


# --- members -------------------------------------------------------------------------------------
class MemberOfferViewSet(ApiViewSet):
    """What the caller would earn, and by which offers."""

    permission_classes = [Can("loyalty.read")]

    @extend_schema(responses=OfferedOut(many=True), tags=["loyalty"])
    def list(self, request: Request) -> Response:
        rows = offer_queries.offered_to(request.user, at=timezone.now())
        return Response(OfferedOut([_offered(one) for one in rows], many=True).data)

    @extend_schema(request=QuoteIn, responses=QuoteOut, tags=["loyalty"])
    def quote(self, request: Request) -> Response:
        """What a bill would earn and how much of it bonuses can pay; nothing is written."""
        asked, at = self.read(QuoteIn), timezone.now()
        business = partners().filter(pk=asked["business_id"], state=State.ACTIVE).first()
        if business is None:
            raise NotFound
        share = settings_queries.share_of_bill(business.max_bonus_share)
        most = rules.most_spendable(bill=asked["amount"], share_percent=share)
        available = queries.balance_of(request.user.pk, at=at).available
        spend = asked.get("spend", queries.ZERO)
        if spend > most:
            raise SpendOverMost(most=f"{most:.2f}")
        if spend > available:
            raise services.InsufficientBonus(available=f"{available:.2f}")
        to_pay = asked["amount"] - spend
        outlook = services.foresee(member=request.user, business=business, paid=to_pay, at=at)
        told = {
            "accrual": outlook.bonus,
            "rate": f"{outlook.rate_bp / 100:.2f}",
            "multipliers": _multipliers(outlook),
            "max_spend": min(most, available),
            "why_limited": "balance" if available < most else "share",
            "share": share,
            "available": available,
            "to_pay": to_pay,
        }
        return Response(QuoteOut(told).data)


def _multipliers(outlook: Outlook) -> list[dict[str, Any]]:
    return [
        {
            "offer": one.name,
            "offer_id": one.offer,
            "kind": one.kind,
            "factor": one.value,
            "bonus": from_kopecks(one.granted),
            "wanted": from_kopecks(one.wanted),
        }
        for one in outlook.terms
    ]


def _offered(one: Offered) -> dict[str, Any]:
    rule = one.rule
    return {
        "id": rule.offer,
        "business_id": one.business.pk,
        "business_name": one.business.name,
        "name": rule.name,
        "kind": rule.kind,
        "value": rule.value,
        "min_amount": rule.min_amount,
        "weekdays": rule.weekdays,
        "hour_from": rule.hour_from,
        "hour_to": rule.hour_to,
        "ends_at": one.until,
        "now": not one.why,
        "why_not": one.why or None,
    }
