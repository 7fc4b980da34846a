"""The limits of one-time codes: security.md part 4, row by row."""

import logging
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from kombu.exceptions import OperationalError

from apps.accounts import rules, services
from apps.accounts.enums import Purpose
from apps.accounts.models import CodeLimits, OneTimeCode
from apps.accounts.services import Asker, CodeExpired, CodeInvalid, CodesStopped, PhoneInvalid
from apps.accounts.tasks import watch_codes
from apps.core import tasks, throttle
from apps.core.errors import Forbidden, TooMany
from apps.core.gateways import sms
from apps.core.models import AuditEntry, Beat
from tests.accounts.codes import ask, last_code, messages, sign_in, wrong
from tests.factories.accounts import UserFactory
from tests.signed_in import enter
from tests.threads import race

pytestmark = pytest.mark.django_db
PHONE = "+79161234567"
START = timezone.now().replace(microsecond=0)


def number(n: int) -> str:
    """Numbers far from each other."""
    return f"+7916{(n * 7919 + 1000) % 10**7:07d}"


def address(n: int) -> str:
    return f"198.{n // 250 % 250}.{n % 250}.7"


def check(sent: Any, code: str, **more: Any) -> str:
    given = {"purpose": Purpose.SIGN_IN, "asker": Asker(address="203.0.113.9")} | more
    return services.check_code(code_id=sent.code_id, code=code, at=timezone.now(), **given)


# --- the ladder ----------------------------------------------------------------------------------
def test_resend_waits_60_120_300_seconds_and_then_rests() -> None:
    waits = []
    with time_machine.travel(START, tick=False) as clock:
        for _sending in range(3):
            sent = ask(PHONE)
            waits.append(OneTimeCode.objects.get(pk=sent.code_id).resends)
            with pytest.raises(TooMany) as early:
                ask(PHONE)
            waits.append(early.value.details["retry_after"])
            clock.shift(waits[-1])

    # after the third, three in 15 minutes are used up: longer than the ladder's 300 s
    assert waits == [0, 60, 1, 120, 2, 900 - 180]


def test_fourth_code_of_an_attempt_rests_a_quarter_of_an_hour() -> None:
    assert [rules.resend_wait(sent) for sent in (1, 2, 3, 4, 9)] == [60, 120, 300, 900, 900]


def test_answer_names_the_wait_that_will_hold() -> None:
    with time_machine.travel(START, tick=False) as clock:
        first = ask(PHONE)
        clock.shift(60)
        second = ask(PHONE)
        clock.shift(120)
        third = ask(PHONE)

    assert [first.resend_in, second.resend_in, third.resend_in] == [60, 120, 720]
    assert first.expires_in == 300


def test_new_code_kills_the_old_one() -> None:
    with time_machine.travel(START) as clock:
        old = ask(PHONE)
        old_code = last_code(PHONE)
        clock.shift(61)
        new = ask(PHONE)

        with pytest.raises(CodeExpired):
            check(old, old_code)
        assert check(new, last_code(PHONE)) == PHONE


def test_right_code_lets_the_next_one_come_at_once() -> None:
    check(ask(PHONE), last_code(PHONE))

    assert ask(PHONE).resend_in == 60


# --- windows of sending --------------------------------------------------------------------------
def test_number_gets_eight_codes_a_day_however_patient() -> None:
    sent = 0
    with time_machine.travel(START, tick=False) as clock:
        for minute in range(0, 24 * 60, 5):
            clock.move_to(START + timedelta(minutes=minute))
            try:
                ask(PHONE, address=address(minute))
            except TooMany:
                continue
            sent += 1

    assert sent == len(messages()) == 8


def test_address_gets_ten_an_hour() -> None:
    for n in range(10):
        ask(number(n))

    with pytest.raises(TooMany):
        ask(number(10))
    ask(number(10), address="203.0.114.1")


def test_network_gets_thirty_an_hour() -> None:
    for n in range(30):
        ask(number(n), address=f"203.0.113.{n + 1}")

    with pytest.raises(TooMany):
        ask(number(30), address="203.0.113.77")


def test_device_gets_six_a_day() -> None:
    for n in range(6):
        ask(number(n), address=address(n), device="phone-1")

    with pytest.raises(TooMany):
        ask(number(6), address=address(6), device="phone-1")


def test_one_ipv6_customer_is_one_address() -> None:
    for n in range(10):
        ask(number(n), address=f"2001:db8:1:2::{n + 1:x}")

    with pytest.raises(TooMany):
        ask(number(10), address="2001:db8:1:2:ffff::1")


@pytest.mark.parametrize(("development", "sent"), [(True, 15), (False, 10)])
def test_loopback_is_counted_unless_in_development(
    settings: Any, development: bool, sent: int
) -> None:
    settings.DEVELOPMENT = development
    for n in range(15):
        try:
            ask(number(n), address="127.0.0.1")
        except TooMany:
            break

    assert OneTimeCode.objects.count() == sent


def test_refused_asking_uses_nothing_up() -> None:
    ask(PHONE)
    for _impatient in range(20):
        with pytest.raises(TooMany):
            ask(PHONE)

    for n in range(9):  # the address has nine left
        ask(number(n))


def test_parallel_asking_sends_one(transactional_db: None) -> None:
    outcomes = race(12, lambda n: ask(PHONE, address=address(n)))

    assert sum(isinstance(one, services.CodeSent) for one in outcomes) == 1
    assert len(messages()) == 1


# --- money ---------------------------------------------------------------------------------------
def test_cap_of_roubles_holds_against_many_addresses(caplog: pytest.LogCaptureFixture) -> None:
    services.change_code_limits(
        changes={"sms_price_kopecks": 700, "cap_hour_rub": 140, "cap_day_rub": 1000},
        by=None,
        reason="test",
    )
    sent = 0
    for n in range(50):
        try:
            ask(number(n), address=address(n))
        except TooMany:
            continue
        sent += 1

    assert sent == len(messages()) == 20  # 140 ₽ at 7 ₽
    assert "codes.money_spent" in caplog.text


def test_long_message_costs_its_parts() -> None:
    assert [rules.sms_parts("я" * n) for n in (1, 70, 71, 134, 135)] == [1, 1, 2, 2, 3]
    assert [rules.sms_parts("a" * n) for n in (160, 161)] == [1, 2]


@pytest.mark.parametrize("job", ["", "admin", "business_owner"])
def test_only_superadmin_changes_limits(job: str) -> None:
    with pytest.raises(Forbidden):
        services.change_code_limits(
            changes={"cap_day_rub": 1}, by=UserFactory(job=job), reason="жадность"
        )

    assert services.current_limits().cap_day_rub == CodeLimits().cap_day_rub


def test_change_of_limits_is_in_the_audit() -> None:
    chief = UserFactory(job="superadmin")
    services.change_code_limits(changes={"cap_day_rub": 5}, by=chief, reason="акция в марте")

    row = AuditEntry.objects.get(action="accounts.code_limits")
    assert (row.actor_id, row.reason) == (chief.pk, "акция в марте")
    with pytest.raises(TooMany):
        ask(PHONE)


@pytest.mark.parametrize(("job", "cap"), [("superadmin", 777), ("admin", 3000)])
def test_admin_page_of_limits(client: Any, job: str, cap: int) -> None:
    person = UserFactory(job=job)
    enter(client, person)
    row, _made = CodeLimits.objects.get_or_create(pk=1)
    page = f"/admin/accounts/codelimits/{row.pk}/change/"
    assert client.get(page).status_code == 200

    client.post(
        page,
        {
            "sms_price_kopecks": 700,
            "cap_hour_rub": 777,
            "cap_day_rub": 20000,
            "failures_hour": 200,
            "countries": "",
            "reason": "праздник в марте",
        },
    )

    assert services.current_limits().cap_hour_rub == cap


# --- numbers -------------------------------------------------------------------------------------
@pytest.mark.parametrize("phone", ["+375291234567", "+77011234567", "+74951234567", "+79160", "x"])
def test_only_russian_mobiles_by_default(phone: str) -> None:
    with pytest.raises(PhoneInvalid):
        ask(phone)


def test_other_countries_by_the_list() -> None:
    services.change_code_limits(changes={"countries": "+375, 374"}, by=None, reason="соседи")

    ask("+375291234567")
    with pytest.raises(PhoneInvalid):
        ask("+77011234567")


def test_tenth_number_in_a_row_pauses_the_network(caplog: pytest.LogCaptureFixture) -> None:
    row = [f"+7916555{n:04d}" for n in (3, 1, 2, 0, 4, 6, 5, 8, 7, 9)]
    for n, phone in enumerate(row[:9]):
        ask(phone, address=f"203.0.113.{n + 1}")

    with pytest.raises(TooMany) as refused:
        ask(row[9], address="203.0.113.10")

    assert refused.value.details["retry_after"] == 3600
    assert len(messages()) == 9
    assert "codes.numbers_in_a_row" in caplog.text
    with pytest.raises(TooMany):
        ask(number(1), address="203.0.113.200")
    ask(number(1), address="203.0.112.1")


def test_numbers_in_a_row_from_different_networks_are_people() -> None:
    for n in range(12):
        ask(f"+7916555{n:04d}", address=address(n))

    assert len(messages()) == 12


# --- checking ------------------------------------------------------------------------------------
def test_five_wrong_tries_kill_a_code() -> None:
    sent = ask(PHONE)
    for _try in range(5):
        with pytest.raises(CodeInvalid):
            check(sent, wrong(last_code(PHONE)))

    with pytest.raises(CodeExpired):
        check(sent, last_code(PHONE))


def test_parallel_guesses_do_not_pass_together(transactional_db: None) -> None:
    sent = ask(PHONE)
    outcomes = race(
        20,
        lambda n: check(sent, wrong(last_code(PHONE)), asker=Asker(address=address(n))),
    )

    refused = [one for one in outcomes if not isinstance(one, CodeInvalid)]
    assert len(outcomes) - len(refused) == 5
    assert [one for one in refused if not isinstance(one, CodeExpired | TooMany)] == []


def test_code_works_once_whoever_races(transactional_db: None) -> None:
    sent, code = ask(PHONE), last_code(PHONE)
    outcomes = race(20, lambda n: check(sent, code, asker=Asker(address=address(n))))

    assert outcomes.count(PHONE) == 1


def test_code_dies_after_five_minutes() -> None:
    with time_machine.travel(START, tick=False) as clock:
        sent = ask(PHONE)
        clock.shift(300)

        with pytest.raises(CodeExpired):
            check(sent, last_code(PHONE))


@pytest.mark.parametrize(
    ("purpose", "subject"),
    [(Purpose.PHONE_CHANGE, ""), (Purpose.REDEMPTION, ""), (Purpose.SIGN_IN, "another")],
)
def test_code_is_useless_for_another_purpose(purpose: Purpose, subject: str) -> None:
    sent = ask(PHONE)

    with pytest.raises(CodeInvalid):
        check(sent, last_code(PHONE), purpose=purpose, subject=subject)


def test_code_of_one_redemption_does_not_confirm_another() -> None:
    sent = ask(PHONE, purpose=Purpose.REDEMPTION, subject="r1")

    with pytest.raises(CodeInvalid):
        check(sent, last_code(PHONE), purpose=Purpose.REDEMPTION, subject="r2")
    assert check(sent, last_code(PHONE), purpose=Purpose.REDEMPTION, subject="r1") == PHONE


def test_code_works_on_the_device_that_asked() -> None:
    sent = ask(PHONE, device="mine")

    with pytest.raises(CodeInvalid):
        check(sent, last_code(PHONE), asker=Asker(address="203.0.113.9", device="hers"))
    assert check(sent, last_code(PHONE), asker=Asker(address="203.0.113.9", device="mine"))


def test_number_gets_fifteen_failures_a_day() -> None:
    failures = 0
    with time_machine.travel(START) as clock:
        for n in range(5):
            try:
                sent = ask(PHONE, address=address(n))
            except TooMany:
                clock.shift(901)
                sent = ask(PHONE, address=address(n))
            for _try in range(5):
                try:
                    check(sent, wrong(last_code(PHONE)), asker=Asker(address=address(n)))
                except CodeInvalid:
                    failures += 1
                except TooMany:
                    break
            clock.shift(901)

    assert failures == 15


def fail(clock: Any, times: int, **asker: str) -> None:
    """So many wrong tries, as slowly as the other limits want it."""
    done = 0
    while done < times:
        clock.shift(9 * 3600)
        sent = ask(PHONE, **asker)
        for _try in range(min(5, times - done)):
            try:
                check(sent, wrong(last_code(PHONE)), asker=Asker(**asker))
            except CodeInvalid:
                done += 1
            except TooMany:
                break


def test_thirty_failures_in_a_row_stop_codes_for_the_number() -> None:
    with time_machine.travel(START) as clock:
        fail(clock, 30)
        clock.shift(7 * 86400)

        with pytest.raises(CodesStopped):
            ask(PHONE)

        member = UserFactory(phone=PHONE)
        with pytest.raises(Forbidden):
            services.allow_codes_again(user=member, by=member, reason="я сама")
        services.allow_codes_again(user=member, by=None, reason="звонила в поддержку")
        assert ask(PHONE)


def test_right_code_breaks_the_row() -> None:
    with time_machine.travel(START) as clock:
        fail(clock, 29)
        clock.shift(86400)
        check(ask(PHONE), last_code(PHONE))
        fail(clock, 29)
        clock.shift(86400)

        assert ask(PHONE)


def test_known_device_is_not_shut_out_by_a_stranger() -> None:
    with time_machine.travel(START) as clock:
        sign_in(PHONE, device="mine")
        fail(clock, 30, address="192.0.2.1")
        clock.shift(86400)
        with pytest.raises(CodesStopped):
            ask(PHONE)

        assert sign_in(PHONE, device="mine").user.phone == PHONE


def test_above_the_failure_budget_unknown_devices_wait(caplog: pytest.LogCaptureFixture) -> None:
    services.change_code_limits(changes={"failures_hour": 12}, by=None, reason="test")
    with time_machine.travel(START) as clock:
        sign_in(PHONE, device="mine")
        clock.shift(3601)
        spray(12)
        sent = ask(number(99), address=address(99))

        with pytest.raises(TooMany):
            check(sent, last_code(number(99)), asker=Asker(address=address(99)))
        assert "codes.failure_budget_spent" in caplog.text
        assert sign_in(PHONE, device="mine").user.phone == PHONE
        clock.shift(3601)
        sent = ask(number(99), address=address(99))
        assert check(sent, last_code(number(99)), asker=Asker(address=address(99)))


def spray(guesses: int) -> int:
    """One guess at each of many numbers from as many networks; how many were looked at."""
    looked_at = 0
    for n in range(guesses):
        sent = ask(number(n), address=address(n))
        try:
            check(sent, wrong(last_code(number(n))), asker=Asker(address=address(n)))
        except CodeInvalid:
            looked_at += 1
        except TooMany:
            pass
    return looked_at


@pytest.mark.slow
def test_spray_gets_two_hundred_guesses_an_hour() -> None:
    services.change_code_limits(
        changes={"cap_hour_rub": 10**6, "cap_day_rub": 10**6}, by=None, reason="test"
    )

    assert spray(400) == 200


def test_right_codes_do_not_spend_the_failure_budget() -> None:
    services.change_code_limits(changes={"failures_hour": 2}, by=None, reason="test")
    for n in range(5):
        check(ask(number(n)), last_code(number(n)))


def test_expired_codes_are_no_guesses() -> None:
    services.change_code_limits(changes={"failures_hour": 1}, by=None, reason="test")
    sent = ask(PHONE)
    OneTimeCode.objects.update(expires_at=timezone.now())
    for _try in range(5):
        with pytest.raises(CodeExpired):
            check(sent, "000000")

    assert check(ask(number(1)), last_code(number(1)))


def test_address_checks_thirty_an_hour() -> None:
    sent = ask(PHONE)
    OneTimeCode.objects.update(expires_at=timezone.now())
    for _try in range(30):
        with pytest.raises(CodeExpired):
            check(sent, "000000")

    with pytest.raises(TooMany):
        check(sent, "000000")


# --- the same for everybody ----------------------------------------------------------------------
def test_known_unknown_and_blocked_get_the_same_answer(api: Any) -> None:
    known, blocked = UserFactory(), UserFactory()
    services.block_user(user=blocked, by=None, reason="проверка", at=timezone.now())
    answers = [
        api.post("/auth/send-code", {"phone": phone})
        for phone in (known.phone, number(1), blocked.phone)
    ]
    bodies = [answer.json()["data"] for answer in answers]

    assert {answer.status_code for answer in answers} == {200}
    assert all(
        body == {"codeId": body["codeId"], "expiresIn": 300, "resendIn": 60} for body in bodies
    )
    assert [m["phone"] for m in messages()] == [known.phone, number(1)]


def test_staff_code_goes_to_staff_only(staff: Any) -> None:
    for phone in (staff.phone, UserFactory().phone, number(1), UserFactory(job="admin").phone):
        assert ask(phone, purpose=Purpose.STAFF_SIGN_IN)

    assert [m["phone"] for m in messages()] == [staff.phone]


def test_code_leaves_when_the_broker_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OperationalError("down")

    monkeypatch.setattr(tasks.send_sms, "apply_async", refuse)
    ask(PHONE)
    sms._beside.shutdown(wait=True)  # as the interpreter does at its end
    monkeypatch.setattr(sms, "_beside", type(sms._beside)(max_workers=1))

    assert last_code(PHONE)


def test_code_goes_with_words_to_be_read_out_and_another_way_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(sms, "deliver", lambda **message: given.append(message))
    monkeypatch.setattr(rules, "new_code", lambda: "493817")
    with time_machine.travel(START, tick=False) as clock:
        ask(PHONE)
        clock.shift(60)
        ask(PHONE)

    assert [message["turn"] for message in given] == [0, 1]
    assert "493817" in given[0]["text"]
    assert "4, 9, 3, 8, 1, 7" in given[0]["spoken"]
    assert "@" not in given[0]["spoken"]


def test_broker_sees_neither_number_nor_code(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(tasks.send_sms, "apply_async", lambda **given: seen.append(repr(given)))
    monkeypatch.setattr(rules, "new_code", lambda: "493817")
    ask(PHONE)

    assert "493817" not in seen[0]
    assert "9161234567" not in seen[0]


@pytest.mark.parametrize(("before", "again"), [(0, [3]), (1, [6]), (2, [])])
def test_worker_tries_three_times_and_says_so(
    before: int, again: list[int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(sealed: str) -> None:
        raise sms.SmsFailed

    asked: list[int] = []
    monkeypatch.setattr(sms, "send_sealed", refuse)
    monkeypatch.setattr(
        tasks.send_sms, "retry", lambda *, countdown, throw: asked.append(countdown)
    )

    tasks.send_sms.apply(kwargs={"sealed": "x"}, retries=before)

    assert asked == again
    assert ("sms.lost" in caplog.text) is (again == [])


# --- the alarm -----------------------------------------------------------------------------------
def rows(sent: int, used: int, prefix: str = "791612") -> None:
    now = timezone.now()
    OneTimeCode.objects.bulk_create(
        OneTimeCode(
            purpose=Purpose.SIGN_IN,
            phone_index=f"{prefix}:{n}",
            prefix=prefix,
            created_at=now - timedelta(minutes=1),
            expires_at=now,
            used_at=now if n < used else None,
        )
        for n in range(sent)
    )


@pytest.mark.parametrize(
    ("sent", "used", "alarm"), [(19, 0, False), (20, 7, True), (20, 8, False), (100, 39, True)]
)
def test_alarm_when_few_codes_come_back(
    sent: int, used: int, alarm: bool, caplog: pytest.LogCaptureFixture
) -> None:
    rows(sent, used)
    tasks_note = services.judge_conversion(at=timezone.now())

    assert bool(tasks_note) is alarm
    assert bool(Beat.objects.get(name="codes.alarm").note) is alarm
    assert (
        any(
            r.levelno == logging.ERROR and "conversion_low" in r.getMessage()
            for r in caplog.records
        )
        is alarm
    )


def test_provider_that_takes_codes_and_delivers_none_is_found_in_a_quarter_of_an_hour() -> None:
    """Two people a minute ask; it answers 200 and nobody gets anything. Watched every minute."""
    with time_machine.travel(START, tick=False) as clock:
        for minute in range(1, 16):
            for person in (2 * minute, 2 * minute + 1):
                ask(f"+79{person:02}1234567", address=address(person * 250))
            clock.shift(60)
            if watch_codes():
                break

    assert minute <= 15
    assert Beat.objects.get(name="codes.alarm").note == f"0/{2 * minute}"


def test_block_of_numbers_that_does_not_answer_pauses() -> None:
    rows(100, 90, "791600")
    rows(10, 1, "791612")
    services.judge_conversion(at=timezone.now())

    with pytest.raises(TooMany):
        ask(PHONE)
    ask("+79161300000")
    throttle.pause("code.pause.prefix", "791612", 0)
    ask(PHONE)


def test_codes_are_forgotten_after_a_day() -> None:
    with time_machine.travel(START) as clock:
        ask(PHONE)
        clock.shift(86401)
        ask(number(1))

        assert services.forget_codes(at=timezone.now()) == 1
