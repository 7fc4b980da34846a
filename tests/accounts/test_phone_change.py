"""A new number wants a code to the old one and a code to the new one."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import Session, User
from apps.core.models import AuditEntry, Message
from apps.loyalty.services import BonusesFrozen, InsufficientBonus, spend_bonus
from tests.accounts.codes import last_code, messages, wrong
from tests.api import Api
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory

pytestmark = pytest.mark.django_db
OLD, NEW = "+79161110001", "+79161110002"


@pytest.fixture
def anna() -> User:
    return UserFactory(phone=OLD)


@pytest.fixture
def mine(api: Api, anna: User) -> Api:
    return api.as_(anna)


def ask(mine: Api, phone: str = "8 916 111 00 02") -> dict[str, str]:
    answer = mine.post("/users/me/phone", {"phone": phone})
    assert answer.status_code == 200, answer.content
    return answer.json()["data"]


def confirm(mine: Api, ids: dict[str, str], **given: str):
    body = {"oldCodeId": ids["oldCodeId"], "newCodeId": ids["newCodeId"]}
    body |= {"oldCode": last_code(OLD), "newCode": last_code(NEW)} | given
    return mine.post("/users/me/phone/confirm", body)


def test_both_codes_give_her_the_new_number(mine: Api, anna: User) -> None:
    elsewhere = Session.objects.create(user=anna)
    ids = ask(mine)

    answer = confirm(mine, ids)

    assert answer.status_code == 200, answer.content
    assert answer.json()["data"]["phone"] == NEW
    assert User.objects.with_phone(NEW).pk == anna.pk
    assert User.objects.with_phone(OLD) is None
    elsewhere.refresh_from_db()
    assert elsewhere.revoked_because == "phone_changed"
    assert mine.get("/users/me").status_code == 200
    row = AuditEntry.objects.get(action="accounts.phone_changed")
    assert NEW not in f"{row.reason}{row.digest}{row.object_id}"


@pytest.mark.parametrize("end", ["old", "new"])
def test_one_wrong_code_changes_nothing_and_wastes_nothing(mine: Api, anna: User, end: str) -> None:
    ids = ask(mine)
    bad = wrong(last_code(OLD if end == "old" else NEW))

    refused = confirm(mine, ids, **{f"{end}Code": bad})

    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "CODE_INVALID")
    assert User.objects.get(pk=anna.pk).phone == OLD
    assert confirm(mine, ids).status_code == 200


def test_the_codes_cannot_be_swapped_or_borrowed(api: Api, mine: Api, anna: User) -> None:
    ids = ask(mine)
    swapped = {"oldCodeId": ids["newCodeId"], "newCodeId": ids["oldCodeId"]}
    codes = {"oldCode": last_code(NEW), "newCode": last_code(OLD)}

    assert confirm(mine, swapped, **codes).status_code == 401
    assert confirm(api.as_(UserFactory()), ids).status_code == 401
    sign_in = api.post("/auth/verify-code", {"codeId": ids["newCodeId"], "code": last_code(NEW)})
    assert sign_in.status_code == 401
    assert User.objects.with_phone(NEW) is None


def test_a_taken_number_is_said_only_to_whoever_holds_it(mine: Api, anna: User) -> None:
    UserFactory(phone=NEW)
    ids = ask(mine)

    answer = confirm(mine, ids)

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
    assert User.objects.get(pk=anna.pk).phone == OLD


def test_her_own_number_and_nonsense_are_refused(mine: Api) -> None:
    for phone in (OLD, "8 916 111 00 01", "12345", "+12025550123"):
        answer = mine.post("/users/me/phone", {"phone": phone})
        assert answer.status_code == 422, phone
        assert list(answer.json()["error"]["details"]) == ["phone"]
    assert services.PhoneSame.field == "phone"


def test_bonuses_are_frozen_for_a_day_and_the_old_number_is_told(
    mine: Api, anna: User, django_capture_on_commit_callbacks
) -> None:
    business = BusinessFactory()
    ids = ask(mine)
    with django_capture_on_commit_callbacks(execute=True):
        confirm(mine, ids)
    anna.refresh_from_db()
    at = timezone.now()

    body = {"businessId": str(business.pk), "amount": "1.00"}
    held = mine.post("/loyalty/redemptions", body)
    with pytest.raises(BonusesFrozen), transaction.atomic():
        spend_bonus(member=anna, business=business, amount=Decimal("1.00"), key="k", at=at)
    # no longer frozen: only empty
    with pytest.raises(InsufficientBonus), transaction.atomic():
        spend_bonus(
            member=anna,
            business=business,
            amount=Decimal("1.00"),
            key="k",
            at=at + timedelta(days=1),
        )

    assert (held.status_code, held.json()["error"]["code"]) == (409, "WRONG_STATE")
    assert "изменён" in [one["text"] for one in messages() if one["phone"] == OLD][-1]
    assert Message.objects.filter(topic="PhoneChanged").count() == 1


def test_codes_of_a_number_she_no_longer_has_change_nothing(mine: Api, anna: User) -> None:
    """Support moved her number while she looked for the SMS."""
    ids = ask(mine)
    anna.set_phone("+79161110009")
    anna.save()

    answer = confirm(mine, ids)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "CODE_INVALID")
    assert User.objects.with_phone("+79161110009") == anna
    assert User.objects.with_phone(NEW) is None
