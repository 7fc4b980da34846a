"""Partners and who works there."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from guardian.models import UserObjectPermission

from apps.accounts.models import User
from apps.businesses import queries, services
from apps.businesses.models import (
    BY_HAND,
    Business,
    Location,
    Membership,
    OnboardingMark,
    Role,
    State,
    Step,
)
from apps.core.errors import Forbidden
from apps.core.models import AuditEntry
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of

pytestmark = pytest.mark.django_db


def hire(business, user, role=Role.STAFF, *, by=None, at):
    return services.add_staff(business=business, user=user, role=role, by=by, at=at)


def dismiss(business, user, *, by=None, at):
    services.remove_staff(business=business, user=user, by=by, at=at)


def rights(user, business):
    fresh = User.objects.get(pk=user.pk)
    return (
        fresh.job,
        fresh.has_perm("businesses.enter_sales", business),
        fresh.has_perm("businesses.manage_business", business),
    )


NO_RIGHTS = ("", False, False)


# --- hiring --------------------------------------------------------------------------------------
@pytest.mark.parametrize(("role", "manages"), [("business_staff", False), ("business_owner", True)])
def test_hiring_gives_a_job_and_rights_there(member, business, at, role, manages):
    hired = hire(business, member, Role(role), at=at)

    assert (hired.role, hired.started_at, hired.ended_at) == (role, at, None)
    assert rights(member, business) == (role, True, manages)
    assert member.job == role
    assert rights(member, BusinessFactory()) == (role, False, False)


def test_hiring_leaves_an_audit_row(member, business, owner, at):
    hire(business, member, by=owner, at=at)

    row = AuditEntry.objects.latest("id")
    assert (row.action, row.actor_id, row.object_id, row.business_id) == (
        "businesses.add_staff",
        owner.pk,
        str(member.pk),
        business.pk,
    )


def test_nobody_is_hired_twice_at_one_place(member, business, at):
    hire(business, member, at=at)

    with pytest.raises(services.AlreadyThere):
        hire(business, member, Role.OWNER, at=at)
    assert rights(member, business) == ("business_staff", True, False)


def test_the_database_refuses_a_second_live_membership(member, business, at):
    hire(business, member, at=at)

    with pytest.raises(IntegrityError, match="one_live_membership"), transaction.atomic():
        Membership.objects.create(business=business, user=member, role="business_staff")


@pytest.mark.parametrize("who", ["stranger", "staff", "owner elsewhere", "member herself"])
def test_only_its_owner_and_the_network_hire(member, business, staff, at, who):
    by = {
        "stranger": UserFactory(),
        "staff": staff,
        "owner elsewhere": staff_of(BusinessFactory(), role="business_owner"),
        "member herself": member,
    }[who]

    with pytest.raises(Forbidden):
        hire(business, member, by=by, at=at)
    with pytest.raises(Forbidden):
        dismiss(business, staff, by=by, at=at)
    assert rights(member, business) == NO_RIGHTS
    assert rights(staff, business) == ("business_staff", True, False)


@pytest.mark.parametrize("job", ["admin", "superadmin"])
def test_the_network_hires_and_dismisses_anywhere(member, business, at, job):
    by = UserFactory(job=job)

    hire(business, member, by=by, at=at)
    during = rights(member, business)
    dismiss(business, member, by=by, at=at)

    assert (during, rights(member, business)) == (("business_staff", True, False), NO_RIGHTS)


# --- dismissing ----------------------------------------------------------------------------------
@pytest.mark.parametrize("role", [Role.STAFF, Role.OWNER])
def test_dismissal_takes_job_and_rights(member, business, at, role):
    hire(business, member, role, at=at)

    dismiss(business, member, at=at)

    assert rights(member, business) == NO_RIGHTS
    assert UserObjectPermission.objects.filter(user=member).count() == 0
    assert Membership.objects.get().ended_at == at
    assert AuditEntry.objects.latest("id").action.startswith(("businesses.", "accounts."))


def test_dismissal_is_felt_by_the_next_request(api, business, staff, at):
    caller = api.as_(staff)
    before = caller.get("/transactions", {"businessId": str(business.pk)}).status_code
    dismiss(business, staff, at=at)

    after = caller.post("/transactions/quote", {"businessId": str(business.pk)})

    assert before == 200
    assert after.status_code in (401, 403)


def test_whoever_does_not_work_there_cannot_be_dismissed(member, business, at):
    with pytest.raises(services.NotStaff) as refused:
        dismiss(business, member, at=at)

    assert refused.value.code == "NOT_FOUND"


def test_whoever_was_dismissed_can_come_back(member, business, at):
    hire(business, member, at=at)
    dismiss(business, member, at=at)
    hire(business, member, Role.OWNER, at=at)

    assert rights(member, business) == ("business_owner", True, True)
    assert Membership.objects.count() == 2


def test_the_job_follows_the_highest_place_that_is_left(member, business, at):
    cafe = BusinessFactory()
    hire(business, member, Role.OWNER, at=at)
    hire(cafe, member, Role.STAFF, at=at)
    both = rights(member, cafe)
    dismiss(business, member, at=at)

    assert (both, rights(member, cafe)) == (
        ("business_owner", True, False),
        ("business_staff", True, False),
    )
    assert rights(member, business)[1:] == (False, False)


def test_the_networks_people_keep_their_job(business, at):
    admin = UserFactory(job="admin")
    hire(business, admin, at=at)
    hired = User.objects.get(pk=admin.pk).job
    dismiss(business, admin, at=at)

    assert (hired, User.objects.get(pk=admin.pk).job) == ("admin", "admin")


def turn(business, user, role, *, by, at):
    return services.change_role(business=business, user=user, role=role, by=by, at=at)


def test_another_role_brings_its_rights_at_once(business, owner, staff, at):
    turn(business, staff, Role.OWNER, by=owner, at=at)
    raised = rights(staff, business)
    turn(business, staff, Role.STAFF, by=owner, at=at)

    assert raised == ("business_owner", True, True)
    assert rights(staff, business) == ("business_staff", True, False)


def test_same_role_again_changes_nothing(business, owner, staff, at):
    rows = AuditEntry.objects.count()

    turn(business, staff, Role.STAFF, by=owner, at=at)

    assert AuditEntry.objects.count() == rows


def test_a_place_keeps_an_owner_and_its_roles_to_itself(business, owner, member, at):
    """The last owner stays, a stranger gets no role, nobody turns herself."""
    admin = UserFactory(job="admin")

    with pytest.raises(services.LastOwner):
        turn(business, owner, Role.STAFF, by=admin, at=at)
    with pytest.raises(services.NotStaff):
        turn(business, member, Role.OWNER, by=admin, at=at)
    with pytest.raises(services.OwnRole):
        turn(business, owner, Role.STAFF, by=owner, at=at)

    assert rights(owner, business) == ("business_owner", True, True)
    assert rights(member, business) == NO_RIGHTS


def test_owner_of_two_places_keeps_her_job_when_one_role_falls(business, owner, at):
    cafe = BusinessFactory()
    hire(cafe, owner, Role.OWNER, at=at)
    turn_by = UserFactory(job="admin")
    hire(business, UserFactory(), Role.OWNER, at=at)

    turn(business, owner, Role.STAFF, by=turn_by, at=at)

    assert rights(owner, business) == ("business_owner", True, False)
    assert rights(owner, cafe) == ("business_owner", True, True)


# --- partners ------------------------------------------------------------------------------------
def open_one(by, slug="lis"):
    return services.open_business(
        slug=slug, name="Лисичкино", category="gastro", city="Москва", by=by
    )


def test_a_partner_is_opened_active_with_the_networks_bounds():
    business = open_one(None)

    assert (business.state, business.zone, business.max_bonus_share, business.pending_days) == (
        "active",
        "Europe/Moscow",
        30,
        0,
    )
    assert AuditEntry.objects.get(action="businesses.open").business_id == business.pk


@pytest.mark.parametrize(
    ("job", "may"),
    [("", False), ("business_staff", False), ("business_owner", False), ("admin", True)],
)
def test_only_the_network_opens_partners(job, may):
    by = UserFactory(job=job)

    if may:
        assert open_one(by)
        return
    with pytest.raises(Forbidden):
        open_one(by)
    assert not Business.objects.filter(slug="lis").exists()


def test_the_command_opens_a_partner_once():
    out = io.StringIO()

    for name in ("Лисичкино", "Другое имя"):
        call_command("open_business", "lis", name=name, category="gastro", stdout=out)

    assert out.getvalue().splitlines() == ["lis: opened.", "lis: there already (Лисичкино)."]
    business = Business.objects.get(slug="lis")
    assert (business.name, business.category, business.state) == ("Лисичкино", "gastro", "active")
    with pytest.raises(CommandError, match="network"):
        call_command("open_business", "net", "--name", "Сеть", "--category", "network")


def test_steps_of_opening_are_ticked_by_the_network_where_data_does_not_tell(business, owner, at):
    admin, note = UserFactory(job="admin"), "договор подписан и лежит в сейфе"
    asked = {"business": business, "note": note, "at": at}
    by_hand = sorted(BY_HAND)[0]
    from_data = next(step for step in Step if step not in BY_HAND)

    with pytest.raises(Forbidden):
        services.mark_step(step=by_hand, by=owner, **asked)
    with pytest.raises(services.NotByHand):
        services.mark_step(step=from_data, by=admin, **asked)
    with pytest.raises(Forbidden):  # letting a step pass is a superadmin's
        services.mark_step(step=from_data, by=admin, is_waived=True, **asked)
    services.mark_step(step=by_hand, by=admin, **asked)

    mark = OnboardingMark.objects.get()
    assert (mark.step, mark.note, mark.is_waived) == (by_hand, note, False)


@pytest.mark.parametrize(
    ("who", "changes"),
    [("admin", {"slug": "other"}), ("owner", {"name": "Моё"}), ("admin", {"is_network": True})],
)
def test_reference_fields_alone_are_changed_by_the_network_alone(business, owner, who, changes):
    by = owner if who == "owner" else UserFactory(job="admin")

    with pytest.raises(Forbidden):
        services.update_business(
            business=business, changes=changes, by=by, reason="Так просила владелица"
        )


@pytest.mark.parametrize("field", ["name", "state", "pending_days"])
def test_owner_says_nothing_that_the_network_decides(business, owner, staff, field):
    with pytest.raises(Forbidden):
        services.present_business(business=business, changes={field: 1}, by=owner)
    with pytest.raises(Forbidden):
        services.present_business(business=business, changes={"description": "Тут"}, by=staff)


def test_only_the_network_suspends_a_place(business, owner):
    with pytest.raises(Forbidden):
        services.move_business(business=business, state=State.CLOSED, by=owner)

    business.refresh_from_db()
    assert business.state == State.ACTIVE


def test_a_place_is_added_by_who_manages_the_business(business, owner, staff):
    place = services.add_location(business=business, name="На Арбате", address="Арбат, 1", by=owner)
    with pytest.raises(Forbidden):
        services.add_location(business=business, name="Сам", address="", by=staff)

    assert list(Location.objects.all()) == [place]


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"state": "asleep"}, "business_state_known"),
        ({"category": "casino"}, "business_category_known"),
        ({"max_bonus_share": 51}, "bonus_share_within_network_bound"),
        ({"pending_days": 31}, "pending_at_most_30_days"),
        ({"is_network": True}, "one_network"),
    ],
)
def test_the_database_refuses_nonsense_about_partners(business, change, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Business.objects.filter(pk=business.pk).update(**change)


def test_two_places_of_one_partner_have_two_names(business):
    services.add_location(business=business, name="Зал", address="", by=None)
    services.add_location(business=BusinessFactory(), name="Зал", address="", by=None)

    with pytest.raises(IntegrityError, match="location_name_in_business"), transaction.atomic():
        services.add_location(business=business, name="Зал", address="", by=None)


# --- reading -------------------------------------------------------------------------------------
def test_staff_see_where_they_work_now(member, business, at):
    left = BusinessFactory()
    hire(left, member, at=at)
    dismiss(left, member, at=at)
    hire(business, member, at=at)
    owned = BusinessFactory()
    hire(owned, member, Role.OWNER, at=at)
    BusinessFactory()

    assert set(queries.businesses_of(member)) == {business, owned}
    assert list(queries.businesses_of(member, role=Role.OWNER)) == [owned]


@pytest.mark.parametrize("state", ["suspended", "closed"])
def test_a_place_that_stands_still_is_not_in_the_list(staff, business, state):
    Business.objects.filter(pk=business.pk).update(state=state)

    assert list(queries.businesses_of(staff)) == []


def test_admins_see_all_partners_and_not_the_network(business):
    seen = set(queries.businesses_of(UserFactory(job="admin")))

    assert seen == set(queries.partners()) == {business}
    assert queries.network().is_network


def test_a_member_works_nowhere(member, business):
    assert list(queries.businesses_of(member)) == []


@pytest.mark.parametrize(
    ("category", "clinic"), [("dental", True), ("medical", True), ("salon", False)]
)
def test_clinics_are_known_by_their_category(category, clinic):
    assert BusinessFactory(category=category).is_clinic is clinic
