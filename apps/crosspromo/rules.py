"""Shapes of chains. The index has a file of its own, `winwin`."""

from collections.abc import Sequence

NOTICE_DAYS = 7  # from a partner's word that it leaves to the last coupon given
MOST_DELAY_DAYS = 60


def shape_fault(topology: str, ways: Sequence[tuple[object, object]]) -> str:
    """Why steps (from, to) do not make this shape; "" when they do."""
    if not ways or any(start == end for start, end in ways):
        return "step leads to itself"
    tests = {"pair": _is_pair, "path": _is_path, "mutual": _is_mutual, "fan": _is_fan}
    return "" if tests[topology](ways) else f"not a {topology}"


def _is_pair(ways: Sequence[tuple[object, object]]) -> bool:
    return len(ways) == 1


def _is_path(ways: Sequence[tuple[object, object]]) -> bool:
    follows = all(before[1] == after[0] for before, after in zip(ways, ways[1:], strict=False))
    places = [ways[0][0], *(end for _start, end in ways)]
    return len(ways) >= 2 and follows and len(set(places)) == len(places)


def _is_mutual(ways: Sequence[tuple[object, object]]) -> bool:
    return len(ways) == 2 and ways[0] == ways[1][::-1]


def _is_fan(ways: Sequence[tuple[object, object]]) -> bool:
    ends = {end for _start, end in ways}
    return len(ways) >= 2 and len({start for start, _end in ways}) == 1 and len(ends) == len(ways)
