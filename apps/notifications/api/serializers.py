from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.core.http.serializers import In, MomentOut, Out
from apps.notifications.enums import Channel, Platform, Topic

MUTABLE = [(topic.value, topic.label) for topic in Topic if topic != Topic.SECURITY]


class DeviceIn(In):
    token = serializers.RegexField(r"^[\x21-\x7e]+$", min_length=8, max_length=512)
    platform = serializers.ChoiceField(Platform.choices)


class DeviceOut(Out):
    id = serializers.UUIDField()
    platform = serializers.CharField()


class MessageOut(Out):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    topic = serializers.CharField()
    title = serializers.CharField()
    body = serializers.CharField()
    values = serializers.DictField(help_text="ids and sums the app may need to lead further")
    created_at = MomentOut()
    read_at = MomentOut(allow_null=True)


class ReadIn(In):
    ids = serializers.ListField(child=serializers.UUIDField(), max_length=100, required=False)
    all = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == bool(attrs.get("all")):
            raise serializers.ValidationError({"ids": [_("Send ids, or all: true.")]})
        return attrs


class ReadOut(Out):
    marked = serializers.IntegerField()
    unread = serializers.IntegerField()


class PreferenceIn(In):
    topic = serializers.ChoiceField(MUTABLE)
    channel = serializers.ChoiceField(Channel.choices)
    wanted = serializers.BooleanField()


class PreferencesIn(In):
    preferences = PreferenceIn(many=True)


class PreferenceOut(Out):
    topic = serializers.CharField()
    channel = serializers.CharField()
    wanted = serializers.BooleanField()


class PreferencesOut(Out):
    preferences = PreferenceOut(many=True)
