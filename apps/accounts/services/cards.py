"""The member's card: a QR that changes every 30 seconds and is good once at a till."""

import secrets
from dataclasses import dataclass
from datetime import datetime

import segno
from django.utils.translation import gettext_lazy as _

from apps.accounts import queries, rules
from apps.accounts.models import MemberCard, User
from apps.core.errors import NotFound, Refused


class CardTokenInvalid(NotFound):
    message = _("This card code is wrong or out of date. Ask the guest to show the card again.")


class CardTokenUsed(Refused):
    code = "ALREADY_USED"
    message = _("This card code was already used. Ask the guest to wait for the next one.")


@dataclass(frozen=True)
class CardShown:
    """What the app draws: digits, seconds until they change, and the QR as an SVG."""

    number: str
    token: str
    expires_in: int
    svg: str


def show_card(*, user: User, at: datetime) -> CardShown:
    """The card of this moment."""
    card = MemberCard.objects.filter(user=user).first()
    if card is None:
        # Two phones at once: one secret wins, both show it.
        sealed = user.seal_own("card", secrets.token_hex(32))
        MemberCard.objects.bulk_create(
            [MemberCard(user=user, secret_sealed=sealed)], ignore_conflicts=True
        )
        card = MemberCard.objects.get(user=user)
    secret = bytes.fromhex(user.open_own("card", card.secret_sealed))
    moment = at.timestamp()
    token = rules.card_token(user.card_number, rules.card_code(secret, rules.card_step(moment)))
    left = rules.CARD_STEP - int(moment) % rules.CARD_STEP
    return CardShown(user.card_number, token, left, _svg(token))


def _svg(token: str) -> str:
    """Digits alone make the smallest square: every cheap scanner reads it."""
    picture = segno.make(token, mode="numeric", error="m", micro=False)
    return picture.svg_inline(scale=8, border=4, dark="#000000", light="#ffffff")


def read_card_token(*, token: str, at: datetime) -> User:
    """Whose card this is, without using the code up: enough to earn, not to spend.

    Raises CardTokenInvalid.
    """
    found = queries.card_in_hand(token, at=at)
    if found is None:
        raise CardTokenInvalid
    return found.user


def redeem_card_token(*, token: str, at: datetime) -> User:
    """Whose card this is, and the code is used up, with all older ones: of racing tills one wins.

    Raises CardTokenInvalid, CardTokenUsed.
    """
    found = queries.card_in_hand(token, at=at, used_too=True)
    if found is None:
        raise CardTokenInvalid
    won = MemberCard.objects.filter(user=found.user, used_step__lt=found.step).update(
        used_step=found.step
    )
    if not won:
        raise CardTokenUsed
    return found.user
