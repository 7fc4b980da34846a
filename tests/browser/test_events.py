"""From the curator's desk to the door: curate, publish, register by the API, check in."""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.events.enums import Place, State
from apps.events.models import Event, EventRegistration
from apps.events.services import tickets
from tests.api import Api
from tests.backoffice.conftest import Person
from tests.browser.test_pages import check

Enter = Callable[[User, str], Page]


def fill_moment(page: Page, name: str, *, hours: float) -> None:
    moment = timezone.localtime() + timedelta(hours=hours)
    page.locator(f"[name={name}_0]").fill(f"{moment:%d.%m.%Y}")
    page.locator(f"[name={name}_1]").fill(f"{moment:%H:%M}")


def test_from_the_desk_to_the_door(
    enter: Enter, person: Person, salon: Business, vera: User, anna: User, troubles: list[str]
) -> None:
    page = enter(person("Ада", "Минина", job="admin"), "/admin/events/event/")
    page.get_by_role("link", name="Новое событие").click()
    page.locator("[name=title]").fill("Вечер у камина")
    page.locator("[name=business]").select_option(label="Миндаль")
    page.get_by_role("button", name="Создать черновик").click()
    expect(page.locator(".sk-checks")).to_contain_text("место и адрес или ссылка")
    page.locator("[name=description]").fill("Читаем вслух, пьём чай и говорим о книгах.")
    page.locator("[name=notes]").fill("нет")
    page.get_by_text("Когда и где", exact=True).click()
    fill_moment(page, "starts_at", hours=2)
    fill_moment(page, "ends_at", hours=4)
    page.locator("[name=place]").fill("Миндаль")
    page.locator("[name=address]").fill("Покровка, 1")
    page.locator("[name=contact]").fill("Ольга")
    page.get_by_text("Запись и цена", exact=True).click()
    fill_moment(page, "opens_at", hours=-2)
    fill_moment(page, "closes_at", hours=1)
    page.locator("[name=capacity]").fill("2")
    page.locator("[name=_continue]").click()
    page.get_by_role("link", name="Опубликовать событие").click()
    expect(page.locator(".sk-told")).to_contain_text("на 2 человека")
    page.get_by_role("button", name="Опубликовать").click()
    expect(page.get_by_text("Событие опубликовано.")).to_be_visible()

    event = Event.objects.get()
    assert (event.state, event.capacity, event.seats.count()) == (State.PUBLISHED, 2, 2)
    answer = Api().as_(anna).post(f"/events/{event.pk}/register", {})
    assert answer.status_code == 201
    place = EventRegistration.objects.get()

    page = enter(vera, "/door/")
    check(page, troubles)
    page.get_by_role("link", name="Вечер у камина").click()
    check(page, troubles)
    page.locator("#code").fill(tickets.sign(event, place))
    page.keyboard.press("Enter")

    expect(page.locator(".door-good")).to_contain_text("Анна К")
    expect(page.locator("#door-live dd").first).to_have_text("1")
    check(page, troubles)
    place.refresh_from_db()
    assert place.state == Place.ATTENDED

    page.locator("#code").fill(tickets.sign(event, place))
    page.keyboard.press("Enter")
    expect(page.locator(".door-warn")).to_be_visible()
    check(page, troubles)
    page.get_by_role("link", name="Аннулировать").click()
    page.locator("#reason").fill("отсканировали не тот билет")
    page.get_by_role("button", name="Аннулировать").click()
    expect(page.locator("#door-live dd").first).to_have_text("0")
    page.locator("#who").fill("анна")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Впустить").click()
    expect(page.locator("#who-error")).to_contain_text("личность проверена")
    troubles[:] = [text for text in troubles if "422" not in text]  # the browser notes every 4xx
    check(page, troubles)
    page.get_by_label("Личность проверена").check()
    page.get_by_role("button", name="Впустить").click()

    expect(page.locator(".door-good")).to_contain_text("Анна К")
    assert EventRegistration.objects.get().state == Place.ATTENDED
