"""Requisites of a partner: their check digits, the owner's wish, another person's word."""

import pytest

from apps.businesses.requisites import (
    NothingAsked,
    OwnWish,
    RequisitesStale,
    answer_requisites,
    ask_requisites,
    faults,
    in_force,
    requisites_of,
    waiting,
)
from apps.core.errors import Forbidden
from apps.core.models import AuditEntry
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of

COMPANY = {
    "legal_name": "ООО «Миндаль»",
    "inn": "7707083893",
    "kpp": "773601001",
    "ogrn": "1027700132195",
    "legal_address": "Москва, Покровка, 1",
    "bank": "Сбербанк",
    "bik": "044525225",
    "account": "40702810938000000001",
    "correspondent": "30101810400000000225",
}
PERSON = COMPANY | {
    "legal_name": "ИП Миндальная Анна Олеговна",
    "inn": "500100732259",  # the example of the tax service
    "kpp": "",
    "ogrn": "304500116000157",
}
WHY = "Сверила с выпиской из реестра"


@pytest.fixture
def admin(db):
    return UserFactory(job="admin")


def ask(business, by, said=COMPANY, *, seen=0, at):
    return ask_requisites(business=business, said=said, seen=seen, by=by, at=at)


def answer(business, by, *, accept=True, seen=1, at):
    return answer_requisites(business=business, accept=accept, seen=seen, by=by, reason=WHY, at=at)


# --- check digits ---------------------------------------------------------------------------------
def test_sole_proprietor_has_twelve_digits_and_no_kpp():
    assert faults(PERSON) == {}
    assert list(faults(COMPANY | {"kpp": ""})) == ["kpp"]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("inn", "500100732258"),
        ("inn", "500100732269"),
        ("inn", "50010073225Б"),
        ("ogrn", "304500116000158"),
        ("ogrn", "30450011600015"),
        ("account", "4070281093800000000"),
        ("account", "4070281093800000000a"),
        ("correspondent", "30101810400000000226"),
    ],
)
def test_one_wrong_sign_is_found(field, wrong):
    assert list(faults(PERSON | {field: wrong})) == [field]


def test_another_bank_fits_neither_account():
    """The settlement account is weighed with the end of the BIK, the other one with its middle."""
    assert list(faults(COMPANY | {"bik": "044525974"})) == ["account"]
    assert list(faults(COMPANY | {"bik": "044626225"})) == ["correspondent"]


# --- asking and answering -------------------------------------------------------------------------
@pytest.mark.django_db
def test_wish_is_taken_back_by_an_empty_one(business, owner, at):
    ask(business, owner, at=at)
    asked = list(waiting())

    row = ask(business, owner, {}, seen=1, at=at)

    assert [one.business for one in asked] == [business]
    assert (row.asked, row.asked_by, row.version, list(waiting())) == ({}, None, 2, [])
    actions = AuditEntry.objects.filter(business_id=business.pk).order_by("id")
    assert list(actions.values_list("action", flat=True))[-2:] == [
        "businesses.ask_requisites",
        "businesses.drop_requisites",
    ]


@pytest.mark.django_db
def test_refused_wish_goes_and_what_is_in_force_stays(business, owner, admin, at):
    ask(business, owner, at=at)
    answer(business, admin, at=at)
    ask(business, owner, PERSON, seen=2, at=at)

    row = answer(business, admin, accept=False, seen=3, at=at)

    assert (row.said, row.asked, row.version) == (COMPANY, {}, 4)
    told = AuditEntry.objects.latest("id")
    assert (told.action, told.reason) == ("businesses.refuse_requisites", WHY)
    names = [value for _name, value in in_force([business, BusinessFactory()])[business.pk]]
    assert names == list(COMPANY.values())


@pytest.mark.django_db
def test_only_the_owner_asks_and_only_another_person_of_the_network_answers(
    business, owner, staff, at
):
    hers = staff_of(business, role="business_owner", job="admin")
    stranger = staff_of(BusinessFactory(), role="business_owner")
    for by in (staff, stranger):
        with pytest.raises(Forbidden):
            ask(business, by, at=at)
    ask(business, hers, at=at)

    with pytest.raises(OwnWish):
        answer(business, hers, at=at)
    with pytest.raises(Forbidden):
        answer(business, owner, at=at)

    assert (requisites_of(business).said, requisites_of(business).asked_by) == ({}, hers)


@pytest.mark.django_db
def test_answer_wants_a_wish_and_the_newest_page(business, owner, admin, at):
    with pytest.raises(NothingAsked):
        answer(business, admin, seen=0, at=at)
    ask(business, owner, at=at)
    ask(business, owner, PERSON, seen=1, at=at)

    with pytest.raises(RequisitesStale):
        answer(business, admin, seen=1, at=at)

    assert requisites_of(business).said == {}
