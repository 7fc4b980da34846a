"""Rows of hot paths are the model's own objects, in and out; what is shared is shared for a while."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import translation
from django.utils.translation import gettext_lazy
from rest_framework.response import Response

from apps.accounts.models import Session, User
from apps.accounts.queries import person, person_with_phone, session_of_token
from apps.businesses.models import Business, Role
from apps.businesses.queries import business_of, partner
from apps.core import redis_line, rows
from apps.core.http import lately
from apps.core.http.envelope import dumps
from apps.core.models import AuditEntry, IdempotencyKey
from tests.factories.events import published


def columns(one: Model) -> dict[str, Any]:
    return {field.attname: getattr(one, field.attname) for field in one._meta.concrete_fields}


@pytest.mark.django_db
def test_an_object_of_a_row_is_what_the_orm_makes(member, business, owner):
    Business.objects.filter(pk=business.pk).update(hours=[["10:00", "20:00"]], photos=["a.jpg"])
    session = Session.objects.create(user=member, device_name="iPhone", address="203.0.113.7")
    by_orm = Session.objects.select_related("user__tier").get(pk=session.pk)

    found = session_of_token(str(session.pk))

    assert found is not None
    assert columns(found) == columns(by_orm)
    assert columns(found.user) == columns(by_orm.user)
    assert columns(found.user.tier) == columns(by_orm.user.tier)
    stored = columns(Business.objects.get(pk=business.pk))
    assert columns(partner(business.pk)) == stored
    assert columns(business_of(owner, business.pk, role=Role.OWNER)) == stored
    assert columns(person(member.pk)) == columns(person_with_phone(member.phone))
    found.user.first_name = "Анна"  # it saves as any other
    found.user.save(update_fields=["first_name"])
    assert User.objects.get(pk=member.pk).first_name == "Анна"


@pytest.mark.django_db
def test_an_inserted_object_is_what_was_meant_and_constraints_speak():
    key = IdempotencyKey(actor="a", route="POST /x", key="k", body_hash="h", status=201, answer="s")
    entry = AuditEntry(action="x", object_type="y", object_id="z", address="203.0.113.7")

    rows.insert(key)
    rows.insert(entry)

    assert columns(IdempotencyKey.objects.get()) == columns(key)
    assert columns(AuditEntry.objects.get(pk=entry.pk)) == columns(entry)
    twin = IdempotencyKey(actor="a", route="POST /x", key="k", body_hash="", status=1, answer="")
    with pytest.raises(IntegrityError, match="one_answer_per_key"), transaction.atomic():
        rows.insert(twin)


@pytest.mark.django_db(transaction=True)
def test_a_list_is_shared_by_those_who_have_no_part_in_it(api, member):
    redis_line.forget_silence()
    event = published(title="Первый вечер")
    mine = api.as_(member)
    first = mine.get("/events")
    published(title="Второй вечер")

    again, host = mine.get("/events"), api.as_(event.creator).get("/events")

    assert [one["title"] for one in first.json()["data"]] == ["Первый вечер"]
    assert again.json()["data"] == first.json()["data"]  # for three seconds
    assert again["ETag"] == first["ETag"]
    assert len(host.json()["data"]) == 2  # she has a part, and sees it at once
    unchanged = mine.get("/events", **{"If-None-Match": first["ETag"]})
    assert unchanged.status_code == 304


def test_who_asks_while_it_is_made_waits_for_it():
    redis_line.forget_silence()
    made = []

    def make() -> Response:
        made.append(1)
        time.sleep(0.3)
        return Response([{"n": len(made)}])

    def ask(_n: int) -> bytes:
        return dumps(lately.shown("crowd", make, seconds=30).data)

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask, range(8)))

    assert (len(made), len(answers)) == (1, 1)
    lately.forget()
    assert ask(0) in answers  # from Redis


def test_who_waited_for_nothing_makes_her_own():
    redis_line.forget_silence()
    made = []

    def make() -> Response:
        made.append(1)
        time.sleep(0.1)
        answer = Response([len(made)])
        answer.is_fleeting = True
        return answer

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _n: lately.shown("lost", make, seconds=30), range(3)))

    assert len(made) == len(answers) == 3


def test_a_process_keeps_some_copies_and_no_more(monkeypatch):
    redis_line.forget_silence()
    monkeypatch.setattr(lately, "MOST", 2)

    for number in [*range(5), *range(5)]:  # the second time it is a copy
        answer = lately.shown(f"page {number}", lambda n=number: Response([n]), seconds=30)
        assert dumps(answer.data) == f"[{number}]".encode()

    assert 0 < len(lately._copies) <= 2


def test_words_that_wait_for_a_language_are_written_in_the_one_of_the_request():
    with translation.override("en"):
        assert dumps({"said": gettext_lazy("Reason")}) == b'{"said":"Reason"}'
    with translation.override("ru"):
        assert dumps({"said": gettext_lazy("Reason")}) == '{"said":"Причина"}'.encode()
    with pytest.raises(TypeError, match="object"):  # and never as its address in memory
        dumps({"said": object()})
