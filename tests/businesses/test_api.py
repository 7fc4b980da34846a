"""The catalogue, an owner's page and staff, admins' list of partners."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.businesses.models import Business, Membership
from tests.factories.accounts import UserFactory
from tests.factories.businesses import BusinessFactory, LocationFactory, staff_of

pytestmark = pytest.mark.django_db
LATER = {"hours": [{"weekday": 1, "opens": "10:00", "closes": "21:00"}], "maxBonusShare": 20}


# --- the catalogue -------------------------------------------------------------------------------
def test_the_catalogue_shows_active_partners_and_never_the_network(api):
    salon = BusinessFactory(category="salon", city="Москва", name="Миндаль")
    cafe = BusinessFactory(category="gastro", city="Казань", name="Лисичкино")
    BusinessFactory(state="closed")

    def found(**query):
        return [row["id"] for row in api.get("/businesses", query).json()["data"]]

    assert found() == [str(cafe.pk), str(salon.pk)]
    assert found(category="salon") == [str(salon.pk)]
    assert found(city="казань") == [str(cafe.pk)]
    assert found(q="инда") == [str(salon.pk)]
    assert api.get("/businesses", {"category": "bank"}).status_code == 422


def test_categories_are_counted(api):
    BusinessFactory.create_batch(2, category="salon")

    assert api.get("/businesses/categories").json()["data"] == [
        {"code": "salon", "name": "салон", "businesses": 2}
    ]


@pytest.mark.parametrize("path", ["/businesses", "/businesses/{pk}", "/businesses/categories"])
def test_the_same_content_again_costs_an_empty_304(api, business, path):
    first = api.get(path.format(pk=business.pk))
    again = api.get(path.format(pk=business.pk), **{"If-None-Match": first["ETag"]})
    weak = api.get(path.format(pk=business.pk), **{"If-None-Match": f'"x", W/{first["ETag"]}'})
    Business.objects.update(name="Иначе", category="dental")
    changed = api.get(path.format(pk=business.pk), **{"If-None-Match": first["ETag"]})

    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert weak.status_code == 304
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def test_a_long_answer_travels_packed_and_is_known_again(api):
    BusinessFactory.create_batch(20)
    packed = {"Accept-Encoding": "gzip"}

    first = api.get("/businesses", **packed)
    again = api.get("/businesses", **packed, **{"If-None-Match": first["ETag"]})

    assert first["Content-Encoding"] == "gzip"
    assert first["ETag"].startswith('W/"')
    assert (again.status_code, again.content) == (304, b"")


def test_a_long_catalogue_costs_as_many_statements_as_a_short_one(api):
    def statements(rows):
        for business in BusinessFactory.create_batch(rows):
            LocationFactory(business=business)
        with CaptureQueriesContext(connection) as asked:
            assert api.get("/businesses", {"limit": 100}).status_code == 200
        return len(asked)

    assert statements(1) == statements(99) == 2


# --- an owner's own page -------------------------------------------------------------------------
def test_an_owner_changes_what_she_saw(api, business, owner):
    seen = api.get(f"/businesses/{business.pk}")
    hers = api.as_(owner)

    changed = hers.patch(f"/businesses/{business.pk}", LATER, **{"If-Match": seen["ETag"]})
    stale = hers.patch(f"/businesses/{business.pk}", LATER, **{"If-Match": seen["ETag"]})

    assert changed.status_code == 200, changed.content
    assert changed.json()["data"]["hours"] == LATER["hours"]
    assert changed["ETag"] == api.get(f"/businesses/{business.pk}")["ETag"]
    assert (stale.status_code, stale.json()["error"]["code"]) == (412, "STALE")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"maxBonusShare": 51}, "maxBonusShare"),
        ({"photos": ["http://x.example/a.jpg"]}, "photos"),
        ({"hours": [{"weekday": 8, "opens": "10:00", "closes": "21:00"}]}, "hours.0.weekday"),
        ({"name": "Чужое имя"}, "name"),
    ],
)
def test_only_her_own_fields_and_within_bounds(api, business, owner, wrong, field):
    answer = api.as_(owner).patch(f"/businesses/{business.pk}", wrong)

    assert answer.status_code == 422
    assert list(answer.json()["error"]["details"]) == [field]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"hours": [{"weekday": 1, "opens": "10:00", "closes": "11:00"}] * 22}, "hours"),
        ({"photos": [f"https://cdn.example/{n}.jpg" for n in range(13)]}, "photos"),
    ],
)
def test_a_page_holds_so_much(api, business, owner, sent, field):
    answer = api.as_(owner).patch(f"/businesses/{business.pk}", sent)

    assert (answer.status_code, list(answer.json()["error"]["details"])) == (422, [field])


def test_photos_from_elsewhere_are_shown_in_their_order(api, business, owner):
    sent = {"photos": ["https://cdn.example/2.jpg", "https://cdn.example/1.jpg"]}

    answer = api.as_(owner).patch(f"/businesses/{business.pk}", sent)

    assert answer.json()["data"]["photos"] == sent["photos"]


# --- staff ---------------------------------------------------------------------------------------
def test_an_owner_hires_by_phone_and_dismisses(api, business, owner):
    hers, path = api.as_(owner), f"/businesses/{business.pk}/staff"

    hired = hers.post(path, {"phone": "8 916 555-01-02", "role": "business_staff"})
    twice = hers.post(path, {"phone": "+79165550102", "role": "business_staff"})
    listed = hers.get(path).json()["data"]
    person = User.objects.get(pk=hired.json()["data"]["userId"])
    gone = hers.client.delete(f"/api/v1{path}/{person.pk}", headers=hers.headers)

    assert (hired.status_code, twice.status_code, gone.status_code) == (201, 409, 204)
    assert [row["role"] for row in listed] == ["business_staff", "business_owner"]
    assert "5550102" not in str(listed)
    assert not Membership.objects.live().filter(user=person).exists()


def test_a_wrong_number_hires_nobody(api, business, owner):
    wrong = {"phone": "112", "role": "business_staff"}
    answer = api.as_(owner).post(f"/businesses/{business.pk}/staff", wrong)

    assert (answer.status_code, list(answer.json()["error"]["details"])) == (422, ["phone"])


# --- admins --------------------------------------------------------------------------------------
def test_an_admin_lets_a_partner_in_and_suspends_it(api):
    hers = api.as_(UserFactory(job="admin"))
    new = {"name": "Стим", "slug": "steam", "category": "dental", "city": "Москва"}

    opened = hers.post("/admin/businesses", new)
    taken = hers.post("/admin/businesses", new)
    pk = opened.json()["data"]["id"]
    owner = staff_of(Business.objects.get(pk=pk), role="business_owner")
    moved = hers.post(f"/admin/businesses/{pk}/state", {"state": "suspended"})

    assert (opened.status_code, taken.status_code) == (201, 409)
    assert moved.json()["data"]["state"] == "suspended"
    assert api.get(f"/businesses/{pk}").status_code == 404
    assert api.as_(owner).get(f"/businesses/{pk}/staff").status_code == 404
    listed = hers.get("/admin/businesses", {"state": "suspended"}).json()["data"]
    assert [row["id"] for row in listed] == [pk]


def test_deep_health_tells_of_every_part(api):
    told = api.as_(UserFactory(job="admin")).get("/admin/health").json()["data"]

    assert {one["name"] for one in told["dependencies"]} >= {"postgres", "redis", "clickhouse"}
    assert [one["waiting"] is not None for one in told["queues"]] == [True] * 4
    assert told["outbox"] == {"oldestSeconds": 0, "dead": 0}
    assert told["status"] == "down"  # no worker beats in a test
