from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core.ids import new_id
from apps.events.enums import Decision, Reason

FOR, AGAINST = pgettext_lazy("vote", "for"), pgettext_lazy("vote", "against")


def vote_words(value: int) -> str:
    """`за`, `против` of 1, 0."""
    return str(FOR if value else AGAINST)


class VoteRecord(models.Model):
    """One answer of one person as it was cast. Changing her mind writes another row."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    event = models.ForeignKey("events.Event", on_delete=models.CASCADE, related_name="votes")
    voter = models.ForeignKey(
        "accounts.User",
        null=True,  # an erased voter leaves her weight behind, not her name
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("voter"),
    )
    value = models.PositiveSmallIntegerField(_("vote"))
    weight = models.PositiveSmallIntegerField(_("weight"))
    tier = models.CharField(_("tier"), max_length=16)
    is_current = models.BooleanField(default=True)
    cast_at = models.DateTimeField(_("cast"))

    class Meta:
        verbose_name = _("vote")
        verbose_name_plural = _("votes")
        constraints = [
            models.UniqueConstraint(
                name="one_current_vote", fields=["event", "voter"], condition=Q(is_current=True)
            ),
            models.CheckConstraint(name="vote_is_yes_or_no", condition=Q(value__in=[0, 1])),
            models.CheckConstraint(
                name="vote_weighs_something", condition=Q(weight__gte=1, weight__lte=10)
            ),
        ]
        indexes = [
            # the tally: a sum over current rows
            models.Index(
                name="vote_tally",
                fields=["event"],
                include=["weight", "value"],
                condition=Q(is_current=True),
            ),
            models.Index(name="vote_of_voter", fields=["voter"]),
        ]

    def __str__(self) -> str:
        return f"{vote_words(self.value)} × {self.weight}"


class Case(models.Model):
    """One round of moderation: who claimed it, what was decided. At most one is open."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    event = models.ForeignKey("events.Event", on_delete=models.CASCADE, related_name="cases")
    opened_at = models.DateTimeField(_("opened"))
    claimed_by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("moderator"),
    )
    claimed_until = models.DateTimeField(null=True)
    # a first "unsafe" waits here for the second moderator
    first_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    decision = models.CharField(_("decision"), max_length=20, choices=Decision.choices, blank=True)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices, blank=True)
    comment = models.CharField(_("comment"), max_length=1000, blank=True)
    decided_by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided"), null=True)

    class Meta:
        verbose_name = _("moderation case")
        verbose_name_plural = _("moderation cases")
        constraints = [
            models.UniqueConstraint(
                name="one_open_case", fields=["event"], condition=Q(decided_at__isnull=True)
            ),
            models.CheckConstraint(
                name="case_decided_whole",
                condition=Q(decided_at__isnull=True, decision="")
                | Q(decided_at__isnull=False) & ~Q(decision=""),
            ),
        ]

    def __str__(self) -> str:
        return self.get_decision_display() or str(_("in the queue"))
