"""Import and export in the admin: a dry run, the service's own rules, a reason, no phones."""

import re
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from openpyxl import Workbook

from apps.businesses.models import Business
from apps.core.models import AuditEntry
from tests.architecture.conftest import admin_client, admin_user, desk  # noqa: F401
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory

pytestmark = pytest.mark.django_db
WHY = "Новые описания от партнёров"


def url_of(page: str) -> str:

    return reverse(f"admin:businesses_business_{page}")


def upload(client: Client, text: str, reason: str = WHY):
    file = SimpleUploadedFile("partners.csv", text.encode("utf-8-sig"), "text/csv")
    given = {"format": "0", "resource": "", "import_file": file, "reason": reason}
    return client.post(url_of("import"), given)


def test_dry_run_first_then_the_service_writes_with_the_reason(admin_client):  # noqa: F811
    BusinessFactory(slug="mindal", name="Миндаль", city="Москва", max_bonus_share=30)

    shown = upload(admin_client, "slug;city;max_bonus_share\nmindal;Тверь;40\n").content.decode()
    before = Business.objects.get(slug="mindal").city
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', shown))
    done = admin_client.post(url_of("process_import"), form)

    row = Business.objects.get(slug="mindal")
    noted = AuditEntry.objects.get(action="businesses.update")
    assert "Тверь" in shown
    assert (before, row.city, row.max_bonus_share) == ("Москва", "Тверь", 40)
    assert (done.status_code, noted.reason) == (302, WHY)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("slug;max_bonus_share\nmindal;90\n", WHY),  # above the network's bound
        ("slug;city\nnobody;Тверь\n", WHY),  # an import makes nothing
        ("slug;city\nmindal;Тверь\n", "нет"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(admin_client, text, reason):  # noqa: F811
    BusinessFactory(slug="mindal", city="Москва")

    shown = upload(admin_client, text, reason).content.decode()

    assert 'name="import_file_name"' not in shown  # there is nothing to confirm
    assert Business.objects.get(slug="mindal").city == "Москва"
    assert AuditEntry.objects.filter(action="businesses.update").count() == 0


def sheet(*rows: tuple[object, ...]) -> bytes:
    """A workbook as Excel saves it."""
    book, file = Workbook(), BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def send_sheet(client: Client, body: bytes) -> str:
    file = SimpleUploadedFile("partners.xlsx", body)
    given = {"format": "1", "resource": "", "import_file": file, "reason": WHY}
    return client.post(url_of("import"), given).content.decode()


def test_a_sheet_of_excel_goes_the_same_way(admin_client):  # noqa: F811
    BusinessFactory(slug="mindal", name="Миндаль", city="Москва", max_bonus_share=30)
    rows = sheet(("slug", "city", "max_bonus_share"), ("mindal", "Тверь", 40), (None, None, None))

    shown = send_sheet(admin_client, rows)
    before = Business.objects.get(slug="mindal").city
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', shown))
    done = admin_client.post(url_of("process_import"), form)

    row = Business.objects.get(slug="mindal")
    assert (before, row.city, row.max_bonus_share) == ("Москва", "Тверь", 40)
    assert (done.status_code, AuditEntry.objects.get(action="businesses.update").reason) == (
        302,
        WHY,
    )


def test_a_file_that_is_no_sheet_is_told_as_such(admin_client):  # noqa: F811
    shown = send_sheet(admin_client, b"slug;city")

    assert 'name="import_file_name"' not in shown
    assert "errorlist" in shown or "text-red" in shown


def test_people_leave_without_phones_and_with_a_reason(admin_client, admin_user):  # noqa: F811

    UserFactory(first_name="=Анна", last_name="Котова", phone="+79123456789", email="a@example.ru")
    url = reverse("admin:accounts_user_export")
    form = {"format": "0", "resource": "", "reason": "Сверка списка с бухгалтерией"}

    mute = admin_client.post(url, form | {"reason": ""})
    file = admin_client.post(url, form).content.decode("utf-8-sig")

    noted = AuditEntry.objects.get(action="core.exported")
    assert mute["Content-Type"].startswith("text/html")
    assert "card_number;name;tier" in file.splitlines()[0]
    assert "Котова" not in file
    assert "9123456789" not in file
    assert "example.ru" not in file
    assert ";=Анна" not in file
    assert (noted.actor_id, noted.reason) == (admin_user.pk, form["reason"])
