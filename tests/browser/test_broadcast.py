"""The admin's page of a new broadcast, in a browser: Enter counts and never sends."""

import pytest
from django.urls import reverse

from apps.notifications.models import Broadcast
from tests.architecture.conftest import admin_user, desk  # noqa: F401
from tests.factories.accounts import UserFactory
from tests.notifications.conftest import agree


@pytest.mark.parametrize("width", [320, 1200])
def test_it_fits_and_enter_only_counts(page, live_server, admin_user, desk, width):  # noqa: F811
    agree(UserFactory(), "sms")
    cookies = desk(admin_user).cookies
    page.context.add_cookies(
        [
            {"name": name, "value": one.value, "url": live_server.url}
            for name, one in cookies.items()
        ]
    )
    page.set_viewport_size({"width": width, "height": 900})

    page.goto(live_server.url + reverse("admin:notifications_broadcast_changelist"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("link", name="Новая рассылка").click()
    page.get_by_label("Название").fill("Осень")
    page.get_by_label("Заголовок по-русски").fill("Осень в круге")
    page.get_by_label("Текст по-русски").fill("Двойные бонусы.")
    page.get_by_label("пуш").uncheck()
    page.get_by_label("SMS").check()
    for _twice in range(2):
        page.get_by_label("Название").press("Enter")
        page.get_by_text("человек в сегменте").or_(
            page.get_by_text("человека в сегменте")
        ).wait_for()

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not Broadcast.objects.exists()
    page.get_by_role("button", name="Отправить").click()
    page.wait_for_url("**/change/")
    assert Broadcast.objects.get().channels == "sms"
