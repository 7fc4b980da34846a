"""Invitations and badges of the caller."""

from typing import Any

from django.utils import timezone
from django.utils.translation import get_language
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.permissions import Can
from apps.core.http.serializers import In, MomentOut, MoneyOut, Out
from apps.core.http.views import ApiViewSet
from apps.loyalty import badge_queries, referral_queries, services
from apps.loyalty.badge_queries import Progress
from apps.loyalty.enums import BadgePeriod


class InvitationIn(In):
    code = serializers.CharField(max_length=12)


class ReferralOut(Out):
    code = serializers.CharField(help_text="to be told to friends")
    invited = serializers.IntegerField()
    waiting = serializers.IntegerField()
    rewarded = serializers.IntegerField()
    earned = MoneyOut()
    month_left = serializers.IntegerField(help_text="rewards she may still get this month")


class InvitationOut(Out):
    accepted_at = MomentOut()
    lapses_at = MomentOut()


class BadgeOut(Out):
    code = serializers.CharField()
    name = serializers.CharField()
    text = serializers.CharField()
    period = serializers.ChoiceField(BadgePeriod.choices)
    target = serializers.IntegerField()
    progress = serializers.IntegerField(help_text="in the present period")
    earned = serializers.BooleanField()
    earned_at = MomentOut(allow_null=True)
    times = serializers.IntegerField(help_text="earned in all periods together")
    bonus = MoneyOut()


class ReferralViewSet(ApiViewSet):
    permission_classes = [Can("loyalty.referral")]

    @extend_schema(responses=ReferralOut, tags=["loyalty"])
    def retrieve(self, request: Request) -> Response:
        member = request.user
        told = referral_queries.brought_by(member.pk) | {
            "code": services.referral_code_of(member),
            "month_left": services.month_left(member.pk, at=timezone.now()),
        }
        return Response(ReferralOut(told).data)

    @extend_schema(request=InvitationIn, responses={201: InvitationOut}, tags=["loyalty"])
    def create(self, request: Request) -> Response:
        """Accept an invitation. A suspicious one is answered alike; it is only never rewarded."""
        referral = services.accept_invitation(
            member=request.user,
            code=self.read(InvitationIn)["code"],
            at=timezone.now(),
            device_hash=request.auth.device_key,
        )
        return Response(InvitationOut(referral).data, status=201)


class BadgeViewSet(ApiViewSet):
    permission_classes = [Can("loyalty.read")]

    @extend_schema(responses=BadgeOut(many=True), tags=["loyalty"])
    def list(self, request: Request) -> Response:
        rows = badge_queries.progress_of(request.user, at=timezone.now())
        return Response(BadgeOut([_badge(row) for row in rows], many=True).data)


def _badge(row: Progress) -> dict[str, Any]:
    badge, english = row.badge, get_language() == "en"
    return {
        "code": badge.code,
        "name": badge.name_en if english else badge.name_ru,
        "text": badge.text_en if english else badge.text_ru,
        "period": badge.period,
        "target": badge.target,
        "progress": row.progress,
        "earned": row.earned_at is not None,
        "earned_at": row.earned_at,
        "times": row.times,
        "bonus": badge.bonus,
    }
