"""The admin's pages of words, providers and broadcasts: what may change, with which reason, what is
refused beside its field."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from apps.core.models import AuditEntry
from apps.notifications.models import Broadcast, Notification, Provider, Template
from apps.notifications.words import shipped
from tests.architecture.conftest import admin_client, admin_user, desk  # noqa: F401
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory
from tests.factories.notifications import broadcast_of, message_to, risk_of
from tests.factories.transactions import sale
from tests.notifications.conftest import deliver_all, write

pytestmark = pytest.mark.django_db
WHY = "Просьба редактора от 20 ноября"


def page(name, *args):
    return reverse(f"admin:notifications_{name}", args=args)


def text(answer):
    return answer.content.decode()


# --- words ---------------------------------------------------------------------------------------
@pytest.fixture
def gift():
    return Template.objects.get(kind="gift_received", language="ru")


def test_words_of_our_own_are_sent_from_now_on(admin_client, admin_user, gift, world, member):  # noqa: F811
    own = {"title": "Подарок: {amount}", "body": "Вам подарок.", "sms": "Вам подарили {amount}!"}

    done = admin_client.post(page("template_change", gift.pk), own | {"reason": WHY})
    write("gift_received", member, amount="300.00")
    deliver_all()

    assert done.status_code == 302
    assert world.taken["smsru"][0]["text"] == "Вам подарили 300!"
    noted = AuditEntry.objects.get(action="notifications.words")
    assert (noted.actor_id, noted.reason) == (admin_user.pk, WHY)
    listed = text(admin_client.get(page("template_changelist"), {"kind": "gift_received"}))
    assert listed.count(">изменены<") == 1  # of two languages


@pytest.mark.parametrize("field", ["title", "body", "sms"])
def test_a_place_that_the_kind_does_not_know_is_refused_beside_its_field(
    admin_client,  # noqa: F811
    gift,
    field,
):
    answer = admin_client.post(
        page("template_change", gift.pk), {field: "Для {phone}", "reason": WHY}
    )

    errors = answer.context["adminform"].form.errors
    assert (answer.status_code, set(errors)) == (200, {field})
    assert "phone" in errors[field][0]
    gift.refresh_from_db()
    assert (gift.title, gift.body, gift.sms) == ("", "", "")


def test_words_leave_for_a_translator_beside_the_product_s_own(admin_client):  # noqa: F811
    asked = {"format": "0", "resource": "", "reason": WHY}

    lines = text(admin_client.post(page("template_export"), asked)).lstrip("\ufeff").splitlines()

    assert lines[0].split(";")[:2] == ["kind", "language"]
    [row] = [one for one in lines if one.startswith("gift_received;ru;")]
    ours = shipped("gift_received", "ru")
    assert all(words in row for words in (ours.title, ours.body, ours.sms))


def upload(client, *lines):
    said = "\n".join(("kind;language;title;body;sms", *lines))
    file = SimpleUploadedFile("words.csv", said.encode("utf-8-sig"), "text/csv")
    given = {"format": "0", "resource": "", "import_file": file, "reason": WHY}
    return text(client.post(page("template_import"), given))


def test_a_translator_s_table_comes_back_after_a_look_at_it(admin_client, gift):  # noqa: F811
    shown = upload(admin_client, "gift_received;ru;Вам {amount};;")
    gift.refresh_from_db()
    before = gift.title
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', shown))
    admin_client.post(page("template_process_import"), form)

    gift.refresh_from_db()
    assert (before, gift.title) == ("", "Вам {amount}")
    assert AuditEntry.objects.get(action="notifications.words").reason == WHY


def test_a_strange_place_in_a_table_is_told_and_nothing_is_written(admin_client, gift):  # noqa: F811
    shown = upload(admin_client, "gift_received;ru;Для {phone};;")

    assert 'name="import_file_name"' not in shown  # there is nothing to confirm
    gift.refresh_from_db()
    assert gift.title == ""


# --- providers -----------------------------------------------------------------------------------
FORM = {"is_on": "on", "per_second": "50", "price": "650", "least_balance": "1 500,50"}


@pytest.fixture
def smsru():
    return Provider.objects.create(name="smsru", channel="sms", per_second=100, price=700)


def test_pace_price_and_alarm_of_a_provider_change_with_a_reason(admin_client, smsru):  # noqa: F811
    done = admin_client.post(page("provider_change", smsru.pk), FORM | {"reason": WHY})

    smsru.refresh_from_db()
    assert done.status_code == 302
    assert (smsru.is_on, smsru.per_second, smsru.price) == (True, 50, 650)
    assert str(smsru.least_balance) == "1500.50"
    assert AuditEntry.objects.get(action="notifications.provider").reason == WHY


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"least_balance": "много"}, "least_balance"),
        ({"per_second": "0"}, None),
        ({"reason": "надо"}, "reason"),
    ],
)
def test_a_provider_stays_as_it_was_when_something_is_wrong(
    admin_client,  # noqa: F811
    smsru,
    change,
    field,
):
    answer = admin_client.post(page("provider_change", smsru.pk), FORM | {"reason": WHY} | change)

    assert answer.status_code == 200
    assert set(answer.context["adminform"].form.errors) == {field or "__all__"}
    smsru.refresh_from_db()
    assert (smsru.per_second, smsru.price) == (100, 700)


def test_a_provider_that_is_switched_off_carries_nothing(admin_client, smsru, world, member):  # noqa: F811
    works = text(admin_client.get(page("provider_changelist")))
    off = {name: said for name, said in FORM.items() if name != "is_on"}
    admin_client.post(page("provider_change", smsru.pk), off | {"reason": WHY})
    write("gift_received", member, amount="300.00")
    deliver_all()

    assert world.counts["smsru"] == 0
    assert Notification.objects.get().state == "waiting"
    assert ">выключен<" not in works
    assert ">выключен<" in text(admin_client.get(page("provider_changelist")))


def test_a_provider_that_rests_is_shown_as_such(admin_client, smsru):  # noqa: F811
    rested = text(admin_client.get(page("provider_changelist")))
    Provider.objects.update(rests_until=timezone.now() + timedelta(minutes=10))

    assert ">отдыхает<" not in rested
    assert ">отдыхает<" in text(admin_client.get(page("provider_changelist")))


# --- broadcasts ----------------------------------------------------------------------------------
def press(client, button, row, **headers):
    url = page(f"broadcast_{button}", row.pk)
    return client.post(url, {"_form_submitted": "True"}, headers=headers, follow=not headers)


def test_a_second_person_lets_it_go_and_it_can_be_stopped(admin_client, admin_user):  # noqa: F811
    row = broadcast_of(UserFactory(job="admin"), segment={"tiers": ["vip", "elite"]})
    waits = message_to(UserFactory(), broadcast=row, kind="broadcast", state="waiting", values={})
    asked = text(admin_client.get(page("broadcast_change", row.pk)))

    press(admin_client, "allow", row)
    row.refresh_from_db()
    allowed = (row.state, row.approved_by)
    stopped = press(admin_client, "stop", row, HX_Request="true")

    row.refresh_from_db()
    waits.refresh_from_db()
    assert "VIP, Elite" in asked
    assert allowed == ("running", admin_user)
    assert (row.state, waits.state) == ("cancelled", "cancelled")
    assert stopped.headers["HX-Redirect"] == page("broadcast_change", row.pk)


def test_whoever_asked_may_not_allow_it_herself(admin_client, admin_user):  # noqa: F811
    row = broadcast_of(admin_user)

    told = text(press(admin_client, "allow", row))

    assert "Рассылку разрешает другой человек" in told
    assert Broadcast.objects.get().state == "asked"


def test_what_has_ended_cannot_be_stopped(admin_client):  # noqa: F811
    row = broadcast_of(UserFactory(job="admin"), state="done", people=5)

    told = text(press(admin_client, "stop", row))

    assert "Рассылка уже в другом состоянии." in told
    assert Broadcast.objects.get().state == "done"


def test_a_broadcast_narrows_to_who_bought_there_and_may_leave(admin_client, business):  # noqa: F811
    guest, other = UserFactory(), UserFactory()
    sale(member=guest, business=business), sale(member=other, business=BusinessFactory())
    risk_of(guest), risk_of(other)
    form = {
        "name": "Вернуть", "purpose": "advertising", "title_ru": "Мы скучаем",
        "body_ru": "Двойные бонусы.", "channels": ["push"],
        "bought_at": str(business.pk), "at_risk": "on",
    }  # fmt: skip

    counted = text(admin_client.post(page("broadcast_new"), form))
    seal = re.search(r'name="counted" value="([^"]+)"', counted)[1]
    admin_client.post(page("broadcast_new"), form | {"counted": seal})

    row = Broadcast.objects.get()
    assert row.segment == {"bought_at": str(business.pk), "at_risk": True}
    assert row.people == 1
