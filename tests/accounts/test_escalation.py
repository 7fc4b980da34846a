"""Forty ways to take a right that was not given: each refused, and nobody's rights changed."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from guardian.models import UserObjectPermission

from apps.accounts import services, tokens
from apps.accounts.enums import Job
from apps.accounts.models import Session, StatusTier, User
from apps.businesses import services as businesses
from apps.businesses.models import Business, Membership, Role
from apps.core.errors import Forbidden
from tests.accounts.desks import desk_of
from tests.api import Api
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.transactions import sale

pytestmark = pytest.mark.django_db
WHY = "проверка обхода прав"
CROWN = {
    "job": "superadmin",
    "role": "superadmin",
    "is_superuser": "on",
    "is_staff": "on",
    "groups": ["1"],
    "user_permissions": ["1"],
    "password": "верба-сойка-71",
    "tier": "4",
    "blocked_at": "",
}


@dataclass
class World:
    a: Business
    b: Business
    member: User
    staff: User
    owner: User
    admin: User
    chief: User

    def web(self, user: User) -> Client:
        return desk_of(user)

    def forged(self, user: User, **claims: str) -> Api:
        """Her token with other claims, signed as before (not at all right)."""
        session = Session.objects.create(user=user)
        head, body, tail = tokens.access_for(session, at=timezone.now()).split(".")
        said = json.loads(base64.urlsafe_b64decode(body + "==")) | claims
        body = base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
        return Api({"Authorization": f"Bearer {head}.{body}.{tail}"})


@pytest.fixture
def world() -> World:
    a, b = BusinessFactory(), BusinessFactory()
    return World(
        a=a,
        b=b,
        member=UserFactory(),
        staff=staff_of(a, password=CROWN["password"]),
        owner=staff_of(a, role="business_owner"),
        admin=UserFactory(job="admin"),
        chief=UserFactory(job="superadmin"),
    )


def rights_of(w: World) -> Any:
    """Everything that rights are made of, of those who were here before."""
    here = [w.member, w.staff, w.owner, w.admin, w.chief]
    people = (
        User.objects.filter(pk__in=[one.pk for one in here])
        .order_by("pk")
        .values_list("pk", "job", "tier", "is_superuser", "password", "blocked_at", "card_number")
    )
    granted = (
        UserObjectPermission.objects.filter(user__in=here)
        .order_by("pk")
        .values_list("user", "permission", "object_pk")
    )
    jobs = (
        Membership.objects.filter(user__in=here)
        .order_by("pk")
        .values_list("user", "business", "role", "ended_at")
    )
    tiers = StatusTier.objects.order_by("pk").values_list("pk", "rate_bp")
    tasks = PeriodicTask.objects.order_by("pk").values_list("name", "task", "enabled")
    groups = User.groups.through.objects.count(), User.user_permissions.through.objects.count()
    return [list(people), list(granted), list(jobs), list(tiers), list(tasks), groups]


def refused(answer: Any, *codes: int) -> None:
    assert answer.status_code in codes, answer.content[:200]


def denied(act: Callable[..., Any], **given: Any) -> None:
    with pytest.raises(Forbidden):
        act(**given)


def page(model: str, kind: str, *args: Any) -> str:
    return reverse(f"admin:{model}_{kind}", args=args)


# --- the Django admin: forms, posts, actions ----------------------------------------------------
def admin_posts_a_role(w: World) -> None:
    post = w.web(w.admin).post(page("accounts_user", "change", w.admin.pk), CROWN)
    refused(post, 403)


def admin_posts_a_role_to_another(w: World) -> None:
    refused(w.web(w.admin).post(page("accounts_user", "change", w.member.pk), CROWN), 403)


def superadmin_posts_a_role(w: World) -> None:
    refused(w.web(w.chief).post(page("accounts_user", "change", w.member.pk), CROWN), 403)


def admin_takes_the_superadmins_password(w: World) -> None:
    refused(w.web(w.admin).post(page("accounts_user", "change", w.chief.pk), CROWN), 403)


def admin_adds_a_person(w: World) -> None:
    refused(w.web(w.admin).post(page("accounts_user", "add"), CROWN), 403)


def admin_deletes_the_superadmin(w: World) -> None:
    sent = w.web(w.admin).post(page("accounts_user", "delete", w.chief.pk), {"post": "yes"})
    refused(sent, 403)


def admin_deletes_in_bulk(w: World) -> None:
    body = {"action": "delete_selected", "_selected_action": [str(w.chief.pk)], "post": "yes"}
    refused(w.web(w.admin).post(page("accounts_user", "changelist"), body), 200, 302, 403)


def admin_edits_the_list(w: World) -> None:
    body = CROWN | {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "_save": "1"}
    body |= {"form-0-id": str(w.admin.pk), "form-0-job": "superadmin"}
    refused(w.web(w.admin).post(page("accounts_user", "changelist"), body), 200, 302, 403)


def admin_edits_a_session_inline(w: World) -> None:
    body = {"sessions-TOTAL_FORMS": "1", "sessions-INITIAL_FORMS": "0"}
    body |= {"sessions-0-user": str(w.chief.pk)}
    refused(w.web(w.admin).post(page("accounts_user", "change", w.admin.pk), body), 403)


def admin_adds_a_membership(w: World) -> None:
    body = {"business": str(w.b.pk), "user": str(w.admin.pk), "role": "business_owner"}
    refused(w.web(w.admin).post(page("businesses_membership", "add"), body), 403)


def admin_turns_staff_into_owner(w: World) -> None:
    row = Membership.objects.get(user=w.staff)
    url = page("businesses_membership", "change", row.pk)
    refused(w.web(w.admin).post(url, {"role": "business_owner"}), 403)


def admin_schedules_a_task(w: World) -> None:
    body = {"name": "x", "task": "os.system", "enabled": "on", "kwargs": "{}"}
    url = page("django_celery_beat_periodictask", "add")
    refused(w.web(w.chief).post(url, body), 403)


def admin_bends_a_task(w: World) -> None:
    row = PeriodicTask.objects.first()
    url = page("django_celery_beat_periodictask", "change", row.pk)
    refused(w.web(w.chief).post(url, {"task": "os.system"}), 403)


def admin_writes_the_audit(w: World) -> None:
    refused(w.web(w.chief).post(page("core_auditentry", "add"), {"action": "x"}), 403)


def admin_changes_limits_of_codes(w: World) -> None:
    url = page("accounts_codelimits", "change", 1)
    refused(w.web(w.admin).post(url, {"cap_day_rub": "999999", "reason": WHY}), 302, 403)


def staff_opens_the_admin(w: World) -> None:
    answer = w.web(w.staff).get(page("accounts_user", "changelist"), follow=True)
    refused(answer, 403)


def owner_posts_to_the_admin(w: World) -> None:
    url = page("accounts_user", "change", w.owner.pk)
    refused(w.web(w.owner).post(url, CROWN, follow=True), 403)


def admin_without_the_second_factor(w: World) -> None:
    client = Client()
    client.force_login(w.admin, backend="apps.accounts.auth.LoginBackend")
    refused(client.get(page("accounts_user", "changelist")), 302)


def guardian_pages_do_not_exist(w: World) -> None:
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        with pytest.raises(NoReverseMatch):
            page(name, "permissions", w.a.pk)
    url = f"{page('businesses_business', 'change', w.a.pk)}permissions/"
    answer = w.web(w.chief).post(url, {"user": str(w.staff.pk)})
    refused(answer, 302, 404)


def groups_have_no_page(w: World) -> None:
    names = {str(one.pattern) for one in get_resolver().url_patterns}
    assert not any("group" in name for name in names)
    refused(w.web(w.chief).get("/admin/auth/group/"), 404)


# --- the API: bodies ------------------------------------------------------------------------------
def profile_with_every_field(w: World) -> None:
    api = Api().as_(w.member)
    for model_field in User._meta.get_fields():
        name = model_field.name
        if name in ("first_name", "last_name", "city", "locale"):
            continue
        refused(api.patch("/users/me", {name: "superadmin"}), 422)


def profile_in_camel_case(w: World) -> None:
    for name in ("isSuperuser", "isStaff", "blockedAt", "cardNumber", "tierId", "dataKey", "role"):
        refused(Api().as_(w.member).patch("/users/me", {name: "1"}), 422)


def sale_with_extra_fields(w: World) -> None:
    body = {"businessId": str(w.a.pk), "member": {"id": str(w.member.pk)}, "amount": "10.00"}
    for name in ("bonusAccrued", "enteredBy", "rateBp", "status", "source", "toPay"):
        refused(Api().as_(w.staff).post("/transactions", body | {name: "1"}), 422)


def redemption_for_another(w: World) -> None:
    body = {"businessId": str(w.a.pk), "amount": "1.00", "memberId": str(w.chief.pk)}
    refused(Api().as_(w.member).post("/loyalty/redemptions", body), 422)


def sign_in_with_a_role(w: World) -> None:
    refused(Api().post("/auth/send-code", {"phone": "+79161112233", "role": "admin"}), 422)
    body = {"codeId": str(w.a.pk), "code": "123456", "job": "admin"}
    refused(Api().post("/auth/verify-code", body), 422)


def role_with_extra_fields(w: World) -> None:
    body = {"role": "admin", "reason": WHY, "isSuperuser": True}
    refused(Api().as_(w.chief).patch(f"/admin/users/{w.member.pk}/role", body), 422)


def owner_at_once_by_role(w: World) -> None:
    body = {"role": "business_owner", "reason": WHY}
    refused(Api().as_(w.chief).patch(f"/admin/users/{w.staff.pk}/role", body), 422)


# --- the API: callers -----------------------------------------------------------------------------
def member_gives_herself_a_role(w: World) -> None:
    body = {"role": "superadmin", "reason": WHY}
    refused(Api().as_(w.member).patch(f"/admin/users/{w.member.pk}/role", body), 403)


def admin_gives_herself_a_role(w: World) -> None:
    body = {"role": "superadmin", "reason": WHY}
    refused(Api().as_(w.admin).patch(f"/admin/users/{w.admin.pk}/role", body), 403)


def superadmin_changes_her_own_role(w: World) -> None:
    UserFactory(job="superadmin")
    body = {"role": "member", "reason": WHY}
    refused(Api().as_(w.chief).patch(f"/admin/users/{w.chief.pk}/role", body), 403)


def role_without_a_reason(w: World) -> None:
    for reason in ("", "   ", "коротко"):
        body = {"role": "admin", "reason": reason}
        refused(Api().as_(w.chief).patch(f"/admin/users/{w.member.pk}/role", body), 422)


def admin_blocks_the_superadmin(w: World) -> None:
    refused(Api().as_(w.admin).post(f"/admin/users/{w.chief.pk}/block", {"reason": WHY}), 403)


def owner_blocks_somebody(w: World) -> None:
    refused(Api().as_(w.owner).post(f"/admin/users/{w.member.pk}/block", {"reason": WHY}), 403)


def staff_sells_at_another_business(w: World) -> None:
    body = {"businessId": str(w.b.pk), "member": {"id": str(w.member.pk)}, "amount": "10.00"}
    refused(Api().as_(w.staff).post("/transactions", body), 404)


def owner_reads_another_business(w: World) -> None:
    far = sale(business=w.b, member=w.member)
    refused(Api().as_(w.owner).get(f"/transactions/{far.pk}"), 404)
    refused(w.web(w.owner).get(f"/biz/{w.b.slug}/"), 404)


def staff_sells_at_a_suspended_business(w: World) -> None:
    Business.objects.filter(pk=w.a.pk).update(state="suspended")
    body = {"businessId": str(w.a.pk), "member": {"id": str(w.member.pk)}, "amount": "10.00"}
    for person in (w.staff, w.owner):
        refused(Api().as_(person).post("/transactions", body), 404)
        assert not person.has_perm("businesses.manage_business", Business.objects.get(pk=w.a.pk))
    refused(w.web(w.owner).get(f"/biz/{w.a.slug}/"), 404)


# --- tokens and sessions --------------------------------------------------------------------------
def edited_claims(w: World) -> None:
    refused(w.forged(w.member, role="superadmin").get("/users/me"), 401)
    refused(w.forged(w.member, sub=str(w.chief.pk)).get("/users/me"), 401)


def honest_token_with_a_false_role(w: World) -> None:
    """Even a role that we signed ourselves opens nothing: the database decides."""
    session = Session.objects.create(user=w.member)
    token = tokens.AccessToken()
    token["sub"], token["sid"], token["role"] = str(w.member.pk), str(session.pk), "superadmin"
    api = Api({"Authorization": f"Bearer {token}"})
    refused(api.post(f"/admin/users/{w.staff.pk}/block", {"reason": WHY}), 403)


def token_without_a_signature(w: World) -> None:
    claims = {"sub": str(w.chief.pk), "sid": str(w.a.pk), "jti": "1", "type": "access"}
    claims["exp"] = 4_000_000_000
    for key, algorithm in (("", "none"), ("k" * 32, "HS256")):
        token = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "dev"})
        refused(Api({"Authorization": f"Bearer {token}"}).get("/users/me"), 401)


def another_ones_session(w: World) -> None:
    token, theirs = tokens.AccessToken(), Session.objects.create(user=w.chief)
    token["sub"], token["sid"] = str(w.member.pk), str(theirs.pk)
    refused(Api({"Authorization": f"Bearer {token}"}).get("/users/me"), 401)


def refresh_token_as_access(w: World) -> None:
    refresh = tokens.refresh_for(Session.objects.create(user=w.chief))
    refused(Api({"Authorization": f"Bearer {refresh}"}).get("/users/me"), 401)


def session_fixation(w: World) -> None:
    client, thief = Client(), Client()
    client.get("/login/")
    session = client.session
    session["planted"] = True
    session.save()
    thief.cookies["sessionid"] = session.session_key
    client.post("/login/", {"login": w.staff.phone, "password": CROWN["password"]})
    assert client.get("/kassa/").status_code == 200
    refused(thief.get("/kassa/"), 302)


def next_leads_away(w: World) -> None:
    for there in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        answer = w.web(w.staff).get("/login/", {"next": there})
        assert answer.url == "/"


# --- services: whoever calls them -----------------------------------------------------------------
def staff_makes_herself_owner(w: World) -> None:
    denied(
        businesses.add_staff,
        business=w.a,
        user=w.staff,
        role=Role.OWNER,
        by=w.staff,
        at=timezone.now(),
    )


def owner_hires_at_another_business(w: World) -> None:
    at = timezone.now()
    denied(businesses.add_staff, business=w.b, user=w.owner, role=Role.OWNER, by=w.owner, at=at)


def owner_dismisses_at_another_business(w: World) -> None:
    far = staff_of(w.b)
    denied(businesses.remove_staff, business=w.b, user=far, by=w.owner, at=timezone.now())
    assert far.has_perm("businesses.enter_sales", w.b)


def last_superadmin_leaves(w: World) -> None:
    denied(services.set_job, user=w.chief, job=Job.NONE, by=None, reason=WHY)


def admin_sets_a_job(w: World) -> None:
    denied(services.set_job, user=w.member, job=Job.ADMIN, by=w.admin, reason=WHY)


def a_job_in_memory_opens_nothing(w: World) -> None:
    w.admin.job = "superadmin"  # not saved: the service reads the database under lock
    denied(services.set_job, user=w.member, job=Job.ADMIN, by=w.admin, reason=WHY)


def owner_changes_her_partner_row(w: World) -> None:
    denied(
        businesses.update_business,
        business=w.a,
        changes={"max_bonus_share": 50},
        by=w.owner,
        reason=WHY,
    )


def admin_changes_a_field_of_no_form(w: World) -> None:
    denied(
        businesses.update_business,
        business=w.a,
        changes={"is_network": True},
        by=w.admin,
        reason=WHY,
    )


ATTEMPTS = [
    admin_posts_a_role,
    admin_posts_a_role_to_another,
    superadmin_posts_a_role,
    admin_takes_the_superadmins_password,
    admin_adds_a_person,
    admin_deletes_the_superadmin,
    admin_deletes_in_bulk,
    admin_edits_the_list,
    admin_edits_a_session_inline,
    admin_adds_a_membership,
    admin_turns_staff_into_owner,
    admin_schedules_a_task,
    admin_bends_a_task,
    admin_writes_the_audit,
    admin_changes_limits_of_codes,
    staff_opens_the_admin,
    owner_posts_to_the_admin,
    admin_without_the_second_factor,
    guardian_pages_do_not_exist,
    groups_have_no_page,
    profile_with_every_field,
    profile_in_camel_case,
    sale_with_extra_fields,
    redemption_for_another,
    sign_in_with_a_role,
    role_with_extra_fields,
    owner_at_once_by_role,
    member_gives_herself_a_role,
    admin_gives_herself_a_role,
    superadmin_changes_her_own_role,
    role_without_a_reason,
    admin_blocks_the_superadmin,
    owner_blocks_somebody,
    staff_sells_at_another_business,
    owner_reads_another_business,
    staff_sells_at_a_suspended_business,
    edited_claims,
    honest_token_with_a_false_role,
    token_without_a_signature,
    another_ones_session,
    refresh_token_as_access,
    session_fixation,
    next_leads_away,
    staff_makes_herself_owner,
    owner_hires_at_another_business,
    owner_dismisses_at_another_business,
    last_superadmin_leaves,
    admin_sets_a_job,
    a_job_in_memory_opens_nothing,
    owner_changes_her_partner_row,
    admin_changes_a_field_of_no_form,
]


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.__name__)
def test_attempt_is_refused_and_changes_nothing(
    attempt: Callable[[World], None], world: World, monkeypatch: Any
) -> None:
    monkeypatch.setattr("apps.core.http.throttles.ByCaller.allow_request", lambda *_: True)
    PeriodicTask.objects.get_or_create(
        name="a",
        defaults={
            "task": "apps.core.tasks.heartbeat",
            "interval": IntervalSchedule.objects.create(every=1, period="minutes"),
        },
    )
    before = rights_of(world)

    attempt(world)

    assert rights_of(world) == before


def test_there_are_forty() -> None:
    assert len(ATTEMPTS) >= 40
