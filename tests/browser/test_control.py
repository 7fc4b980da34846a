"""Control pages in a real browser: every page is accessible, quiet and not sideways; a moderator
claims, reads and decides on a phone."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.accounts.services import note_request
from apps.core.models import Delivery, Message
from tests.browser.test_pages import Enter, check
from tests.factories.accounts import UserFactory
from tests.factories.events import submitted
from tests.factories.transactions import sale

PAGES = ["", "proposals/", "decisions/", "fraud/", "members/", "privacy/", "onboarding/"]
PAGES += ["integrations/", "jobs/", "audit/", "reports/", "roles/", "events/"]


@pytest.fixture
def chief(transactional_db: None) -> User:
    """A superadmin with something in every queue."""
    user = UserFactory(job="superadmin", first_name="Нина")
    sale()
    submitted()
    note_request(member=UserFactory(), kind="copy", by=user, at=timezone.now())
    message = Message.objects.create(topic="EventVoted", payload={})
    Delivery.objects.create(message=message, listener="apps.x.consumers.y", state="dead")
    return user


def test_every_control_page(enter: Enter, chief: User, troubles: list[str]) -> None:
    page = enter(chief, "/control/")
    expect(page.get_by_role("heading", name="Состояние системы")).to_be_visible()
    base = page.url
    for path in PAGES:
        page.goto(base + path)
        check(page, troubles)
    page.goto(base + "reports/")
    expect(page.locator("figure[data-ready]").first).to_be_visible()


@pytest.mark.everyday
def test_moderator_decides_on_a_phone(enter: Enter, chief: User, troubles: list[str]) -> None:
    moderator = UserFactory(tier_code="inner_circle")
    page: Page = enter(moderator, "/control/proposals/")
    page.set_viewport_size({"width": 360, "height": 760})

    page.get_by_role("link", name="Поход за грибами").click()
    page.get_by_role("button", name="Взять на 30 минут").click()
    expect(page.get_by_text("За вами до")).to_be_visible()
    check(page, troubles)
    page.set_viewport_size({"width": 360, "height": 760})
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Одобрить").click()

    expect(page.get_by_text("Одобрено: голосование открыто.")).to_be_visible()
    expect(page.get_by_text("Очередь пуста")).to_be_visible()
