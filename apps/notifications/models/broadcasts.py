"""One text to many."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id
from apps.notifications.enums import BroadcastState, Purpose


class Broadcast(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=80)
    purpose = models.CharField(
        _("purpose"), max_length=12, choices=Purpose.choices, default=Purpose.ADVERTISING
    )
    channels = models.CharField(_("channels"), max_length=40, help_text="In order, comma separated")
    segment = models.JSONField(_("segment"), default=dict)
    title_ru = models.CharField(_("title in Russian"), max_length=120)
    body_ru = models.TextField(_("text in Russian"), max_length=1000)
    title_en = models.CharField(_("title in English"), max_length=120, blank=True)
    body_en = models.TextField(_("text in English"), max_length=1000, blank=True)
    state = models.CharField(_("state"), max_length=12, choices=BroadcastState.choices)
    people = models.PositiveIntegerField(_("people"), help_text="Counted when it was asked for")
    made_for = models.UUIDField(null=True, help_text="The last member whose message was written")
    asked_by = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    approved_by = models.ForeignKey(
        "accounts.User",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("approved by"),
    )
    created_at = models.DateTimeField(_("asked"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    class Meta:
        verbose_name = _("broadcast")
        verbose_name_plural = _("broadcasts")
        constraints = [
            models.CheckConstraint(
                name="broadcast_state_known", condition=Q(state__in=list(BroadcastState))
            ),
            models.CheckConstraint(
                name="broadcast_purpose_known", condition=Q(purpose__in=list(Purpose))
            ),
            models.CheckConstraint(
                name="nobody_approves_her_own_broadcast",
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("asked_by")),
            ),
            models.CheckConstraint(
                name="many_people_want_a_second_person",
                condition=Q(people__lte=1000)
                | Q(approved_by__isnull=False)
                | Q(state__in=["asked", "cancelled"]),
            ),
        ]
        indexes = [models.Index(name="broadcasts_by_time", fields=["-created_at", "-id"])]

    def __str__(self) -> str:
        return self.name
