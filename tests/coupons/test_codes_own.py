"""An owner's own codes: looked at without writing, taken in once, used at the till as ours."""

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.coupons import queries, rules
from apps.coupons.models import Campaign, Coupon
from apps.coupons.services import CodesInvalid, import_codes, look_at_codes
from tests.backoffice.conftest import SignedIn, olga, salon, signed_in  # noqa: F401
from tests.factories.coupons import campaign


@pytest.mark.parametrize(
    ("text", "fits"),
    [("MAY-2026-001", True), ("may2026001", True), ("SPRINGTIME", False), ("A1", False),
     ("1234567", False), ("12345678", True), ("A" * 14 + "1", False), ("МАЙ-2026-0001", False)],
)  # fmt: skip
def test_what_may_be_an_own_code(text: str, fits: bool) -> None:
    assert rules.is_own(rules.plain(text)) is fits


def test_a_file_is_looked_at_first_and_taken_in_once(
    olga: User,  # noqa: F811
    salon: Business,  # noqa: F811
    signed_in: SignedIn,  # noqa: F811
) -> None:
    owner: Client = signed_in(olga)
    made: Campaign = campaign(salon, quantity=1)
    page = f"/biz/salon/coupons/{made.pk}/import/"
    other = Coupon.objects.get()
    text = f"Код;Тираж\r\nMAY-2026-001;1\r\nmay2026001;1\r\nMAY-2026-002;1\r\nпривет;1\r\n{other.code};1\r\n"
    file = SimpleUploadedFile("codes.csv", text.encode("cp1251"), content_type="text/csv")

    looked = owner.post(page, {"act": "look", "codes": file})

    found = looked.context["looked"]
    assert (list(found.good), found.repeated) == (["MAY2026001", "MAY2026002"], 1)
    assert (found.taken, found.strange) == ([other.code], ["привет"])
    assert Coupon.objects.count() == 1
    take = {"act": "take", "draft": str(looked.context["draft"].pk)}
    assert owner.post(page, take).status_code == 302
    assert owner.post(page, take).status_code == 422
    made.refresh_from_db()
    assert (made.quantity, made.issued, Coupon.objects.count()) == (3, 3, 3)
    coupon = queries.find_coupons(["may 2026-001"])["may 2026-001"]
    assert coupon is not None
    assert coupon.campaign == made
    assert owner.post(page, {"act": "look"}).status_code == 422


def test_what_was_taken_meanwhile_is_left_out(
    olga: User,  # noqa: F811
    salon: Business,  # noqa: F811
) -> None:
    made, at = campaign(salon, quantity=1, budget=Decimal("1000")), timezone.now()
    assert import_codes(campaign_id=made.pk, codes=["MAY2026001"], by=olga, at=at) == 1
    with pytest.raises(CodesInvalid):
        import_codes(campaign_id=made.pk, codes=["MAY2026001"], by=olga, at=at)
    assert look_at_codes(["MAY2026001", "MAY2026009"]).good == ["MAY2026009"]
