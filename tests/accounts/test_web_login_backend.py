"""Password sign-in of the web, and rights by job."""

import pytest
from django.contrib import auth
from django.contrib.auth.hashers import get_hasher
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from apps.accounts.auth import LoginBackend
from apps.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of

pytestmark = pytest.mark.django_db
PASSWORD = "верба-сойка-71"


@pytest.fixture
def vera():
    return UserFactory(phone="+79161234567", email="Vera@Mail.ru", password=PASSWORD)


def sign_in(login, password=PASSWORD):
    return auth.authenticate(RequestFactory().post("/"), login=login, password=password)


@pytest.mark.parametrize(
    "login", ["+79161234567", "8 (916) 123-45-67", "vera@mail.ru", " VERA@mail.ru "]
)
def test_phone_or_email_with_the_password(vera, login):
    found = sign_in(login)

    assert (found, found.backend) == (vera, "apps.accounts.auth.LoginBackend")


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("+79161234567", "верба-сойка-72"),
        ("+79161234567", PASSWORD.upper()),
        ("+79161234567", f"{PASSWORD} "),
        ("+79161234567", ""),
        ("", PASSWORD),
        ("+79161234568", PASSWORD),
        ("olga@mail.ru", PASSWORD),
        ("вера", PASSWORD),
        ("@", PASSWORD),
        ("\x00@mail.ru", PASSWORD),
        ("+79161234567", "\x00"),
        ("' OR 1=1 --", PASSWORD),
    ],
)
def test_anything_else_is_nobody(vera, login, password):
    assert sign_in(login, password) is None


def test_a_card_number_is_no_login(vera):
    assert sign_in(vera.card_number) is None


def test_a_member_without_a_password_has_none_to_guess():
    UserFactory(phone="+79160000001")

    for guess in ("", "!", User().password, "None"):
        assert sign_in("+79160000001", guess) is None


def test_the_blocked_stay_outside(vera, at):
    vera.blocked_at = at
    vera.save()

    assert sign_in("vera@mail.ru") is None


def test_a_block_ends_a_web_session_at_the_next_look(vera, at):
    before = LoginBackend().get_user(vera.pk)
    User.objects.filter(pk=vera.pk).update(blocked_at=at)

    assert (before, LoginBackend().get_user(vera.pk)) == (vera, None)


def test_an_unknown_name_costs_a_hash_too(vera, monkeypatch):
    """The same work for known and unknown names: nobody can tell them apart by the time."""
    hashed = []
    hasher = type(get_hasher())
    encode = hasher.encode
    monkeypatch.setattr(
        hasher, "encode", lambda self, *args, **kw: hashed.append(1) or encode(self, *args, **kw)
    )

    costs = []
    for login in ("vera@mail.ru", "+79161234567", "nobody@mail.ru", "+79169999999", "нет"):
        hashed.clear()
        sign_in(login, "wrong")
        costs.append(len(hashed))

    assert len(set(costs)) == 1


# --- rights by job -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("job", "enters", "manages", "changes_tiers"),
    [
        ("", False, False, False),
        ("business_staff", False, False, False),
        ("business_owner", False, False, False),
        ("admin", True, True, True),
        ("superadmin", True, True, True),
    ],
)
def test_a_job_decides_what_one_may_do_everywhere(job, enters, manages, changes_tiers):
    user, business = UserFactory(job=job), BusinessFactory()

    assert [
        user.has_perm("businesses.enter_sales", business),
        user.has_perm("businesses.manage_business", business),
        user.has_perm("accounts.change_statustier"),
    ] == [enters, manages, changes_tiers]


@pytest.mark.parametrize("job", ["", "business_staff", "business_owner", "admin", "superadmin"])
def test_a_right_that_nobody_wrote_down_is_nobodys(job):
    assert not UserFactory(job=job).has_perm("accounts.become_empress")


VALUABLE = [
    ("loyalty", "wallet"),
    ("loyalty", "journal"),
    ("loyalty", "lot"),
    ("loyalty", "posting"),
    ("core", "auditentry"),
    ("transactions", "transaction"),
]


@pytest.mark.parametrize("job", ["admin", "superadmin"])
def test_valuable_rows_are_changed_by_nobody(job):
    user = UserFactory(job=job)
    rights = [
        f"{app}.{verb}_{model}" for app, model in VALUABLE for verb in ("add", "change", "delete")
    ]

    assert [right for right in rights if user.has_perm(right)] == []
    assert user.has_perm("loyalty.view_wallet")


def test_rights_at_one_business_are_none_at_another():
    mine, other = BusinessFactory(), BusinessFactory()
    staff, owner = staff_of(mine), staff_of(mine, role="business_owner")

    rights = [
        (
            user.has_perm("businesses.enter_sales", at),
            user.has_perm("businesses.manage_business", at),
        )
        for user in (staff, owner)
        for at in (mine, other)
    ]
    assert rights == [(True, False), (False, False), (True, True), (False, False)]
    assert not owner.has_perm("businesses.manage_business")


@pytest.mark.parametrize("job", ["business_owner", "admin", "superadmin"])
def test_the_blocked_have_no_rights(job, at):
    business = BusinessFactory()
    user = staff_of(business, role="business_owner")
    User.objects.filter(pk=user.pk).update(job=job, blocked_at=at)
    user = User.objects.get(pk=user.pk)

    assert not user.has_perm("businesses.manage_business", business)
    assert not user.has_perm("accounts.view_user")
    assert not user.has_module_perms("accounts")


@pytest.mark.parametrize(
    ("job", "enters_admin"),
    [("", False), ("business_owner", False), ("admin", True), ("superadmin", True)],
)
def test_the_admin_opens_for_the_networks_own_people(job, enters_admin):
    assert UserFactory(job=job).has_module_perms("accounts") is enters_admin


def test_nobody_signed_in_has_no_rights():
    assert not AnonymousUser().has_perm("accounts.view_user")
    assert not AnonymousUser().has_perm("businesses.enter_sales", BusinessFactory())
    assert not AnonymousUser().has_module_perms("accounts")
