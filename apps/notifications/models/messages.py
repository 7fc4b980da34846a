"""Messages, attempts and words."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from apps.core.ids import end_of, new_id
from apps.notifications.enums import Channel, Language, Priority, State, TryState
from apps.notifications.labels import kind_name
from apps.notifications.models.broadcasts import Broadcast


class Notification(models.Model):
    """`channel` is the one it travels by now, `rest` those after it. `values` fill the places of
    its words: sums, moments and ids, never a name or a contact."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    member = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("member")
    )
    kind = models.CharField(_("kind"), max_length=24)
    source = models.CharField(max_length=64, help_text="Fact, broadcast or week it comes of")
    broadcast = models.ForeignKey(
        Broadcast, on_delete=models.PROTECT, null=True, related_name="messages"
    )
    business = models.ForeignKey(
        "businesses.Business", on_delete=models.PROTECT, null=True, related_name="+"
    )
    values = models.JSONField(default=dict)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority.choices)
    state = models.CharField(_("state"), max_length=12, choices=State.choices)
    channel = models.CharField(_("channel"), max_length=8, choices=Channel.choices, blank=True)
    rest = models.CharField(max_length=24, blank=True)
    tries = models.PositiveSmallIntegerField(_("attempts"), default=0)
    trying_since = models.DateTimeField(null=True)
    trouble = models.CharField(_("last error"), max_length=80, blank=True)
    due_at = models.DateTimeField(_("next attempt"))
    expires_at = models.DateTimeField(_("worth sending until"))
    in_app = models.BooleanField(_("in the app"), default=True)
    created_at = models.DateTimeField(_("written"), default=timezone.now)
    read_at = models.DateTimeField(_("read"), null=True)
    cost = models.BigIntegerField(_("cost"), default=0, help_text="kopecks")

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints = [
            models.UniqueConstraint(
                name="one_message_per_member_kind_and_source", fields=["member", "kind", "source"]
            ),
            models.CheckConstraint(name="message_state_known", condition=Q(state__in=list(State))),
            models.CheckConstraint(
                name="message_priority_known", condition=Q(priority__in=list(Priority))
            ),
            models.CheckConstraint(
                name="message_channel_known", condition=Q(channel__in=["", *Channel])
            ),
            models.CheckConstraint(
                name="waiting_message_has_channel",
                condition=~Q(state__in=["waiting", "sending"]) | ~Q(channel=""),
            ),
            models.CheckConstraint(name="message_cost_not_negative", condition=Q(cost__gte=0)),
        ]
        indexes = [
            # the inbox, newest first
            models.Index(
                name="inbox_of_member",
                fields=["member", "-created_at", "-id"],
                condition=Q(in_app=True),
            ),
            # the unread count of the first screen
            models.Index(
                name="unread_of_member",
                fields=["member"],
                condition=Q(in_app=True, read_at__isnull=True),
            ),
            # what a worker takes next
            models.Index(
                name="messages_to_send",
                fields=["priority", "channel", "due_at"],
                condition=Q(state="waiting"),
            ),
            # what a worker took and never gave back
            models.Index(name="messages_in_hand", fields=["due_at"], condition=Q(state="sending")),
            # dead letters
            models.Index(name="messages_given_up", fields=["-id"], condition=Q(state="failed")),
            models.Index(
                name="messages_of_broadcast",
                fields=["broadcast", "state"],
                condition=Q(broadcast__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{capfirst(kind_name(self.kind))} №{end_of(self.pk)}"

    @property
    def priority_name(self) -> str:
        return Priority(self.priority).name.lower()


class Attempt(models.Model):
    """`id` goes to the provider where it takes one, `reference` is the provider's own."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    notification = models.ForeignKey(
        Notification, on_delete=models.CASCADE, related_name="attempts"
    )
    channel = models.CharField(_("channel"), max_length=8, choices=Channel.choices)
    provider = models.CharField(_("provider"), max_length=24, blank=True)
    state = models.CharField(_("state"), max_length=12, choices=TryState.choices)
    reference = models.CharField(max_length=200, blank=True)
    code = models.CharField(_("answer"), max_length=40, blank=True)
    consent_id = models.BigIntegerField(null=True, help_text="The consent an advert relied on")
    cost = models.BigIntegerField(_("cost"), default=0, help_text="kopecks")
    at = models.DateTimeField(_("time"), default=timezone.now)
    moved_at = models.DateTimeField(_("last news"), default=timezone.now)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = [
            models.CheckConstraint(
                name="attempt_state_known", condition=Q(state__in=list(TryState))
            ),
            models.CheckConstraint(
                name="attempt_channel_known", condition=Q(channel__in=list(Channel))
            ),
        ]
        indexes = [
            # a callback names the provider's own id
            models.Index(
                name="attempt_by_reference",
                fields=["provider", "reference"],
                condition=~Q(reference=""),
            ),
            # what the provider has not told us about, to be asked
            models.Index(
                name="attempts_open", fields=["provider", "at"], condition=Q(state="sent")
            ),
            # roubles of a day, asked at every scrape; forgetting by age
            models.Index(name="attempts_by_time", fields=["at"]),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}: {self.get_state_display()}"


class Template(models.Model):
    """An admin's own words for a kind; what is empty is said in the product's words. Places in
    braces are those of the kind, nothing else. One row for each kind and language."""

    kind = models.CharField(_("kind"), max_length=24)
    language = models.CharField(_("language"), max_length=2, choices=Language.choices)
    title = models.CharField(_("title"), max_length=120, blank=True)
    body = models.TextField(_("text"), max_length=1000, blank=True)
    sms = models.CharField(_("text of the SMS"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("message text")
        verbose_name_plural = _("message texts")
        ordering = ["kind", "language"]
        constraints = [
            models.UniqueConstraint(name="one_text_per_language", fields=["kind", "language"]),
            models.CheckConstraint(
                name="text_language_known", condition=Q(language__in=["ru", "en"])
            ),
        ]

    def __str__(self) -> str:
        return f"{capfirst(kind_name(self.kind))}, {self.get_language_display()}"
