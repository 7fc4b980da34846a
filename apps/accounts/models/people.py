"""People and their tiers."""

from datetime import UTC, date, datetime
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from guardian.mixins import GuardianUserMixin

from apps.accounts import rights, rules
from apps.accounts.enums import Job, TierCode
from apps.core import sealing
from apps.core.ids import new_id

FIRST_TERMS = datetime(2000, 1, 1, tzinfo=UTC)  # before anybody bought anything here


class StatusTier(models.Model):
    code = models.CharField(_("code"), max_length=16, choices=TierCode.choices, unique=True)
    name = models.CharField(_("name"), max_length=40)
    position = models.PositiveSmallIntegerField(_("position"), unique=True)
    rate_bp = models.PositiveSmallIntegerField(
        _("rate, hundredths of a percent"), help_text=_("500 is 5 %")
    )
    threshold = models.DecimalField(
        _("threshold, ₽ in 12 months"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    min_partners = models.PositiveSmallIntegerField(_("least partners"), default=1)
    vote_weight = models.PositiveSmallIntegerField(_("vote weight"), default=1)
    by_invitation = models.BooleanField(_("by invitation only"), default=False)
    since = models.DateTimeField(
        _("in force from"),
        default=FIRST_TERMS,
        editable=False,
        help_text="Earlier terms stand in TierVersion",
    )

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(name="tier_rate_sane", condition=Q(rate_bp__lte=5000)),
            models.CheckConstraint(
                name="tier_code_known",
                condition=Q(code__in=[code for code, _name in TierCode.choices]),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    def with_phone(self, phone: str) -> "User | None":
        """The person with this E.164 number, by blind index."""
        indexes = sealing.blind_indexes(phone, purpose="phone")
        return self.filter(phone_index__in=indexes).first()

    def with_email(self, email: str) -> "User | None":
        indexes = sealing.blind_indexes(email.strip().lower(), purpose="email")
        return self.filter(email_index__in=indexes).first()


class User(GuardianUserMixin, AbstractBaseUser, PermissionsMixin):  # type: ignore[misc]
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    first_name = models.CharField(_("first name"), max_length=60, blank=True)
    last_name = models.CharField(_("last name"), max_length=60, blank=True)
    city = models.CharField(_("city"), max_length=60, blank=True)
    locale = models.CharField(_("language"), max_length=2, default="ru")
    tier = models.ForeignKey(
        StatusTier, on_delete=models.PROTECT, related_name="+", verbose_name=_("tier")
    )
    tier_locked_until = models.DateTimeField(
        _("tier set by hand until"),
        null=True,
        editable=False,
        help_text="Until then neither purchases nor the clock move her tier",
    )
    tier_since = models.DateTimeField(
        _("on this tier since"), null=True, editable=False, help_text="Empty: since she joined"
    )
    frozen_until = models.DateTimeField(
        _("bonuses frozen until"),
        null=True,
        editable=False,
        help_text="After a change of her number nothing is spent or given away for a day",
    )
    new_device_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When a device she had not used before signed in; spending is capped for a day",
    )
    job = models.CharField(
        _("job"), max_length=20, choices=Job.choices, blank=True, default=Job.NONE
    )
    card_number = models.CharField(
        _("card number"), max_length=12, unique=True, default=rules.new_card_number
    )
    joined_at = models.DateTimeField(_("joined"), default=timezone.now)
    blocked_at = models.DateTimeField(_("blocked"), null=True, blank=True)
    erased_at = models.DateTimeField(_("erased"), null=True, blank=True, editable=False)

    # what her surrogate in ClickHouse is made of; a new one cuts her off from the old rows
    surrogate_salt = models.CharField(
        max_length=32, default=sealing.new_surrogate_salt, editable=False
    )
    data_key = models.CharField(max_length=200, blank=True, editable=False)
    phone_sealed = models.CharField(max_length=120, blank=True, editable=False)
    # null, not "": many erased people have none, and unique lets nulls repeat
    phone_index = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001
    email_sealed = models.CharField(max_length=500, blank=True, editable=False)
    email_index = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001
    birth_date_sealed = models.CharField(max_length=120, blank=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "card_number"  # Django wants one; people sign in by phone or e-mail
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.CheckConstraint(
                name="nobody_is_django_superuser", condition=Q(is_superuser=False)
            ),
            models.CheckConstraint(
                name="job_known", condition=Q(job__in=[job for job, _name in Job.choices])
            ),
            models.CheckConstraint(name="locale_known", condition=Q(locale__in=["ru", "en"])),
            models.CheckConstraint(
                name="erased_person_has_no_data",
                condition=Q(erased_at__isnull=True)
                | Q(
                    data_key="",
                    phone_sealed="",
                    phone_index__isnull=True,
                    email_sealed="",
                    email_index__isnull=True,
                    birth_date_sealed="",
                    first_name="",
                    last_name="",
                    city="",
                    job="",
                ),
            ),
        ]
        indexes = [
            models.Index(name="people_by_joined", fields=["-joined_at", "-id"]),
            # an admin looks somebody up by the beginning of her name
            models.Index(
                OpClass(Upper("first_name"), name="text_pattern_ops"), name="people_by_first_name"
            ),
            models.Index(
                OpClass(Upper("last_name"), name="text_pattern_ops"), name="people_by_last_name"
            ),
            # the admin's list of who works here; members never enter it
            models.Index(name="people_with_job", fields=["job"], condition=~Q(job="")),
        ]

    def __str__(self) -> str:
        return self.short_name or f"№{self.card_number[-4:]}"

    # --- sealed fields -------------------------------------------------------------------------
    def _open(self, field: str, sealed: str) -> str:
        if not sealed:
            return ""
        return sealing.unseal_for(self.data_key, sealed, owner=str(self.id), field=field)

    def _seal(self, field: str, plain: str) -> str:
        # Her key is made with the first thing it seals, and never again after it was destroyed.
        if self.erased_at:
            raise ValueError("An erased person takes no data.")
        self.data_key = self.data_key or sealing.new_data_key(owner=str(self.id))
        return sealing.seal_for(self.data_key, plain, owner=str(self.id), field=field)

    def seal_own(self, field: str, plain: str) -> str:
        """Seal something of hers that another table keeps: it dies with her data key."""
        return self._seal(field, plain)

    def open_own(self, field: str, sealed: str) -> str:
        return self._open(field, sealed)

    @property
    def phone(self) -> str:
        """E.164, decrypted; empty when she has none (erased)."""
        return self._open("phone", self.phone_sealed)

    def set_phone(self, phone: str) -> None:
        self.phone_sealed = self._seal("phone", phone)
        self.phone_index = sealing.blind_index(phone, purpose="phone")

    @property
    def email(self) -> str:
        return self._open("email", self.email_sealed)

    def set_email(self, email: str) -> None:
        email = email.strip()
        self.email_sealed = self._seal("email", email) if email else ""
        self.email_index = sealing.blind_index(email.lower(), purpose="email") if email else None

    def refill_indexes(self) -> None:
        """Reckon the digests anew, after the index key was changed."""
        if self.phone_sealed:
            self.phone_index = sealing.blind_index(self.phone, purpose="phone")
        if self.email_sealed:
            self.email_index = sealing.blind_index(self.email.lower(), purpose="email")

    @property
    def birth_date(self) -> date | None:
        text = self._open("birth_date", self.birth_date_sealed)
        return date.fromisoformat(text) if text else None

    def set_birth_date(self, day: date) -> None:
        self.birth_date_sealed = self._seal("birth_date", day.isoformat())

    # --- how others see her --------------------------------------------------------------------
    @property
    def masked_phone(self) -> str:
        return rules.mask_phone(self.phone) if self.phone_sealed else ""

    @property
    def short_name(self) -> str:
        """First name and initial: all that staff may see."""
        return f"{self.first_name} {rules.initial(self.last_name)}".strip()

    @property
    def role(self) -> str:
        """The contract's `role`: the job, or `member`."""
        return self.job or "member"

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        return self.blocked_at is None and self.erased_at is None

    @property
    def is_staff(self) -> bool:
        """May enter the Django admin."""
        return rights.may("admin.enter", job=self.job)

    def tier_is_locked(self, *, at: datetime) -> bool:
        """Her tier was set by hand and stays: loyalty asks before it moves her. Whether a tier by
        invitation is left at all, is loyalty's to know."""
        return self.tier_locked_until is not None and self.tier_locked_until > at

    @property
    def needs_second_factor(self) -> bool:
        return self.job in (Job.OWNER, Job.ADMIN, Job.SUPERADMIN)
