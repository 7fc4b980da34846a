"""What stands in a page's HTML: the words a person meets, the addresses it leads to."""

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

# Words of nobody's language, or said on purpose as they are written.
SILENT = {"script", "style", "template", "pre", "code", "kbd", "samp", "textarea"}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
SAID = ("placeholder", "title", "aria-label", "aria-description", "alt", "data-label")
CHARTED = {"name", "labels", "title", "sentence"}  # what charts draw of their JSON
SPACES = re.compile(r"\s+")


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)

    def addresses(self, most: int = 3) -> list[str]:
        """As sent untouched, and with each of the first choices of each list."""
        asked = [self.fields]
        for name, values in self.choices.items():
            asked += [self.fields | {name: value} for value in values[:most]]
        base = self.action.split("?")[0].split("#")[0]
        return [f"{base}?{urlencode(one)}" if one else base for one in asked]


@dataclass
class Reading:
    """`texts` a person reads or hears; `links` she may follow; `parts` the page loads by itself;
    `files` it needs; `ids` it defines and `anchors` it points to."""

    texts: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    anchors: list[str] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    title: str = ""


class Reader(HTMLParser):
    """Everything of one page in one pass."""

    def __init__(self) -> None:
        super().__init__()
        self.found = Reading()
        self.stack: list[tuple[str, bool]] = []  # (tag, words below it do not count)
        self.form: Form | None = None
        self.select = ""
        self.json: list[str] | None = None

    # --- tags ------------------------------------------------------------------------------------
    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in pairs}
        silent = self.is_silent or tag in SILENT or given.get("translate") == "no"
        silent = silent or (given.get("lang", "ru") != "ru" and tag != "html")
        silent = silent or "material-symbols" in given.get("class", "")  # names of icons
        if tag not in VOID:
            self.stack.append((tag, silent))
        if not silent:
            self.found.texts += [given[name] for name in SAID if given.get(name)]
        if given.get("id"):
            self.found.ids.add(given["id"])
        self._note_address(tag, given)
        self._note_field(tag, given, silent=silent)
        if tag == "script" and "json" in given.get("type", ""):
            self.json = []

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self.form:
            self.found.forms.append(self.form)
            self.form = None
        if tag == "script" and self.json is not None:
            self.found.texts += charted("".join(self.json))
            self.json = None
        while self.stack and any(name == tag for name, _silent in self.stack):
            name, _silent = self.stack.pop()
            if name == tag:
                break

    def handle_data(self, data: str) -> None:
        text = SPACES.sub(" ", data).strip()
        if self.json is not None:
            self.json.append(data)
        if not text or self.is_silent:
            return
        self.found.texts.append(text)
        if self.inside("h1"):
            self.found.headings.append(text)
        if self.inside("title") and not self.inside("svg"):
            self.found.title += text

    @property
    def is_silent(self) -> bool:
        return bool(self.stack) and self.stack[-1][1]

    def inside(self, tag: str) -> bool:
        return any(name == tag for name, _silent in self.stack)

    # --- what it leads to ------------------------------------------------------------------------
    def _note_address(self, tag: str, given: dict[str, str]) -> None:
        href = given.get("href", "")
        if tag == "a" and href:
            if href.startswith("#"):
                self.found.anchors.append(href[1:])
            else:
                self.found.links.append(href)
        elif tag == "link" and href and given.get("rel") in ("stylesheet", "icon", "preload"):
            self.found.files.append(href)
        if tag in ("script", "img") and given.get("src"):
            self.found.files.append(given["src"])
        if tag == "iframe" and given.get("src"):
            self.found.links.append(given["src"])
        if given.get("hx-get"):
            self.found.parts.append(given["hx-get"])

    def _note_field(self, tag: str, given: dict[str, str], *, silent: bool) -> None:
        if tag == "form" and given.get("method", "get").lower() == "get":
            self.form = Form(given.get("action", ""))
        if tag == "input" and given.get("type") in ("submit", "button") and not silent:
            self.found.texts.append(given.get("value", ""))
        if self.form is None:
            return
        if tag == "input":
            self._note_input(self.form, given)
        elif tag == "select" and given.get("name"):
            self.select = given["name"]
            self.form.choices[self.select] = []
        elif tag == "option" and self.select in self.form.choices:
            self.form.choices[self.select].append(given.get("value", ""))
            if "selected" in given or self.select not in self.form.fields:
                self.form.fields[self.select] = given.get("value", "")

    def _note_input(self, form: Form, given: dict[str, str]) -> None:
        kind, name = given.get("type", "text"), given.get("name", "")
        is_tick = kind in ("checkbox", "radio")
        if (
            name
            and kind not in ("submit", "button", "file")
            and (not is_tick or "checked" in given)
        ):
            form.fields[name] = given.get("value", "on" if is_tick else "")


def charted(document: str) -> list[str]:
    """The words of a chart's JSON: names of lines, labels, sentences."""
    try:
        return _words_of(json.loads(document), "")
    except ValueError:
        return []


def _words_of(value: object, key: str) -> list[str]:
    if isinstance(value, dict):
        return [word for name, one in value.items() for word in _words_of(one, name)]
    if isinstance(value, list):
        return [word for one in value for word in _words_of(one, key)]
    return [value] if isinstance(value, str) and key in CHARTED else []


def read(html: str) -> Reading:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader.found
