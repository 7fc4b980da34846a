"""Check-in: scans are rows, offline entries are kept, one bonus."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.core.models import Message
from apps.events import watching
from apps.events.enums import Place
from apps.events.models import Event, EventRegistration, Scan
from apps.events.services import (
    Shown,
    WrongState,
    annul_scan,
    answer_question,
    cancel_event,
    cancel_registration,
    change_event,
    check_in,
    complete_event,
    correct_attendance,
    give_feedback,
    sweep,
    tickets,
)
from apps.events.services.door import IdentityUnchecked, TooLateToAnnul
from apps.events.services.opinions import NotThere
from apps.loyalty.queries import balance_of
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, staff_of
from tests.factories.events import comes, published

pytestmark = pytest.mark.django_db


@pytest.fixture
def host(db):
    return BusinessFactory()


@pytest.fixture
def evening(at, host):
    return published(
        at=at, business=host, attendance_bonus=Decimal("50"), by=UserFactory(job="admin")
    )


@pytest.fixture
def guard(host):
    return staff_of(host)


def ticket_of(place):
    return tickets.sign(place.event, EventRegistration.objects.get(pk=place.pk))


def scan(event, by, code, *, nonce="n1", at, sent_at=None, **given):
    shown = Shown(nonce=nonce, at=given.pop("device_at", at), code=code, **given)
    return check_in(event=event, shown=[shown], by=by, at=at, sent_at=sent_at)[0]


def told():
    """How many doubtful entries the organiser heard of, message by message."""
    rows = Message.objects.filter(topic="EventEntriesDoubtful").order_by("created_at", "id")
    return [row.payload["scans"] for row in rows]


def test_first_scan_lets_in_and_the_bonus_waits(evening, guard, member):
    place, during = comes(evening, member), evening.starts_at

    seen = scan(evening, guard, ticket_of(place), at=during)

    assert (seen.scan.result, EventRegistration.objects.get().state) == ("ok", Place.ATTENDED)
    balance = balance_of(member.pk, at=during)
    assert (balance.available, balance.pending) == (Decimal("0.00"), Decimal("50.00"))


def test_second_scan_says_when_the_first_was(evening, guard, member):
    code, during = ticket_of(comes(evening, member)), evening.starts_at
    scan(evening, guard, code, at=during, device="вход А")

    seen = scan(evening, guard, code, nonce="n2", at=during + timedelta(minutes=9))

    assert (seen.scan.result, seen.first.device, seen.first.device_at) == (
        "already",
        "вход А",
        during,
    )
    assert balance_of(member.pk, at=during).pending == Decimal("50.00")


def test_same_nonce_is_the_same_scan(evening, guard, member):
    code, during = ticket_of(comes(evening, member)), evening.starts_at

    for _ in range(2):
        seen = scan(evening, guard, code, at=during)

    assert (seen.scan.result, seen.replayed, Scan.objects.count()) == ("ok", True, 1)


@pytest.mark.parametrize("damage", ["", "SK1.T0.AAAA.BBBB", "0123456789"])
def test_what_nobody_signed_is_invalid(evening, guard, damage):
    seen = scan(evening, guard, damage or "x", at=evening.starts_at)

    assert seen.scan.result == "invalid"


def test_every_changed_sign_breaks_a_ticket(evening, member):
    code = ticket_of(comes(evening, member))

    broken = [
        code[:n] + ("A" if code[n] != "A" else "B") + code[n + 1 :] for n in range(0, len(code), 7)
    ]

    # The last sign of a base32 group carries spare bits: those alone may change nothing.
    assert sum(tickets.read(one) is not None for one in broken) == 0


def test_ticket_of_another_event(evening, guard, at):
    other = published(at=at)
    code = ticket_of(comes(other))

    assert scan(evening, guard, code, at=evening.starts_at).scan.result == "wrong_event"


def test_too_early(evening, guard, member):
    code = ticket_of(comes(evening, member))

    seen = scan(evening, guard, code, at=evening.starts_at - timedelta(hours=4))

    assert seen.scan.result == "wrong_time"


def test_cancelled_ticket_is_revoked(evening, guard, member, at):
    code = ticket_of(comes(evening, member))
    cancel_registration(user=member, event=evening, at=at)

    assert scan(evening, guard, code, at=evening.starts_at).scan.result == "revoked"


def test_staff_do_not_check_themselves_in(evening, guard):
    code = ticket_of(comes(evening, guard))

    assert scan(evening, guard, code, at=evening.starts_at).scan.result == "not_confirmed"
    alone = scan(evening, guard, code, nonce="n2", at=evening.starts_at, offline=True)
    assert (alone.scan.result, EventRegistration.objects.get().state) == (
        "not_confirmed",
        Place.CONFIRMED,
    )


def test_offline_entry_is_kept_even_if_it_would_have_been_refused(evening, guard, member, at):
    code, during = ticket_of(comes(evening, member)), evening.starts_at
    cancel_registration(user=member, event=evening, at=at)

    seen = scan(
        evening, guard, code, at=during + timedelta(hours=1), device_at=during, offline=True
    )

    assert (seen.scan.result, seen.scan.would_refuse, seen.scan.device_at) == ("ok", True, during)
    assert EventRegistration.objects.get().state == Place.CANCELLED


def test_two_devices_offline_the_earlier_is_the_entry(evening, guard, member):
    code, during = ticket_of(comes(evening, member)), evening.starts_at
    late = during + timedelta(hours=2)
    scan(
        evening,
        guard,
        code,
        nonce="b",
        at=late,
        device_at=during + timedelta(minutes=5),
        offline=True,
    )

    seen = scan(evening, guard, code, nonce="a", at=late, device_at=during, offline=True)

    results = dict(Scan.objects.values_list("nonce", "result"))
    assert (seen.scan.result, results) == ("ok", {"a": "ok", "b": "already"})
    assert balance_of(member.pk, at=late).pending == Decimal("50.00")
    assert (told(), watching.counters(evening).doubles) == ([1], 1)
    scan(evening, guard, code, nonce="a", at=late, device_at=during, offline=True)
    assert told() == [1]  # a batch that is sent again is no news


def test_one_device_that_reads_a_ticket_twice_alerts_nobody(evening, guard, member):
    code, during = ticket_of(comes(evening, member)), evening.starts_at
    for n in range(2):
        moment = during + timedelta(minutes=n)
        scan(evening, guard, code, nonce=f"{n}", at=moment, offline=True, device="вход А")

    assert (told(), watching.counters(evening).doubles) == ([], 0)


def test_phone_offline_3_days_with_400_queued_scans(evening, guard):
    people = [comes(evening) for _ in range(20)]
    codes = [ticket_of(place) for place in people]
    during = evening.starts_at
    shown = [
        Shown(
            nonce=f"q{n}",
            at=during + timedelta(seconds=n),
            code=codes[n % 20],
            offline=True,
        )
        for n in range(400)
    ]
    later = during + timedelta(days=3)

    for _ in range(2):
        for start in range(0, 400, 200):
            check_in(event=evening, shown=shown[start : start + 200], by=guard, at=later)

    assert Scan.objects.count() == 400
    assert Scan.objects.filter(result="ok").count() == 20
    assert watching.counters(evening).doubles == Scan.objects.filter(is_double=True).count() == 380
    assert sorted(Scan.objects.values_list("device_at", flat=True)) == [one.at for one in shown]


def test_annulled_scan_takes_the_bonus_back(evening, guard, member):
    during = evening.starts_at
    seen = scan(evening, guard, ticket_of(comes(evening, member)), at=during)

    annul_scan(scan=seen.scan, by=guard, reason="Показали чужой билет", at=during)

    assert EventRegistration.objects.get().state == Place.CONFIRMED
    assert balance_of(member.pk, at=during).pending == 0
    with pytest.raises(TooLateToAnnul):
        annul_scan(
            scan=seen.scan, by=guard, reason="Показали чужой билет", at=during + timedelta(hours=1)
        )


def test_corrected_mark_removes_exactly_what_it_caused(evening, guard, member):
    comes(evening, member)
    over = evening.ends_at + timedelta(hours=2)
    complete_event(event=evening, by=None, at=over)
    sweep(at=over + timedelta(hours=24))
    place = EventRegistration.objects.get()
    admin = UserFactory(job="admin")
    fix = {"by": admin, "reason": "Пришла без телефона", "at": over + timedelta(days=2)}

    marked = (place.state, place.penalties.filter(removed_at__isnull=True).count())
    correct_attendance(registration=place, to=Place.ATTENDED, **fix)
    place.refresh_from_db()

    assert marked == (Place.NO_SHOW, 1)
    assert place.penalties.filter(removed_at__isnull=True).count() == 0
    assert balance_of(member.pk, at=fix["at"]).available == Decimal("50.00")
    correct_attendance(registration=place, to=Place.EXCUSED, **fix)
    assert balance_of(member.pk, at=fix["at"]).available == 0


def test_in_the_day_of_grace_who_said_why_is_excused_and_stays_so(evening, guard, member):
    comes(evening, member)
    over = evening.ends_at + timedelta(hours=2)
    complete_event(event=evening, by=None, at=over)
    place = EventRegistration.objects.get()

    correct_attendance(
        registration=place,
        to=Place.EXCUSED,
        by=UserFactory(job="admin"),
        reason="Заболел ребёнок",
        at=over + timedelta(hours=1),
    )
    sweep(at=over + timedelta(hours=24))

    place.refresh_from_db()
    assert (place.state, place.penalties.count()) == (Place.EXCUSED, 0)


def test_attendance_is_reopened_for_14_days_and_not_longer(evening, guard, member):
    comes(evening, member)
    over = evening.ends_at + timedelta(hours=2)
    complete_event(event=evening, by=None, at=over)
    sweep(at=over + timedelta(hours=24))
    place = EventRegistration.objects.get()
    fix = {"by": UserFactory(job="admin"), "reason": "Пришла без телефона"}

    with pytest.raises(WrongState):
        correct_attendance(
            registration=place,
            to=Place.ATTENDED,
            at=evening.ends_at + timedelta(days=14, seconds=1),
            **fix,
        )
    mended = correct_attendance(
        registration=place, to=Place.ATTENDED, at=evening.ends_at + timedelta(days=14), **fix
    )

    assert mended.state == Place.ATTENDED


def test_found_by_name_wants_a_document_looked_at(evening, guard, member):
    place, during = comes(evening, member), evening.starts_at
    named = {"registration_id": place.pk, "at": during}

    with pytest.raises(IdentityUnchecked):
        check_in(event=evening, shown=[Shown(nonce="a", **named)], by=guard, at=during)
    kept = check_in(
        event=evening, shown=[Shown(nonce="b", offline=True, **named)], by=guard, at=during
    )

    assert (kept[0].scan.result, kept[0].scan.would_refuse, told()) == ("ok", True, [1])


# --- the question ---------------------------------------------------------------------------------
PHOTOS = "Можно вас фотографировать?"


def test_unanswered_question_is_violet_until_staff_ask_her(evening, guard, member):
    Event.objects.filter(pk=evening.pk).update(question=PHOTOS)
    code, during = ticket_of(comes(evening, member)), evening.starts_at

    asked = scan(evening, guard, code, nonce="a", at=during).scan.result
    let_in = scan(evening, guard, code, nonce="b", at=during, answer=False).scan.result

    place = EventRegistration.objects.get()
    assert (asked, let_in, place.state) == ("needs_answer", "ok", Place.ATTENDED)
    assert (place.answer, place.answered_by, place.answered_at) == (False, guard, during)


def test_answer_of_the_app_opens_the_door_and_a_new_question_asks_again(evening, guard, member, at):
    Event.objects.filter(pk=evening.pk).update(question=PHOTOS)
    place = comes(evening, member)
    answer_question(user=member, event=evening, yes=True, at=at)
    change = {"changes": {"question": "Нужна ли парковка?"}, "by": UserFactory(job="admin")}

    known = EventRegistration.objects.get().answer
    change_event(event=evening, at=at, **change)
    lost = EventRegistration.objects.get().answer
    answer_question(user=member, event=evening, yes=False, at=at)

    assert (known, lost) == (True, None)
    assert scan(evening, guard, ticket_of(place), at=evening.starts_at).scan.result == "ok"


def test_offline_entry_without_an_answer_is_kept_and_marked(evening, guard, member):
    Event.objects.filter(pk=evening.pk).update(question=PHOTOS)
    code, during = ticket_of(comes(evening, member)), evening.starts_at

    seen = scan(evening, guard, code, at=during, offline=True)

    assert (seen.scan.result, seen.scan.would_refuse) == ("ok", True)


@pytest.mark.parametrize(("ahead", "shown"), [(121, [("вход Б", 2, True)]), (-119, [])])
def test_clock_of_a_device_is_measured_at_each_sync(evening, guard, member, ahead, shown):
    code, during = ticket_of(comes(evening, member)), evening.starts_at

    sent_at = during + timedelta(seconds=ahead)
    seen = scan(evening, guard, code, at=during, sent_at=sent_at, device="вход Б", offline=True)

    off = [(one.device, one.minutes, one.is_fast) for one in watching.clocks_off(evening)]
    assert (seen.scan.clock_offset, off) == (ahead, shown)


def test_organiser_cancels_while_scans_are_uploaded(evening, guard, member):
    code, during = ticket_of(comes(evening, member)), evening.starts_at
    cancel_event(
        event=evening, by=UserFactory(job="admin"), reason="Отключили свет в доме", at=during
    )

    seen = scan(evening, guard, code, at=during, offline=True)

    assert (seen.scan.result, seen.scan.would_refuse) == ("ok", True)
    assert EventRegistration.objects.get().state == Place.EVENT_CANCELLED
    assert balance_of(member.pk, at=during).pending == 0


def test_only_those_who_came_rate(evening, guard, member):
    during = evening.starts_at
    scan(evening, guard, ticket_of(comes(evening, member)), at=during)
    after = evening.ends_at + timedelta(hours=1)

    given = give_feedback(user=member, event=evening, rating=5, comment="", at=after)
    with pytest.raises(NotThere):
        give_feedback(user=UserFactory(), event=evening, rating=1, comment="", at=after)

    assert given.rating == 5
