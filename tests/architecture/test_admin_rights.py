"""Who enters the admin, and what nobody can do there."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.forms import ModelForm
from django.test import Client
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLPattern, URLResolver

from apps.accounts.models import Session, StatusTier, User
from apps.businesses.models import Business
from apps.core.models import AuditEntry, Delivery
from tests.architecture.conftest import Desk, make_rows
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.transactions import sale

VALUABLE = {
    "accounts.Session",
    "accounts.User",
    "analytics.FactBatch",
    "core.AuditEntry",
    "coupons.Campaign",
    "coupons.Coupon",
    "coupons.Redemption",
    "crosspromo.Run",
    "crosspromo.Version",
    "core.Delivery",
    "core.IdempotencyKey",
    "core.Message",
    "loyalty.Debt",
    "loyalty.Hold",
    "loyalty.Journal",
    "loyalty.Lot",
    "loyalty.Posting",
    "loyalty.Statement",
    "loyalty.StatementLine",
    "loyalty.Wallet",
    "transactions.Transaction",
}
# Their services decide; the form holds no field of the record.
DECIDED = {"crosspromo.Chain", "loyalty.OfferConstructor"}
NEVER_IN_A_FORM = {
    "data_key",
    "email_index",
    "email_sealed",
    "birth_date_sealed",
    "groups",
    "is_superuser",
    "job",
    "password",
    "phone_index",
    "phone_sealed",
    "tier",
    "user_permissions",
}


# Which lists under a form have how many rows of their own: none are written there.
LISTS = {
    f"{name}-{count}_FORMS": "0"
    for name in ("locations", "memberships")
    for count in ("TOTAL", "INITIAL")
}


def change_url(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


# --- the door ------------------------------------------------------------------------------------
def test_stranger_is_sent_to_the_products_own_sign_in(client: Client, db: None) -> None:
    answer = client.get(reverse("admin:accounts_user_changelist"), follow=True)

    assert answer.redirect_chain[-1][0].startswith("/login/?next=%2Fadmin%2Faccounts%2Fuser%2F")
    assert 'name="login"' in answer.content.decode()


def test_admin_without_second_factor_stays_outside(client: Client, admin_user: User) -> None:
    client.force_login(admin_user, backend="apps.accounts.auth.LoginBackend")

    answer = client.get(reverse("admin:index"), follow=True)

    assert answer.redirect_chain[-1][0].startswith("/login/")


def test_blocked_admin_stays_outside(admin_client: Client, admin_user: User, at: Any) -> None:
    User.objects.filter(pk=admin_user.pk).update(blocked_at=at)

    assert admin_client.get(reverse("admin:index")).status_code == 302


@pytest.mark.parametrize("role", ["business_staff", "business_owner"])
def test_people_of_partners_are_refused_without_a_circle(role: str, desk: Desk, db: None) -> None:
    person = desk(staff_of(BusinessFactory(), role=role))

    answer = person.get(reverse("admin:index"), follow=True)

    assert answer.status_code == 403
    assert len(answer.redirect_chain) == 1


def admin_routes() -> list[str]:
    """Every address of the admin, with `1` in the place of an id."""

    def walk(patterns: list[Any], prefix: str) -> list[str]:
        found = []
        for pattern in patterns:
            route = prefix + re.sub(r"<[^>]+>", "1", str(pattern.pattern))
            if isinstance(pattern, URLResolver):
                found += walk(pattern.url_patterns, route)
            elif isinstance(pattern, URLPattern):
                found.append(route)
        return found

    [resolver] = [
        one for one in get_resolver().url_patterns if getattr(one, "app_name", "") == "admin"
    ]
    return walk(resolver.url_patterns, "/" + str(resolver.pattern))


def test_no_address_of_the_admin_serves_a_stranger(client: Client, db: None) -> None:
    """A redirect to sign in, or a refusal of the method; never a page."""
    served = {
        (path, method): answer.status_code
        for path in admin_routes()
        for method, answer in (("get", client.get(path)), ("post", client.post(path)))
    }

    assert len(served) > 150
    assert {asked: code for asked, code in served.items() if code not in (302, 405)} == {}


def test_policy_is_looser_only_here(admin_client: Client) -> None:
    here = admin_client.get(reverse("admin:index")).headers["Content-Security-Policy"]
    elsewhere = admin_client.get("/help/").headers["Content-Security-Policy"]

    assert "script-src 'self' 'unsafe-eval'" in here
    assert "style-src 'self' 'unsafe-inline'" in here
    assert "frame-ancestors 'none'" in here
    assert "unsafe" not in elsewhere


def test_leaving_is_a_post_and_ends_at_our_sign_in(admin_client: Client) -> None:
    assert admin_client.get(reverse("admin:logout")).status_code == 405

    answer = admin_client.post(reverse("admin:logout"))

    assert answer.url == "/login/"
    assert admin_client.get(reverse("admin:index")).status_code == 302


# --- what no form holds --------------------------------------------------------------------------
def forms_of(request: Any) -> dict[str, type[ModelForm]]:
    return {
        model._meta.label: model_admin.get_form(request, obj=model(), change=True)
        for model, model_admin in admin.site._registry.items()
    }


@pytest.mark.parametrize("job", ["admin", "superadmin"])
def test_no_form_holds_a_role_or_a_sealed_field(job: str, rf: Any, db: None) -> None:
    request = rf.get("/")
    request.user = UserFactory(job=job)

    held = {
        label: set(form.base_fields) & NEVER_IN_A_FORM for label, form in forms_of(request).items()
    }

    assert {label: fields for label, fields in held.items() if fields} == {}


@pytest.mark.parametrize("job", ["admin", "superadmin"])
def test_valuable_records_have_no_form_at_all(job: str, rf: Any, db: None) -> None:
    request = rf.get("/")
    request.user = UserFactory(job=job)
    forms = forms_of(request)

    assert {label: set(forms[label].base_fields) for label in VALUABLE} == {
        label: set() for label in VALUABLE
    }
    for label in DECIDED:
        assert set(forms[label].base_fields) == {"decision", "reason"}


@pytest.mark.parametrize("job", ["admin", "superadmin"])
def test_posting_a_role_changes_nothing(job: str, desk: Desk, member: User) -> None:
    client = desk(UserFactory(job=job))

    answer = client.post(
        change_url(member),
        {"job": "superadmin", "is_superuser": "on", "tier": "4", "password": "x", "_save": "1"},
    )

    assert answer.status_code == 403
    after = User.objects.get(pk=member.pk)
    assert (after.job, after.tier_id, after.password) == ("", member.tier_id, member.password)


def test_nobody_deletes_here(rf: Any, db: None) -> None:
    request = rf.get("/")
    request.user = UserFactory(job="superadmin")

    may = {
        model._meta.label: (
            model_admin.has_delete_permission(request),
            "delete_selected" in model_admin.get_actions(request),
        )
        for model, model_admin in admin.site._registry.items()
    }

    assert {label for label, answers in may.items() if any(answers)} == set()


def test_secrets_and_groups_have_no_page() -> None:
    labels = {model._meta.label for model in admin.site._registry}

    assert not labels & {
        "accounts.OneTimeCode",
        "auth.Group",
        "auth.Permission",
        "otp_static.StaticDevice",
        "otp_totp.TOTPDevice",
        "sessions.Session",
    }


def test_password_is_not_changed_here(admin_client: Client) -> None:
    assert admin_client.get(reverse("admin:password_change")).status_code == 404


# --- a person is found exactly or not at all ------------------------------------------------------
@pytest.mark.parametrize("said", ["+79123456789", "8 (912) 345-67-89", "anna@example.com", "card"])
def test_person_is_found_by_what_is_hers_alone(said: str, admin_client: Client) -> None:
    anna = UserFactory(first_name="Анна", phone="+79123456789", email="Anna@example.com")
    said = anna.card_number if said == "card" else said

    answer = admin_client.post(reverse("admin:accounts_user_find"), {"who": said})

    assert answer.url == change_url(anna)


@pytest.mark.parametrize("said", ["+7912345678", "912345", "anna", "@example.com", "Анна"])
def test_part_of_a_phone_finds_nobody(said: str, admin_client: Client) -> None:
    UserFactory(first_name="Анна", phone="+79123456789", email="anna@example.com")

    answer = admin_client.post(reverse("admin:accounts_user_find"), {"who": said}, follow=True)

    assert "Ни у кого нет" in answer.content.decode()


def test_phone_never_stands_in_an_address_or_in_full_on_a_page(admin_client: Client) -> None:
    anna = UserFactory(phone="+79123456789", email="anna@example.com")
    assert admin_client.get(reverse("admin:accounts_user_find")).status_code == 405

    pages = [
        admin_client.get(url).content.decode()
        for url in (reverse("admin:accounts_user_changelist"), change_url(anna))
    ]

    assert all("+7 912 ···-··-89" in page for page in pages)
    assert not any("3456789" in page or "anna@example.com" in page for page in pages)


# --- changes go through services and leave an audit row -------------------------------------------
def test_partner_changes_with_a_reason(admin_client: Client, admin_user: User) -> None:
    business = BusinessFactory(name="Миндаль")
    form = LISTS | {
        "name": "Миндаль и мёд",
        "category": "salon",
        "city": "Москва",
        "zone": "Europe/Samara",
        "description": "",
        "state": "active",
        "max_bonus_share": "25",
        "pending_days": "0",
        "max_sale": "250 000,50",
        "reason": "новый договор",
        "slug": "other",
        "is_network": "on",
    }

    answer = admin_client.post(change_url(business), form)

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    after = Business.objects.get(pk=business.pk)
    assert (after.name, after.zone, after.max_bonus_share) == ("Миндаль и мёд", "Europe/Samara", 25)
    assert after.max_sale == Decimal("250000.50")
    assert (after.slug, after.is_network) == (business.slug, False)
    row = AuditEntry.objects.get(action="businesses.update")
    assert (row.actor_id, row.object_id, row.reason) == (
        admin_user.pk,
        str(business.pk),
        "новый договор",
    )


def test_partner_without_a_reason_stays_as_it_was(admin_client: Client) -> None:
    business = BusinessFactory(name="Миндаль")

    answer = admin_client.post(change_url(business), LISTS | {"name": "Иначе", "category": "salon"})

    assert answer.status_code == 200
    assert Business.objects.get(pk=business.pk).name == "Миндаль"
    assert not AuditEntry.objects.filter(action="businesses.update").exists()


def test_tier_row_changes_with_a_reason(admin_client: Client, admin_user: User) -> None:
    tier = StatusTier.objects.get(code="vip")
    form = {
        "name": "VIP",
        "rate_bp": "750",
        "threshold": "120 000,00",
        "min_partners": "2",
        "vote_weight": "2",
        "reason": "решение совета",
        "code": "insider",
        "versions-TOTAL_FORMS": "0",
        "versions-INITIAL_FORMS": "0",
    }

    answer = admin_client.post(change_url(tier), form)

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    after = StatusTier.objects.get(pk=tier.pk)
    assert (after.code, after.rate_bp, after.threshold) == ("vip", 750, Decimal(120_000))
    row = AuditEntry.objects.get(action="accounts.tier_row")
    assert (row.actor_id, row.reason) == (admin_user.pk, "решение совета")


@pytest.mark.parametrize("rate", ["5001", "-1", "семь"])
def test_rate_out_of_bounds_is_refused(rate: str, admin_client: Client) -> None:
    tier = StatusTier.objects.get(code="vip")
    form = {"name": "VIP", "rate_bp": rate, "min_partners": "1", "vote_weight": "1", "reason": "x"}

    assert admin_client.post(change_url(tier), form).status_code == 200
    assert StatusTier.objects.get(pk=tier.pk).rate_bp == tier.rate_bp


def test_session_is_ended_by_an_action(
    admin_client: Client, admin_user: User, member: User
) -> None:
    session = Session.objects.create(user=member, device_name="Pixel")
    url = reverse("admin:accounts_session_changelist")

    body = {"action": "end", "_selected_action": [str(session.pk)]}

    asked = [admin_client.post(url, body), admin_client.post(url, body | {"reason": "мало"})]
    assert [answer.status_code for answer in asked] == [200, 422]
    assert Session.objects.get(pk=session.pk).revoked_at is None
    admin_client.post(url, body | {"reason": "украден телефон"})

    after = Session.objects.get(pk=session.pk)
    assert (after.revoked_at is not None, after.revoked_because) == (True, "admin")
    row = AuditEntry.objects.get(action="accounts.session_admin")
    assert (row.actor_id, row.object_id) == (admin_user.pk, str(session.pk))
    assert row.reason == "украден телефон"


def test_person_is_blocked_and_let_in_with_a_reason(
    admin_client: Client, admin_user: User, member: User
) -> None:
    block = reverse("admin:accounts_user_block", args=[member.pk])
    unblock = reverse("admin:accounts_user_unblock", args=[member.pk])
    states = [User.objects.get(pk=member.pk).is_active]

    asked = admin_client.get(block)
    states.append(User.objects.get(pk=member.pk).is_active)
    refused = admin_client.post(block, {"_form_submitted": "True", "reason": ""})
    states.append(User.objects.get(pk=member.pk).is_active)
    admin_client.post(block, {"_form_submitted": "True", "reason": "жалоба партнёра"})
    states.append(User.objects.get(pk=member.pk).is_active)
    admin_client.post(unblock, {"_form_submitted": "True", "reason": "разобрались"})
    states.append(User.objects.get(pk=member.pk).is_active)

    assert (asked.status_code, refused.status_code) == (200, 200)
    assert states == [True, True, True, False, True]
    rows = AuditEntry.objects.filter(action__in=["accounts.block", "accounts.unblock"])
    assert list(rows.order_by("pk").values_list("actor_id", "object_id", "reason")) == [
        (admin_user.pk, str(member.pk), "жалоба партнёра"),
        (admin_user.pk, str(member.pk), "разобрались"),
    ]


@pytest.mark.parametrize("job", ["admin", "superadmin"])
def test_admin_does_not_block_her_equals_or_herself(
    job: str, admin_client: Client, admin_user: User
) -> None:
    other = UserFactory(job=job)

    for person in (other, admin_user):
        url = reverse("admin:accounts_user_block", args=[person.pk])
        admin_client.post(url, {"_form_submitted": "True", "reason": "просто так"})

    assert not User.objects.filter(blocked_at__isnull=False).exists()


def test_dead_deliveries_live_again_by_an_action(admin_client: Client, admin_user: User) -> None:
    sale(), sale()
    Delivery.objects.update(state=Delivery.State.DEAD, attempts=8)
    first = Delivery.objects.order_by("pk").first()
    url = reverse("admin:core_delivery_changelist")

    body = {"action": "retry", "_selected_action": [str(first.pk)]}

    assert admin_client.post(url, body).status_code == 200
    assert not Delivery.objects.filter(state="waiting").exists()
    admin_client.post(url, body | {"reason": "хранилище снова отвечает"})

    of_first = Delivery.objects.filter(listener=first.listener)
    assert set(of_first.values_list("state", "attempts")) == {("waiting", 0)}
    others = Delivery.objects.exclude(listener=first.listener)
    assert set(others.values_list("state", flat=True)) == {"dead"}
    row = AuditEntry.objects.get(action="core.retry_dead")
    assert (row.actor_id, row.object_id) == (admin_user.pk, first.listener)
    assert row.reason == "хранилище снова отвечает"


def test_asking_for_an_action_by_its_address_does_nothing(admin_client: Client) -> None:
    make_rows(1)
    before = list(Session.objects.values("pk", "revoked_at"))
    chosen = [str(row["pk"]) for row in before]

    admin_client.get(
        reverse("admin:accounts_session_changelist"), {"action": "end", "_selected_action": chosen}
    )

    assert list(Session.objects.filter(pk__in=chosen).values("pk", "revoked_at")) == before
