"""Demands of the law that come by letter: who may serve them, once, and never her own erasure."""

import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.accounts import services, tasks
from apps.accounts.enums import ConsentPurpose, RequestKind, RequestState
from apps.accounts.models import Consent, PrivacyRequest, User
from apps.accounts.services import Answer, answer_consents, note_request, serve_request
from apps.accounts.services import privacy_requests as module
from apps.core.errors import Forbidden, NotFound
from tests.accounts.desks import desk_of
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of

pytestmark = pytest.mark.django_db
ANSWER = "Копию отправили на её почту 20 ноября"


@pytest.fixture
def admin():
    return UserFactory(job="admin")


def asked(member, kind="copy", *, by, at):
    return note_request(member=member, kind=RequestKind(kind), by=by, at=at)


def served(request, *, by, at, answer=ANSWER):
    return serve_request(request_id=request.pk, answer=answer, by=by, at=at)


def test_copy_is_answered_once_and_erases_nobody(member, admin, at):
    request = asked(member, by=admin, at=at)
    with pytest.raises(module.AskedAlready):
        asked(member, by=admin, at=at)

    done = served(request, by=admin, at=at)
    with pytest.raises(module.RequestClosed):
        served(request, by=admin, at=at)

    member.refresh_from_db()
    assert (done.state, done.answer, done.closed_by) == (RequestState.DONE, ANSWER, admin)
    assert member.erased_at is None
    assert asked(member, by=admin, at=at).state == RequestState.OPEN  # she may ask again later


def test_phone_in_an_answer_is_hidden(member, admin, at):
    request = asked(member, by=admin, at=at)

    done = served(request, by=admin, at=at, answer="Позвонили ей по номеру +79161234567")

    assert "9161234567" not in done.answer
    assert done.answer.startswith("Позвонили ей")


@pytest.mark.parametrize("job", ["", "business_owner"])
def test_only_the_network_serves(member, admin, at, job):
    by = UserFactory(job=job)
    request = asked(member, by=admin, at=at)

    with pytest.raises(Forbidden):
        asked(member, "stop", by=by, at=at)
    with pytest.raises(Forbidden):
        served(request, by=by, at=at)

    assert PrivacyRequest.objects.get().state == RequestState.OPEN


def test_nobody_erases_herself_and_what_is_not_there_is_not_served(admin, at):
    request = asked(admin, "erasure", by=admin, at=at)

    with pytest.raises(Forbidden):
        served(request, by=admin, at=at)
    with pytest.raises(NotFound):
        serve_request(request_id=uuid.uuid4(), answer=ANSWER, by=admin, at=at)

    assert User.objects.get(pk=admin.pk).erased_at is None


# --- the night ------------------------------------------------------------------------------------
def withdrawn(person, at):
    given = {ConsentPurpose.PERSONAL_DATA: Answer(given=True)}
    taken = {ConsentPurpose.PERSONAL_DATA: Answer(given=False)}
    for answers in (given, taken):
        answer_consents(member=person, answers=answers, at=at, proof="session:test")


def test_one_who_cannot_be_erased_yet_does_not_hold_the_others(member, caplog):
    """The only owner of a place hands it over first; the log says so every night."""
    long_ago = timezone.now() - timedelta(days=40)
    owner = staff_of(BusinessFactory(), role="business_owner")
    for person in (owner, member):
        withdrawn(person, long_ago)

    done = [tasks.serve_privacy_requests(), tasks.serve_privacy_requests()]

    assert done == [1, 0]
    erased = {person.pk: person.erased_at for person in User.objects.all()}
    assert (erased[owner.pk], erased[member.pk] is None) == (None, False)
    stuck = [
        row.msg["request"]
        for row in caplog.records
        if isinstance(row.msg, dict) and row.msg["event"] == "privacy.request_stuck"
    ]
    assert stuck == [str(PrivacyRequest.objects.get(member=owner).pk)] * 2


def test_erased_person_agrees_to_nothing(member, at):
    services.erase_person(user=member, at=at, because="asked")
    before = Consent.objects.count()

    with pytest.raises(NotFound):
        withdrawn(member, at)

    assert Consent.objects.count() == before


def test_overdue_demands_stand_out_in_the_admin(member, admin, at):
    asked(member, by=admin, at=at - timedelta(days=40))
    asked(UserFactory(), by=admin, at=at)

    page = desk_of(admin).get(reverse("admin:accounts_privacyrequest_changelist"))

    assert page.content.decode().count("просрочено") == 1


@pytest.mark.parametrize(
    ("proof", "words"), [("session:01a2-7F3B", "вход"), ("letter of 20 November", "letter of 20")]
)
def test_proof_of_a_consent_is_told_in_words(member, admin, at, proof, words):
    answers = {ConsentPurpose.PERSONAL_DATA: Answer(given=True)}
    answer_consents(member=member, answers=answers, at=at, proof=proof)
    url = reverse("admin:accounts_consent_change", args=[Consent.objects.get().pk])

    assert words in desk_of(admin).get(url).content.decode()
