"""The picture of a chain, drawn from its list of steps: boxes of partners, arrows of coupons.

Top to bottom, so that it reads on a phone as it does beside the editor. Sizes are units of the
SVG's own grid, 300 wide.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from apps.crosspromo.enums import Topology

WIDTH, BOX, GAP, INDENT = 300, 48, 64, 40
LONGEST = 26  # signs of a name that fit into a box


@dataclass(frozen=True)
class Way:
    """A step as the picture shows it: partners by name ("" is not chosen yet), the coupon's words,
    and where a click leads."""

    start: str
    end: str
    words: str
    href: str = ""


@dataclass(frozen=True)
class Box:
    x: int
    y: int
    width: int
    name: str
    title: str

    @property
    def middle(self) -> int:
        return self.x + self.width // 2

    @property
    def text_y(self) -> int:
        return self.y + BOX // 2 + 5


@dataclass(frozen=True)
class Arrow:
    """`path` as SVG wants it; the words stand at x, y, as `anchor` says."""

    path: str
    words: str
    x: int
    y: int
    anchor: str
    href: str
    number: int


@dataclass
class Diagram:
    height: int = 0
    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    width: int = WIDTH
    box: int = BOX


def draw(topology: str, ways: Sequence[Way]) -> Diagram:
    """Empty without steps."""
    if not ways:
        return Diagram()
    if topology == Topology.FAN:
        return _fan(ways)
    if topology == Topology.MUTUAL and len(ways) == 2:
        return _there_and_back(ways)
    return _line(ways)


def _box(name: str, y: int, *, x: int = 1, width: int = WIDTH - 2) -> Box:
    short = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    return Box(x, y, width, short or "?", name)


def _line(ways: Sequence[Way]) -> Diagram:
    made = Diagram()
    made.boxes.append(_box(ways[0].start, 1))
    for number, way in enumerate(ways, start=1):
        top = 1 + (number - 1) * (BOX + GAP) + BOX
        path = f"M32 {top}V{top + GAP - 2}"
        made.arrows.append(
            Arrow(path, way.words, 48, top + GAP // 2 + 4, "start", way.href, number)
        )
        made.boxes.append(_box(way.end, top + GAP))
    made.height = len(ways) * (BOX + GAP) + BOX + 2
    return made


def _there_and_back(ways: Sequence[Way]) -> Diagram:
    there, back = ways
    gap = GAP + 24
    bottom = 1 + BOX + gap
    top = 1 + BOX
    made = Diagram(height=bottom + BOX + 1)
    made.boxes = [_box(there.start, 1), _box(there.end, bottom)]
    made.arrows = [
        Arrow(f"M32 {top}V{bottom - 2}", there.words, 48, top + 30, "start", there.href, 1),
        Arrow(
            f"M{WIDTH - 32} {bottom}V{top + 2}",
            back.words,
            WIDTH - 48,
            bottom - 22,
            "end",
            back.href,
            2,
        ),
    ]
    return made


def _fan(ways: Sequence[Way]) -> Diagram:
    made = Diagram()
    made.boxes.append(_box(ways[0].start, 1))
    step = BOX + GAP - 24
    for number, way in enumerate(ways, start=1):
        top = 1 + BOX + (number - 1) * step + 36
        path = f"M20 {1 + BOX}V{top + BOX // 2}H{INDENT - 2}"
        made.arrows.append(Arrow(path, way.words, INDENT + 4, top - 10, "start", way.href, number))
        made.boxes.append(_box(way.end, top, x=INDENT, width=WIDTH - INDENT - 1))
    made.height = 1 + BOX + len(ways) * step + 36 - (GAP - 24 - 24)
    return made
