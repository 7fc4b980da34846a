"""A long table on its way: told of when it is ready, tried anew when it failed, a few a day."""

import io
import shutil
import zipfile
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.analytics.models import Export
from apps.analytics.services import exporting, snapshot_rfm
from apps.analytics.tasks import write_export
from apps.core import outbox
from apps.notifications.models import Notification
from tests.analytics.purchases import Bought, put
from tests.factories.businesses import BusinessFactory, staff_of

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 1)
ASK = {"report": "guests", "format": "csv"}


@pytest.fixture
def guests(facts: None, business: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three guests, more than are written while somebody waits."""
    put([Bought(n, n, DAY, shop=business.pk) for n in range(1, 4)])
    snapshot_rfm(business=business, day=DAY, at=timezone.now())
    monkeypatch.setattr(exporting, "AT_ONCE", 2)


def test_from_fifty_thousand_rows_on_a_worker_writes() -> None:
    assert exporting.AT_ONCE == 50_000


def test_whoever_asked_is_told_when_it_is_ready(guests, api, owner):
    told = api.as_(owner).get("/analytics/export", ASK | {"format": "xlsx"}).json()["data"]

    write_export(export_id=told["exportId"])
    outbox.drain()

    [message] = Notification.objects.filter(kind="export_ready")
    assert (message.member, message.values["rows"]) == (owner, "3")
    done = api.as_(owner).get("/analytics/export", {"id": told["exportId"]})
    with zipfile.ZipFile(io.BytesIO(done.content)) as book:
        cells = book.read("xl/worksheets/sheet1.xml").decode()
    assert cells.count("<row ") == 4
    assert done["Content-Disposition"] == 'attachment; filename="guests.xlsx"'


def test_a_table_that_failed_is_tried_anew(guests, api, owner, settings):
    """ClickHouse stays away for all attempts; asked again it is the same table, and it comes."""
    mine, there = api.as_(owner), settings.CLICKHOUSE
    first = mine.get("/analytics/export", ASK).json()["data"]
    settings.CLICKHOUSE = there | {"embedded": False, "url": "http://127.0.0.1:9/none"}
    write_export.apply(kwargs={"export_id": first["exportId"]}, retries=5)
    failed = mine.get("/analytics/export", {"id": first["exportId"]})
    settings.CLICKHOUSE = there

    again = mine.get("/analytics/export", ASK).json()["data"]
    write_export(export_id=first["exportId"])

    assert (failed.status_code, failed.json()["data"]["state"]) == (202, "failed")
    assert (again["exportId"], again["state"]) == (first["exportId"], "waiting")
    file = mine.get("/analytics/export", {"id": first["exportId"]}).content.decode("utf-8-sig")
    assert file.splitlines()[0] == "guest;recency_days;frequency;money;r;f;m;segment"
    assert [line.split(";")[3] for line in file.splitlines()[1:]] == ["100,00"] * 3


def test_five_files_a_day_and_two_at_a_time(guests, api, business, owner):
    mine = api.as_(owner)
    for day in (1, 2):  # two that are still being written, of other days
        Export.objects.create(
            business=business, asked_by=owner, form="csv", day=DAY - timedelta(days=day),
            rows_total=9,
        )  # fmt: skip

    third = mine.get("/analytics/export", ASK)
    Export.objects.all().delete()
    exporting.AT_ONCE = 50_000
    answers = [mine.get("/analytics/export", ASK) for _ in range(6)]

    assert (third.status_code, third["Retry-After"]) == (429, "60")
    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert int(answers[-1]["Retry-After"]) > 86_000


def test_files_wait_while_the_disk_is_nine_tenths_full(guests, api, owner, monkeypatch):
    """She is told so, what was begun is tried anew, and with room again the file comes."""
    mine, room = api.as_(owner), shutil.disk_usage("/")
    begun = mine.get("/analytics/export", ASK).json()["data"]
    full = room._replace(used=room.total * 9 // 10, free=room.total // 10)

    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    other = mine.get("/analytics/export", ASK | {"format": "xlsx"})
    write_export.apply(kwargs={"export_id": begun["exportId"]}, retries=5)
    failed = mine.get("/analytics/export", {"id": begun["exportId"]}).json()["data"]["state"]
    monkeypatch.undo()
    monkeypatch.setattr(exporting, "AT_ONCE", 2)
    again = mine.get("/analytics/export", ASK).json()["data"]
    write_export(export_id=begun["exportId"])

    assert (other.status_code, other.json()["error"]["code"]) == (503, "UNAVAILABLE")
    assert other.json()["error"]["message"].startswith("Диск сервера почти заполнен")
    assert (failed, again["state"], Export.objects.count()) == ("failed", "waiting", 1)
    assert mine.get("/analytics/export", {"id": begun["exportId"]}).status_code == 200


def test_there_are_no_files_of_guests_before_the_first_night(facts, api, owner):
    assert api.as_(owner).get("/analytics/export", ASK).status_code == 404


def test_a_file_that_is_being_written_is_not_begun_again(guests, api, owner):
    mine = api.as_(owner)
    answers = [mine.get("/analytics/export", ASK) for _ in range(3)]
    export_id = answers[0].json()["data"]["exportId"]

    write_export(export_id=export_id)
    body = mine.get("/analytics/export", {"id": export_id}).content
    Export.objects.update(rows_done=1)
    write_export(export_id=export_id)  # the bell rang twice

    assert [answer.json()["data"]["exportId"] for answer in answers] == [export_id] * 3
    assert bytes(Export.objects.get().body) == body
    assert Export.objects.get().rows_done == 1
    outbox.drain()
    assert Notification.objects.filter(kind="export_ready").count() == 1


def test_segments_are_a_file_too(guests, api, business, owner):
    stranger = staff_of(BusinessFactory(), role="business_owner")

    def lines(who: Any) -> list[str]:
        answer = api.as_(who).get("/analytics/export", {"report": "rfm", "format": "csv"})
        assert answer.status_code == 200
        return answer.content.decode("utf-8-sig").splitlines()

    head, *rows = lines(owner)
    assert "segment" in head.split(";")
    counted = head.split(";").index("count")
    assert sum(int(row.split(";")[counted]) for row in rows) == 3
    assert lines(stranger)[1:] == []
