"""Partners as members, owners and admins see them."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.businesses.models import Category, Role, State
from apps.core.http.serializers import In, MomentOut, Out

CATEGORIES = [(code, name) for code, name in Category.choices if code != Category.NETWORK]
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class HoursIn(In):
    weekday = serializers.IntegerField(min_value=1, max_value=7, help_text="1 is Monday")
    opens = serializers.RegexField(CLOCK, help_text="10:00, by the partner's clock")
    closes = serializers.RegexField(CLOCK, help_text="not after `opens`: on the next day")


class PresentIn(In):
    description = serializers.CharField(max_length=4000, allow_blank=True, required=False)
    hours = HoursIn(many=True, required=False)
    photos = serializers.ListField(
        child=serializers.URLField(max_length=500), max_length=12, required=False
    )
    max_bonus_share = serializers.IntegerField(
        min_value=0, max_value=50, required=False, help_text="percent of a bill"
    )

    def validate_hours(self, hours: list[Any]) -> list[Any]:
        if len(hours) > 21:
            raise serializers.ValidationError(_("At most 21 lines of hours."))
        return [dict(one) for one in hours]

    def validate_photos(self, photos: list[str]) -> list[str]:
        if not all(one.startswith("https://") for one in photos):
            raise serializers.ValidationError(_("Photos are addresses that begin with https://."))
        return photos


class HoursOut(Out):
    weekday = serializers.IntegerField(help_text="1 is Monday")
    opens = serializers.CharField()
    closes = serializers.CharField()


class LocationOut(Out):
    id = serializers.UUIDField()
    name = serializers.CharField()
    address = serializers.CharField()


class BusinessOut(Out):
    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    category = serializers.ChoiceField(Category.choices)
    category_name = serializers.CharField(source="get_category_display")
    city = serializers.CharField()
    description = serializers.CharField()
    hours = HoursOut(many=True)
    photos = serializers.ListField(child=serializers.CharField())
    zone = serializers.CharField(help_text="time zone of the hours")
    max_bonus_share = serializers.IntegerField(help_text="percent of a bill payable with bonuses")
    locations = LocationOut(source="locations.all", many=True)


class CategoryOut(Out):
    code = serializers.ChoiceField(Category.choices)
    name = serializers.CharField()
    businesses = serializers.IntegerField(help_text="how many partners")


class HireIn(In):
    phone = serializers.CharField(max_length=40)
    role = serializers.ChoiceField(Role.choices)


class StaffOut(Out):
    user_id = serializers.UUIDField()
    first_name = serializers.CharField(source="user.first_name")
    last_name = serializers.CharField(source="user.last_name")
    phone_masked = serializers.CharField(source="user.masked_phone")
    role = serializers.ChoiceField(Role.choices)
    since = MomentOut(source="started_at")


class OpenIn(In):
    name = serializers.CharField(max_length=80)
    slug = serializers.RegexField(r"^[a-z0-9][a-z0-9-]{1,39}$", help_text="in its addresses")
    category = serializers.ChoiceField(CATEGORIES)
    city = serializers.CharField(max_length=60, allow_blank=True, required=False, default="")


class MoveIn(In):
    state = serializers.ChoiceField(State.choices)
    reason = serializers.CharField(max_length=500, allow_blank=True, required=False)


class BusinessLineOut(BusinessOut):
    state = serializers.ChoiceField(State.choices)
    pending_days = serializers.IntegerField(help_text="until a bonus can be spent")
    created_at = MomentOut()
