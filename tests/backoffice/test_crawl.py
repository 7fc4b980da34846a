"""Each role walks from its landing page along every link: nothing is missing, nothing is in another
language, no page asks the database a question for each row. In a browser: tests/browser/test_crawl.
"""

from tests.crawl import table, world
from tests.crawl.walking import Limits, Walk

SMALL = {"members": 14, "days": 75}
QUICK = Limits(per_view=3, per_question=1, leaves=("/admin/",))


def test_nobody_comes_upon_a_broken_page(db: None, facts: None) -> None:
    cast = world.make(**SMALL)

    seen = []
    for role, user in cast.by_role.items():
        client = world.browser_of(user)
        walk = Walk(client, role=role, limits=QUICK)
        seen += walk.along("/", *world.begun(role, client))

    table.write("quick", seen)
    assert {one.view for one in seen} > {
        "backoffice:owner",
        "backoffice:control",
        "backoffice:till",
    }
    wrong = [(one.role, one.url, one.came_from, one.problems) for one in seen if one.problems]
    assert wrong == [], f"{len(wrong)} of {len(seen)} pages"
