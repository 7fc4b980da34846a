"""Somebody at a page who looks before she acts: every act is a step that takes a person's time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.crawl.table import FOLDER

LOOK, KEY = 400, 90  # ms: to find what to press next, to press one key


@dataclass
class Person:
    """Acts by keyboard and mouse, as she sees the page: by words, never by the code beneath."""

    page: Page
    steps: int = 0

    def types(self, text: str) -> None:
        self._look()
        self.page.keyboard.type(text, delay=KEY)

    def presses(self, key: str) -> None:
        self._look()
        self.page.keyboard.press(key)

    def clicks(self, name: str, *, role: Any = "button", exact: bool = False) -> None:
        self._click(self.page.get_by_role(role, name=name, exact=exact).first)

    def opens(self, words: str) -> None:
        """Something folded."""
        self._click(self.page.locator("summary", has_text=words).first)

    def fills(self, label: str, text: str) -> None:
        self._click(self.page.get_by_label(label).locator("visible=true").first)
        self.page.keyboard.type(text, delay=KEY)

    def sees(self, words: str) -> None:
        expect(self.page.get_by_text(words).locator("visible=true").first).to_be_visible()

    def _click(self, place: Locator) -> None:
        self._look()
        place.click()

    def _look(self) -> None:
        self.steps += 1
        self.page.wait_for_timeout(LOOK)


@contextmanager
def task(name: str, page: Page, *, most_steps: int, most_seconds: float) -> Iterator[Person]:
    """One task from its first page to its outcome; a line of .run/crawl/tasks.tsv."""
    person, began = Person(page), time.monotonic()
    yield person
    took = time.monotonic() - began
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "tasks.tsv").open("a") as file:
        file.write(f"{name}\t{person.steps} steps\t{took:.1f} s\n")
    assert person.steps <= most_steps, f"{name} took {person.steps} steps"
    assert took <= most_seconds, f"{name} took {took:.1f} s"
