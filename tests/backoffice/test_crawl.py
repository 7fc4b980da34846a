"""Each role walks from its landing page along every link: nothing is missing, nothing is in another
language, no page asks the database a question for each row. In a browser: tests/browser/test_crawl.
"""

from tests.crawl import table, world
from tests.crawl.reading import read
from tests.crawl.walking import Limits, Seen, Walk, view_of
from tests.crawl.words import foreign

SMALL = {"members": 12, "days": 60}
QUICK = Limits(per_view=1, leaves=("/admin/",))
ROLES = ("owner", "cashier", "moderator", "host", "superadmin")  # she sees all that admins see

# Somebody else's places: refused, or hidden as if they did not exist.
CLOSED = {
    "cashier": ["/control/", "/biz/mindal/", "/control/events/"],
    "owner": ["/control/", "/biz/lisichkino/", "/control/roles/"],
    "moderator": ["/control/members/", "/kassa/", "/control/audit/"],
    "host": ["/control/", "/kassa/"],
    "admin": ["/control/roles/", "/kassa/"],
}


def look_at_closed(role: str, path: str, cast: world.Cast) -> Seen:
    """The page that says no: in Russian, with a way out."""
    answer = world.browser_of(cast.by_role[role]).get(path)
    page = read(answer.content.decode())
    seen = Seen(role, path, view_of(path), answer.status_code)
    if answer.status_code not in (403, 404):
        seen.problems.append(f"answers {answer.status_code} to somebody who may not enter")
    if "/" not in page.links:
        seen.problems.append("shows no way out")
    seen.problems += foreign(page.texts)
    return seen


def test_nobody_comes_upon_a_broken_page(db: None, facts: None) -> None:
    cast = world.make(**SMALL)

    seen = []
    for role in ROLES:
        client = world.browser_of(cast.by_role[role])
        walk = Walk(client, role=role, limits=QUICK)
        seen += walk.along("/", *world.begun(role, client))

    seen += [look_at_closed(role, path, cast) for role, paths in CLOSED.items() for path in paths]
    table.write("quick", seen)
    assert {one.view for one in seen} > {
        "backoffice:owner",
        "backoffice:control",
        "backoffice:till",
    }
    wrong = [(one.role, one.url, one.came_from, one.problems) for one in seen if one.problems]
    assert wrong == [], f"{len(wrong)} of {len(seen)} pages"
