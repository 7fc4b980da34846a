"""The member's card: a code that changes every 30 s and is good once."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from apps.accounts import queries, rules, services
from apps.accounts.models import MemberCard
from tests.api import Api
from tests.factories.accounts import UserFactory
from tests.threads import race

pytestmark = pytest.mark.django_db
# the first second of a step
START = timezone.now().replace(second=0, microsecond=0)


def show(user: Any, at: Any = START) -> services.CardShown:
    return services.show_card(user=user, at=at)


def test_card_is_digits_and_a_square_of_digits(api: Api, member: Any) -> None:
    with time_machine.travel(START + timedelta(seconds=12), tick=False):
        data = api.as_(member).get("/users/me/card").json()["data"]

    assert data["number"] == member.card_number
    assert data["expiresIn"] == 18
    assert data["token"].isdigit()
    assert len(data["token"]) == 20
    assert data["svg"].startswith("<svg")
    assert queries.find_member(data["token"], at=START) == member


def test_token_is_the_same_for_a_step_and_then_changes(member: Any) -> None:
    first = show(member)

    assert show(member, START + timedelta(seconds=29)).token == first.token
    assert show(member, START + timedelta(seconds=30)).token != first.token
    assert MemberCard.objects.count() == 1


def test_two_phones_show_the_same(transactional_db: None) -> None:
    member = UserFactory()

    assert len({one.token for one in race(10, lambda _n: show(member))}) == 1


@pytest.mark.parametrize(
    ("seconds", "good"),
    [(-31, False), (-30, True), (0, True), (59, True), (60, False), (90, False)],
)
def test_one_step_of_clock_either_way(member: Any, seconds: int, good: bool) -> None:
    token = show(member).token
    at = START + timedelta(seconds=seconds)

    assert (queries.find_member(token, at=at) == member) is good
    if good:
        assert services.redeem_card_token(token=token, at=at) == member
    else:
        with pytest.raises(services.CardTokenInvalid):
            services.redeem_card_token(token=token, at=at)


def test_same_code_at_two_tills_works_at_one(member: Any) -> None:
    token = show(member).token
    services.redeem_card_token(token=token, at=START)

    with pytest.raises(services.CardTokenUsed):
        services.redeem_card_token(token=token, at=START)
    assert queries.find_member(token, at=START) is None


def test_forty_tills_and_one_wins(transactional_db: None) -> None:
    member = UserFactory()
    token = show(member).token

    outcomes = race(40, lambda _n: services.redeem_card_token(token=token, at=START))

    assert outcomes.count(member) == 1
    assert sum(isinstance(one, services.CardTokenUsed) for one in outcomes) == 39


def test_used_code_takes_older_screenshots_with_it(member: Any) -> None:
    screenshot = show(member, START - timedelta(seconds=30)).token
    services.redeem_card_token(token=show(member).token, at=START)

    with pytest.raises(services.CardTokenUsed):
        services.redeem_card_token(token=screenshot, at=START)


def test_next_code_works_after_the_last(member: Any) -> None:
    later = START + timedelta(seconds=30)
    services.redeem_card_token(token=show(member).token, at=START)

    assert services.redeem_card_token(token=show(member, later).token, at=later) == member


def test_reading_uses_nothing_up(member: Any) -> None:
    token = show(member).token
    for _look in range(3):
        assert services.read_card_token(token=token, at=START) == member

    assert services.redeem_card_token(token=token, at=START) == member


def test_every_mistyped_digit_is_found(member: Any) -> None:
    token = show(member).token
    for place, sign in enumerate(token):
        slip = token[:place] + str((int(sign) + 1) % 10) + token[place + 1 :]

        assert not rules.is_card_token(slip)


def test_guessed_code_of_a_known_card_is_refused(member: Any) -> None:
    good = show(member).token
    code = f"{(int(good[11:19]) + 1) % 10**8:08d}"

    with pytest.raises(services.CardTokenInvalid):
        services.read_card_token(token=rules.card_token(member.card_number, code), at=START)


def test_codes_of_two_members_differ() -> None:
    assert show(UserFactory()).token[11:] != show(UserFactory()).token[11:]


def test_blocked_member_has_no_card(member: Any) -> None:
    token = show(member).token
    services.block_user(user=member, by=None, reason="проверка", at=timezone.now())

    with pytest.raises(services.CardTokenInvalid):
        services.read_card_token(token=token, at=START)


@pytest.mark.parametrize("text", ["", "1" * 19, "1" * 21, "x" * 20, "٠" * 20, "0" * 20])
def test_nonsense_is_nobody(db: None, text: str) -> None:
    with pytest.raises(services.CardTokenInvalid):
        services.redeem_card_token(token=text, at=START)


def test_table_holds_no_secret_in_clear(member: Any) -> None:
    show(member)
    card = MemberCard.objects.get()
    plain = member.open_own("card", card.secret_sealed)

    assert plain not in card.secret_sealed
    assert len(plain) == 64


def test_card_wants_a_signed_in_member(api: Api, db: None) -> None:
    assert api.get("/users/me/card").status_code == 401
