"""Partners of the circle.

* Business: an independent partner; the network itself is the one row with `is_network`, the
  issuer of bonuses that nobody else pays for.
* Location: where a partner receives guests.
* Membership: who works where and as what. A live membership grants guardian object permissions
  on the business; ending it takes them. Rights are checked by permission, lists by membership.
* OnboardingMark: a step of opening a partner that a person vouches for, or that a superadmin let
  pass; what the books themselves show needs no mark.
* Photo: a picture of a partner as it is served; their order stands in `Business.photos`.
* Requisites: with whom the network settles: what was confirmed, and what its owner asks for.
"""

from decimal import Decimal

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.core.ids import new_id


class Category(models.TextChoices):
    SALON = "salon", _("salon")
    GASTRO = "gastro", _("restaurants")
    COSMETICS = "cosmetics", _("cosmetics")
    DENTAL = "dental", _("dentistry")
    MEDICAL = "medical", _("medicine")
    NETWORK = "network", _("network")


class State(models.TextChoices):
    ACTIVE = "active", _("active")
    SUSPENDED = "suspended", _("suspended")
    CLOSED = "closed", _("closed")


class Role(models.TextChoices):
    STAFF = "business_staff", _("staff")
    OWNER = "business_owner", _("owner")


class Business(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    slug = models.SlugField(_("address name"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    category = models.CharField(_("category"), max_length=16, choices=Category.choices)
    city = models.CharField(_("city"), max_length=60, blank=True)
    description = models.TextField(_("description"), blank=True)
    hours = models.JSONField(_("opening hours"), default=list, blank=True)
    photos = models.JSONField(_("photos"), default=list, blank=True)
    zone = models.CharField(_("time zone"), max_length=40, default="Europe/Moscow")
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.ACTIVE)
    is_network = models.BooleanField(_("the network itself"), default=False)
    max_bonus_share = models.PositiveSmallIntegerField(
        _("payable with bonuses, % of a bill"), default=30, validators=[MaxValueValidator(50)]
    )
    pending_days = models.PositiveSmallIntegerField(
        _("days until a bonus can be spent"), default=0, validators=[MaxValueValidator(30)]
    )
    max_sale = models.DecimalField(
        _("largest sale, ₽"), max_digits=12, decimal_places=2, default=Decimal("1000000.00")
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("business")
        verbose_name_plural = _("businesses")
        ordering = ["name"]
        permissions = [
            ("enter_sales", "Enter sales, redeem coupons and bonuses"),
            ("manage_business", "See figures, manage offers, staff, refunds"),
        ]
        constraints = [
            models.CheckConstraint(
                name="business_state_known",
                condition=Q(state__in=["active", "suspended", "closed"]),
            ),
            models.CheckConstraint(
                name="business_category_known",
                condition=Q(category__in=[code for code, _name in Category.choices]),
            ),
            models.CheckConstraint(
                name="bonus_share_within_network_bound", condition=Q(max_bonus_share__lte=50)
            ),
            models.CheckConstraint(
                name="pending_at_most_30_days", condition=Q(pending_days__lte=30)
            ),
            models.UniqueConstraint(
                name="one_network", fields=["is_network"], condition=Q(is_network=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def grants_rights(self) -> bool:
        """Whether rights at it count: suspended, its staff lose everything there at once."""
        return self.state == State.ACTIVE

    @property
    def is_clinic(self) -> bool:
        """Medical secrecy: only sum, date and operation id leave a clinic."""
        return self.category in (Category.DENTAL, Category.MEDICAL)


class Location(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    business = models.ForeignKey(Business, on_delete=models.CASCADE, related_name="locations")
    name = models.CharField(_("name"), max_length=80)
    address = models.CharField(_("address"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("location")
        verbose_name_plural = _("locations")
        constraints = [
            models.UniqueConstraint(name="location_name_in_business", fields=["business", "name"])
        ]

    def __str__(self) -> str:
        return self.name


class MembershipQuerySet(models.QuerySet["Membership"]):
    def live(self) -> "MembershipQuerySet":
        return self.filter(ended_at__isnull=True)


class Membership(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    business = models.ForeignKey(
        Business,
        on_delete=models.PROTECT,
        related_name="memberships",
        verbose_name=_("business"),
    )
    user = models.ForeignKey(
        "accounts.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("person")
    )
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    started_at = models.DateTimeField(_("since"), default=timezone.now)
    ended_at = models.DateTimeField(_("until"), null=True, blank=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("staff membership")
        verbose_name_plural = _("staff memberships")
        constraints = [
            models.CheckConstraint(
                name="membership_role_known",
                condition=Q(role__in=["business_staff", "business_owner"]),
            ),
            models.UniqueConstraint(
                name="one_live_membership",
                fields=["business", "user"],
                condition=Q(ended_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                name="membership_live_of_user", fields=["user"], condition=Q(ended_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.business}"


class Step(models.TextChoices):
    """What stands before the first day of a partner, in its order."""

    PROFILE = "profile", _("profile: city and description")
    DOCUMENTS = "documents", _("documents and requisites checked")
    CONTRACT = "contract", _("contract signed")
    RATES = "rates", _("rates and settlement agreed")
    LOCATION = "location", _("at least one location")
    OWNER = "owner", _("owner signed up")
    TEST = "test", _("test operation at the till")
    CRM = "crm", _("CRM connected and tested")


BY_HAND = (Step.DOCUMENTS, Step.CONTRACT, Step.RATES, Step.TEST, Step.CRM)


class OnboardingMark(models.Model):
    business = models.ForeignKey(
        Business, on_delete=models.CASCADE, related_name="marks", verbose_name=_("business")
    )
    step = models.CharField(_("step"), max_length=12, choices=Step.choices)
    is_waived = models.BooleanField(_("let pass"), default=False)
    note = models.CharField(_("what was seen, or why it may pass"), max_length=300)
    by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("by"),
    )
    at = models.DateTimeField(_("time"))

    class Meta:
        verbose_name = _("step of opening a partner")
        verbose_name_plural = _("steps of opening partners")
        constraints = [
            models.UniqueConstraint(name="one_mark_per_step", fields=["business", "step"]),
            models.CheckConstraint(
                name="onboarding_step_known",
                condition=Q(step__in=[code for code, _name in Step.choices]),
            ),
        ]

    def __str__(self) -> str:
        return self.get_step_display()


class Photo(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    business = models.ForeignKey(Business, on_delete=models.CASCADE, related_name="+")
    body = models.BinaryField(help_text="JPEG: what draws the picture, nothing else")
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    added_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("photo")
        verbose_name_plural = _("photos")

    def __str__(self) -> str:
        return f"{self.width}×{self.height}"


class Requisites(models.Model):
    """`said` is in force, `asked` waits for an administrator; both are plain fields of
    `apps.businesses.requisites.FIELDS`, empty before the first time."""

    business = models.OneToOneField(
        Business, primary_key=True, on_delete=models.CASCADE, related_name="requisites"
    )
    said = models.JSONField(_("in force"), default=dict, blank=True)
    confirmed_by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("confirmed by"),
    )
    confirmed_at = models.DateTimeField(_("confirmed"), null=True)
    asked = models.JSONField(_("asked for"), default=dict, blank=True)
    asked_by = models.ForeignKey(
        "accounts.User",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("asked by"),
    )
    asked_at = models.DateTimeField(_("asked at"), null=True)
    version = models.PositiveIntegerField(default=0, help_text="Of both; a newer one is not lost")

    class Meta:
        verbose_name = _("requisites")
        verbose_name_plural = _("requisites")

    def __str__(self) -> str:
        return str(self.said.get("legal_name", ""))
