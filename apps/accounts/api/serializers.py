from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.accounts import rules
from apps.accounts.models import User
from apps.core.http.serializers import In, MomentOut, Out


class SendCodeIn(In):
    phone = serializers.CharField(max_length=40)


class SendCodeOut(Out):
    code_id = serializers.UUIDField()
    expires_in = serializers.IntegerField(help_text="seconds")
    resend_in = serializers.IntegerField(help_text="seconds")


class SignInDeviceIn(In):
    name = serializers.CharField(max_length=80)
    platform = serializers.CharField(max_length=16)


class VerifyCodeIn(In):
    code_id = serializers.UUIDField()
    code = serializers.RegexField(r"^[0-9]{6}$", error_messages={"invalid": _("Six digits.")})
    referral_code = serializers.CharField(max_length=32, required=False)
    device = SignInDeviceIn(required=False)


class RefreshIn(In):
    refresh_token = serializers.CharField(max_length=4096)


class ConfirmIn(In):
    code = serializers.CharField(max_length=32)


class ConfirmedOut(Out):
    fresh_until = MomentOut()


class TokensOut(Out):
    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="seconds")


class TierOut(Out):
    code = serializers.CharField()
    name = serializers.CharField()
    cashback_rate = serializers.SerializerMethodField(help_text='percent, as a string: "7.00"')

    def get_cashback_rate(self, tier: Any) -> str:
        return f"{tier.rate_bp / 100:.2f}"


class UserOut(Out):
    id = serializers.UUIDField()
    phone = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    email = serializers.CharField()
    birth_date = serializers.DateField(allow_null=True)
    city = serializers.CharField()
    locale = serializers.CharField()
    role = serializers.CharField()
    status = TierOut(source="tier")
    joined_at = MomentOut()
    card_number = serializers.CharField()


class SignedInOut(TokensOut):
    is_new = serializers.BooleanField()
    user = UserOut()


class SessionOut(Out):
    id = serializers.UUIDField()
    kind = serializers.CharField(help_text="app or web")
    device_name = serializers.CharField()
    platform = serializers.CharField()
    place = serializers.CharField(help_text="the network it was opened from, not the address")
    created_at = MomentOut()
    last_seen_at = MomentOut()
    current = serializers.SerializerMethodField()

    def get_current(self, session: Any) -> bool:
        return bool(session.pk == self.context["current"])


class CardOut(Out):
    number = serializers.CharField()
    token = serializers.CharField(help_text="digits of the QR; they change every 30 s")
    expires_in = serializers.IntegerField(help_text="seconds")
    svg = serializers.CharField()


class ProfileIn(In):
    first_name = serializers.CharField(max_length=60, allow_blank=True, required=False)
    last_name = serializers.CharField(max_length=60, allow_blank=True, required=False)
    email = serializers.EmailField(allow_blank=True, required=False)
    birth_date = serializers.DateField(required=False)
    city = serializers.CharField(max_length=60, allow_blank=True, required=False)
    locale = serializers.ChoiceField(["ru", "en"], required=False)

    def validate_birth_date(self, day: Any) -> Any:
        if day.year < 1900 or not rules.is_adult(day, today=timezone.localdate()):
            raise serializers.ValidationError(_("Members are 18 or older."))
        return day


def tokens_data(tokens: Any) -> dict[str, Any]:
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "expires_in": tokens.expires_in,
    }


def user_data(user: User) -> dict[str, Any]:
    return dict(UserOut(user).data)
