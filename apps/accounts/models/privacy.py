"""The nouns of privacy (security.md part 7): what a person agreed to, what she asked for, and that
she was erased.

* ConsentText: the words shown for one purpose, by version; written once.
* Consent: one answer of a person, given or withdrawn; the newest answer counts, the rest is
  history. Rows are never changed, except that erasure takes the address and the session away.
* PrivacyRequest: what she asked us to do by a day: an admin's queue with due dates.
* Erasure: that a person was erased, when and which fields: the base of the act of destruction.
  The same line stands in a file outside of the database, which a restore does not bring back.
"""

import hashlib

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.enums import ConsentPurpose, RequestKind, RequestState
from apps.core.ids import end_of, new_id


class ConsentText(models.Model):
    purpose = models.CharField(_("purpose"), max_length=20, choices=ConsentPurpose.choices)
    version = models.PositiveIntegerField(_("version"))
    text_ru = models.TextField(_("text in Russian"))
    text_en = models.TextField(_("text in English"))
    sha256 = models.CharField(max_length=64)
    published_at = models.DateTimeField(_("published"), default=timezone.now)

    class Meta:
        verbose_name = _("consent text")
        verbose_name_plural = _("consent texts")
        constraints = [
            models.UniqueConstraint(name="one_text_per_version", fields=["purpose", "version"]),
            models.CheckConstraint(
                name="consent_text_purpose_known",
                condition=Q(purpose__in=[value for value, _n in ConsentPurpose.choices]),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="consent_text_written_once", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}, №{self.version}"


def text_digest(text_ru: str, text_en: str) -> str:
    """SHA-256 of both languages: what a consent row proves to have been shown."""
    return hashlib.sha256(f"{text_ru}\n\n{text_en}".encode()).hexdigest()


class Consent(models.Model):
    member = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("member")
    )
    purpose = models.CharField(_("purpose"), max_length=20, choices=ConsentPurpose.choices)
    given = models.BooleanField(_("given"))
    version = models.PositiveIntegerField(_("version of the text"))
    text_sha256 = models.CharField(max_length=64)
    at = models.DateTimeField(_("time"))
    proof = models.CharField(
        max_length=80, blank=True, help_text="How it is known to be her: session:<id> or code:<id>"
    )
    address = models.GenericIPAddressField(_("address"), null=True)
    language = models.CharField(_("language"), max_length=2)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.CheckConstraint(
                name="consent_purpose_known",
                condition=Q(purpose__in=[value for value, _n in ConsentPurpose.choices]),
            ),
        ]
        indexes = [
            # the question asked before every message: her newest answer for one purpose
            models.Index(name="consent_newest", fields=["member", "purpose", "-id"]),
        ]
        triggers = [
            pgtrigger.Protect(name="consent_not_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="consent_not_changed",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(exclude=["address", "proof"]),
            ),
            pgtrigger.Protect(
                name="consent_only_forgets",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(new__address__isnull=False) | ~pgtrigger.Q(new__proof=""),
            ),
        ]

    def __str__(self) -> str:
        answer = _("given") if self.given else _("withdrawn")
        return f"{self.get_purpose_display()}: {answer}"


class PrivacyRequest(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    member = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("member")
    )
    kind = models.CharField(_("kind"), max_length=12, choices=RequestKind.choices)
    state = models.CharField(
        _("state"), max_length=12, choices=RequestState.choices, default=RequestState.OPEN
    )
    received_at = models.DateTimeField(_("received"))
    due_at = models.DateTimeField(_("due"))
    closed_at = models.DateTimeField(_("closed"), null=True)
    closed_by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("closed by"),
        help_text="Empty: the clock or she herself",
    )
    answer = models.CharField(_("answer"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("privacy request")
        verbose_name_plural = _("privacy requests")
        constraints = [
            models.CheckConstraint(
                name="privacy_request_kind_known",
                condition=Q(kind__in=[value for value, _n in RequestKind.choices]),
            ),
            models.CheckConstraint(
                name="closed_privacy_request_has_time",
                condition=Q(state=RequestState.OPEN, closed_at__isnull=True)
                | Q(
                    state__in=[RequestState.DONE, RequestState.TAKEN_BACK], closed_at__isnull=False
                ),
            ),
            models.CheckConstraint(
                name="privacy_request_due_later", condition=Q(due_at__gte=F("received_at"))
            ),
            models.UniqueConstraint(
                name="one_open_privacy_request",
                fields=["member", "kind"],
                condition=Q(state=RequestState.OPEN),
            ),
        ]
        indexes = [
            models.Index(
                name="privacy_request_due", fields=["due_at"], condition=Q(state=RequestState.OPEN)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {timezone.localtime(self.received_at):%d.%m.%Y}"


class Erasure(models.Model):
    # no foreign key: after a restore the line may come back for a person the backup never held
    person_id = models.UUIDField(unique=True)
    at = models.DateTimeField(_("time"))
    because = models.CharField(_("because"), max_length=40)
    by_id = models.UUIDField(null=True, help_text="Empty for jobs and commands")
    fields = models.JSONField(default=list, help_text="Names of what was destroyed, no values")
    digest = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        triggers = [
            pgtrigger.Protect(
                name="erasure_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"№{end_of(self.person_id)}"
