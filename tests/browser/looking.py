"""One page as a person sees it: at three widths, in both themes, with what axe and the console say."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as TooLong

from tests.crawl.words import foreign

WIDTHS = (360, 768, 1200)
SCHEMES = ("light", "dark")
PICTURES = ((360, "light"), (1200, "light"), (1200, "dark"))
HEAVY = ("serious", "critical")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# In the dark only colours are other ones.
RULES = {
    "light": {"type": "tag", "values": TAGS},
    "dark": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
ASK_AXE = """async (rules) => (await axe.run(document, {
    resultTypes: ["violations"],
    runOnly: rules,
})).violations.map((one) => ({
    id: one.id, impact: one.impact, nodes: one.nodes.map((node) => node.html.slice(0, 120)),
}))"""
# Words that are seen now: what scripts wrote too, without code and names in another language.
SEEN_WORDS = """() => {
    const silent = "code,pre,kbd,samp,script,style,template,textarea,noscript,[class*=material-symbols],[translate=no],[lang]:not(html)";
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walk.nextNode()) {
        const holder = walk.currentNode.parentElement;
        const text = walk.currentNode.data.trim();
        if (text && !holder.closest(silent) && holder.checkVisibility({ visibilityProperty: true }))
            found.push(text);
    }
    return found;
}"""
# What sticks out to the side although the page itself does not scroll: text under another box's edge.
CUT = """() => [...document.querySelectorAll("h1,h2,h3,a,button,td,th,dd,dt,p,label,summary,li")]
    .filter((one) => {
        if (!one.checkVisibility() || one.closest(".visually-hidden,[hidden]")) return false;
        const style = getComputedStyle(one);
        const cuts = ["hidden", "clip"].includes(style.overflowX) && style.textOverflow !== "ellipsis";
        return cuts && one.clientWidth > 1 && one.scrollWidth > one.clientWidth + 1;
    }).map((one) => one.outerHTML.slice(0, 120))"""


def settle(page: Page) -> None:
    """Parts that load by themselves are there; a page that goes on asking is not waited for."""
    try:
        page.wait_for_load_state("networkidle", timeout=4000)
    except TooLong:
        return


def look(
    page: Page,
    *,
    folder: Path,
    name: str,
    axe_at: Sequence[tuple[int, str]],
    pictured: bool = True,
    allowed: frozenset[str] = frozenset(),
) -> list[str]:
    """What is wrong with the open page. Pictures of each width are kept in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    problems = [f"says: {one}" for one in foreign(page.evaluate(SEEN_WORDS), allowed=allowed)]
    page.evaluate(AXE_SCRIPT)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            problems += _at(page, width, scheme, is_asked=(width, scheme) in axe_at)
            if (width, scheme) in PICTURES and pictured:
                picture = folder / f"{name}-{width}-{scheme}.png"
                page.screenshot(path=picture, full_page=True)
    return list(dict.fromkeys(problems))


def _at(page: Page, width: int, scheme: str, *, is_asked: bool) -> list[str]:
    found = []
    over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    if over > 0:
        found.append(f"{over} px too wide at {width}")
    found += [f"cut at {width}: {html}" for html in page.evaluate(CUT)]
    if is_asked:
        for one in page.evaluate(ASK_AXE, RULES[scheme]):
            if one["impact"] in HEAVY:
                found.append(f"axe {one['id']} at {width} {scheme}: {one['nodes'][:3]}")
    return found


def everywhere() -> list[tuple[int, str]]:
    return [(width, scheme) for width in WIDTHS for scheme in SCHEMES]


def once_each() -> list[tuple[int, str]]:
    """For pages that share one template: each theme and the two ends of the widths."""
    return [(1200, "light"), (360, "dark")]


def listen(page: Page, troubles: list[str]) -> None:
    """The console, broken scripts, what the policy refused, files and parts that failed."""

    def said(message: Any) -> None:
        given_up = message.text.startswith(("htmx:sendAbort", "htmx:afterRequest"))
        if message.type in ("error", "warning") and not given_up:
            troubles.append(f"console: {message.text[:200]}")

    page.on("console", said)
    page.on("pageerror", lambda error: troubles.append(f"script: {error}"[:200]))
    page.on(
        "response",
        lambda answer: (
            troubles.append(f"{answer.status}: {answer.url}") if answer.status >= 400 else None
        ),
    )
