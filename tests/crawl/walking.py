"""From a landing page along every link, form and part, until there is nothing new."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import Resolver404, resolve

from tests.crawl.reading import Reading, read
from tests.crawl.words import foreign

VALUES = re.compile(r"'(?:[^']|'')*'|\b\d+\b")
LISTS = re.compile(r"(?:%s|\?)(?:::\w+)?(?:, (?:%s|\?)(?:::\w+)?)+")
SAVEPOINTS = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")
REPEATS = 4  # the same question about more things than this is a question a row
IN_VAIN = 8  # the very same question
USUAL, DEAR = 40, {"backoffice:reports": 60, "backoffice:return_sale": 48}  # statements of a page
NEVER = ("/logout/", "/admin/logout/", "/docs", "/redoc", "/openapi.json")


@dataclass
class Seen:
    """One address as one role saw it. `problems` is what is wrong with it."""

    role: str
    url: str
    view: str
    status: int
    queries: int = 0
    milliseconds: int = 0
    came_from: str = ""
    title: str = ""
    is_part: bool = False
    problems: list[str] = field(default_factory=list)


@dataclass
class Limits:
    """How far a walk goes. `per_view` addresses of a page; of an admin page, of which every model
    has its own, `per_admin_view`. `leaves` are looked at, not walked on from. `bound` is the most
    that a page of a view may ask the database."""

    per_view: int = 6
    per_admin_view: int = 3
    per_question: int = 2  # addresses with the same names of parameters
    leaves: tuple[str, ...] = ()
    bound: Callable[[str], int] = lambda view: DEAR.get(view, USUAL)
    allowed: frozenset[str] = frozenset()


class Walk:
    """Pages of one role."""

    def __init__(self, client: Client, *, role: str, limits: Limits) -> None:
        self.client = client
        self.role = role
        self.limits = limits
        self.waiting: list[tuple[str, str, bool]] = []
        self.known: set[str] = set()
        self.counts: Counter[Any] = Counter()
        self.seen: list[Seen] = []

    def along(self, *starts: str) -> list[Seen]:
        for start in starts:
            self._offer(start, "", is_part=False)
        while self.waiting:
            url, came_from, is_part = self.waiting.pop(0)
            self._look(url, came_from, is_part=is_part)
        return self.seen

    # --- where to go -----------------------------------------------------------------------------
    def _offer(self, href: str, base: str, *, is_part: bool) -> None:
        """Into the list, unless it is outside, known, or one of many alike."""
        url = inside(href, base)
        if url is None or url in self.known or url.split("?")[0] in NEVER:
            return
        self.known.add(url)
        view, question = view_of(url), tuple(sorted(dict(parse_qsl(urlsplit(url).query))))
        is_admin = view.startswith("admin:")
        most = self.limits.per_admin_view if is_admin else self.limits.per_view
        if self.counts[view] >= most:
            return
        if self.counts[view, question] >= self.limits.per_question:
            return
        self.counts[view] += 1
        self.counts[view, question] += 1
        self.waiting.append((url, base, is_part))

    def _look(self, url: str, came_from: str, *, is_part: bool) -> None:
        headers = {"HX-Request": "true", "HX-Current-URL": came_from or "/"} if is_part else {}
        seen = Seen(self.role, url, view_of(url), 0, came_from=came_from, is_part=is_part)
        self.seen.append(seen)
        answer = self._ask(url, headers, seen)
        if seen.status in (301, 302):
            self._offer(answer["Location"], url, is_part=False)
        elif seen.status >= 400:
            seen.problems.append(f"answers {seen.status}")
        elif "text/html" in answer.get("Content-Type", ""):
            self._understand(read(answer.content.decode()), seen)

    def _understand(self, page: Reading, seen: Seen) -> None:
        seen.title = page.title
        strange = foreign(page.texts, allowed=self.limits.allowed)
        seen.problems += [f"not Russian: {one}" for one in strange]
        if not seen.is_part:
            seen.problems += whole(page, has_tabs=seen.view.startswith("admin:"))
        if not any(seen.url.startswith(leaf) for leaf in self.limits.leaves):
            self._walk_on(page, seen.url)

    def _ask(self, url: str, headers: dict[str, str], seen: Seen) -> Any:
        since = time.perf_counter()
        try:
            with CaptureQueriesContext(connection) as asked:
                answer = self.client.get(url, headers=headers)
                if answer.streaming:
                    b"".join(answer)  # type: ignore[arg-type]
        except Exception as crashed:  # noqa: BLE001 - told as a row of the table
            seen.status = 500
            seen.problems.append(f"crashes: {crashed!r}"[:200])
            return None
        seen.milliseconds = round((time.perf_counter() - since) * 1000)
        seen.status, seen.queries = answer.status_code, len(asked)
        bound = self.limits.bound(seen.view)
        if seen.queries > bound:
            seen.problems.append(f"asks the database {seen.queries} times, {bound} at most")
        seen.problems += [f"asked {n} times: {sql[:160]}" for sql, n in repeated(asked)]
        return answer

    def _walk_on(self, page: Reading, url: str) -> None:
        for href in page.links:
            self._offer(href, url, is_part=False)
        for href in page.parts:
            self._offer(href, url, is_part=True)
        for form in page.forms:
            for address in form.addresses():
                self._offer(address or urlsplit(url).path, url, is_part=False)


def inside(href: str, base: str) -> str | None:
    """The address within our host, without its anchor; None for anything else."""
    url = urljoin(f"http://testserver{base or '/'}", href.strip())
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.netloc != "testserver":
        return None
    if parts.path.startswith("/static/"):
        return None
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def view_of(url: str) -> str:
    """The name of the page; the path itself where nothing answers."""
    try:
        match = resolve(urlsplit(url).path)
    except Resolver404:
        return urlsplit(url).path
    return match.view_name or match.route


def repeated(asked: Any) -> Iterator[tuple[str, int]]:
    """Statements that differ by their values alone stand there for each row of something; those
    that do not even differ are asked in vain, which is said when it is often."""
    shapes: dict[str, Counter[str]] = {}
    for one in asked.captured_queries:
        if not one["sql"].startswith(SAVEPOINTS):
            plain = LISTS.sub("?", VALUES.sub("?", one["sql"]))
            shapes.setdefault(plain, Counter())[one["sql"]] += 1
    for plain, said in shapes.items():
        if len(said) > REPEATS or max(said.values()) > IN_VAIN:
            yield plain, said.total()


def whole(page: Reading, *, has_tabs: bool) -> Iterable[str]:
    """A title, anchors that exist (the admin's tabs are anchors to nothing), files that are there."""
    if not page.title.strip(" ·"):
        yield "has no title"
    for anchor in dict.fromkeys(page.anchors):
        if anchor and not has_tabs and anchor not in page.ids:
            yield f"leads to #{anchor}, which it does not have"
    for file in dict.fromkeys(page.files):
        path = urlsplit(file).path
        if path.startswith("/static/") and not finders.find(path.removeprefix("/static/")):
            yield f"needs {path}, which is not there"
