"""The Win-Win index: what two partners gain from sending each other guests, against a hold-out.

Pure arithmetic by analytics.md 5.2: counters come in, an index with its interval and words goes
out. Shares are floats in 0…1, money is in any one unit: only ratios of it matter. Plain Python;
nothing here needs more than logarithms of the gamma function and the normal distribution.

The names of 5.2: p̂ the treated share who came (shrunk to the network's beta-binomial fit), h the
organic level before the chain, g the network's growth since, ĉ the control share (its hold-out
pooled with g·h as 200 guests), u = p̂ − ĉ the uplift, u⁻ its 80 % one-sided lower bound.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import lgamma, sqrt
from statistics import NormalDist

NORMAL = NormalDist()
PRIOR = 200.0  # guests that the organic level counts for
DRIFT = 0.15  # how far the organic level may be off, as a share of itself
ONE_SIDED_80 = 0.84
LEAST_TREATED, LEAST_EXPECTED = 30, 5.0
PROVEN, LIKELY = 0.9, 0.6
DEFAULT_UNIT = 0.05  # a gain of 5 % of a receipt per guest counts as 100, until 20 pairs gain
LEAST_PAIRS_OF_UNIT = 20
GRID = [2.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0]
# What remains of a receipt as margin, by the partner's trade; our estimate until partners tell.
MARGIN = {"salon": 0.5, "gastro": 0.35, "cosmetics": 0.4, "dental": 0.45, "medical": 0.4}


@dataclass(frozen=True)
class Counters:
    """One direction A → B over the window. Counts of guests; money summed over the arm.

    `exposed`, `came`: treated guests of A, and how many bought at B in time; `held`, `held_came`
    the hold-out; `before`, `before_came` guests of A before the chain began. `cost_to`,
    `cost_from` what B and A paid for coupons of the treated (discounts, bonuses), `fee` what B paid
    A. `again`, `held_again`: how many came back to A itself.
    """

    exposed: int = 0
    came: int = 0
    held: int = 0
    held_came: int = 0
    before: int = 0
    before_came: int = 0
    cost_to: float = 0.0
    cost_from: float = 0.0
    fee: float = 0.0
    again: int = 0
    held_again: int = 0


@dataclass(frozen=True)
class Side:
    """A partner: its mean receipt and the share of it that is margin."""

    receipt: float = 1.0
    margin: float = 1.0


@dataclass(frozen=True)
class Network:
    """What all pairs together say: the fit of shares (`mean`, `strength` guests), growth `g`, and
    each receiver's pooled control share."""

    mean: float = 0.05
    strength: float = 20.0
    growth: float = 1.0
    pooled: Mapping[object, float] | None = None

    def level(self, receiver: object) -> float:
        return (self.pooled or {}).get(receiver, self.mean)


@dataclass(frozen=True)
class Uplift:
    """u with its deviation; `low`, `high` bound the uplift that the two arms alone show, 95 %."""

    value: float
    deviation: float
    low: float
    high: float
    treated: float
    control: float
    expected: float

    @property
    def cautious(self) -> float:
        return self.value - ONE_SIDED_80 * self.deviation

    @property
    def probability(self) -> float:
        """That it is above zero."""
        if self.deviation == 0:
            return 0.5
        return NORMAL.cdf(self.value / self.deviation)


@dataclass(frozen=True)
class Index:
    """Win-Win of a pair, 0…100: `low`, `high` its 90 % bounds, `gain_a`, `gain_b` per guest in
    the partner's own receipts, `balance` the smaller gain as a share of the larger, `words` one of
    few, none, likely, proven."""

    value: float
    low: float
    high: float
    gain_a: float
    gain_b: float
    balance: float
    probability: float
    words: str
    ab: Uplift
    ba: Uplift
    sample: int
    unit: float


# --- intervals -----------------------------------------------------------------------------------
def wilson(came: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share; nothing known is 0…1."""
    if of == 0:
        return 0.0, 1.0
    share, square = came / of, z * z
    middle = (share + square / (2 * of)) / (1 + square / of)
    reach = z / (1 + square / of) * sqrt(share * (1 - share) / of + square / (4 * of * of))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def difference(came: int, of: int, held_came: int, held: int) -> tuple[float, float]:
    """The 95 % interval of a difference of two shares (Newcombe's, from Wilson's two): it asks
    nothing of priors, so it covers the truth as often as it says."""
    if of == 0 or held == 0:
        return -1.0, 1.0
    p, c = came / of, held_came / held
    p_low, p_high = wilson(came, of)
    c_low, c_high = wilson(held_came, held)
    low = p - c - sqrt((p - p_low) ** 2 + (c_high - c) ** 2)
    high = p - c + sqrt((p_high - p) ** 2 + (c - c_low) ** 2)
    return low, high


# --- the network's fit ---------------------------------------------------------------------------
def beta_binomial(samples: Iterable[tuple[int, int]]) -> tuple[float, float]:
    """(mean, strength) of the maximum likelihood over (came, of) of all pairs; the strength from a
    grid, so that a handful of equal pairs does not run away to infinity."""
    known = [(came, of) for came, of in samples if of > 0]
    total = sum(of for _came, of in known)
    if not total:
        return 0.05, 20.0
    mean = min(max(sum(came for came, _of in known) / total, 1e-4), 1 - 1e-4)
    best = max(GRID, key=lambda strength: _likelihood(known, mean, strength))
    return mean, best


def _likelihood(known: Sequence[tuple[int, int]], mean: float, strength: float) -> float:
    a, b = mean * strength, (1 - mean) * strength
    base = lgamma(a + b) - lgamma(a) - lgamma(b)
    return sum(
        base + lgamma(came + a) + lgamma(of - came + b) - lgamma(of + a + b) for came, of in known
    )


def network_of(ways: Mapping[tuple[object, object], Counters]) -> Network:
    """What all directions (from, to) together say."""
    mean, strength = beta_binomial((one.came, one.exposed) for one in ways.values())
    # A handful of directions does not tell how alike partners are: the fit weighs no more guests
    # than there are directions behind it, or a rare partner would look like an effect.
    strength = min(strength, float(max(2, len(ways))))
    pooled = _pooled(ways, mean)
    rough = Network(mean, strength, 1.0, pooled)
    seen = sum(one.held_came for one in ways.values())
    expected = sum(organic(one, way[1], rough) * one.held for way, one in ways.items())
    growth = min(max((seen + 5) / (expected + 5), 0.2), 5.0) if expected > 0 else 1.0
    return Network(mean, strength, growth, pooled)


def _pooled(ways: Mapping[tuple[object, object], Counters], mean: float) -> dict[object, float]:
    """Each receiver's control share over all its senders, with a few guests of the mean added."""
    sums: dict[object, list[float]] = {}
    for (_sender, receiver), one in ways.items():
        came, of = sums.setdefault(receiver, [0.0, 0.0])
        sums[receiver] = [came + one.held_came + one.before_came, of + one.held + one.before]
    return {key: (came + 20 * mean) / (of + 20) for key, (came, of) in sums.items()}


def organic(one: Counters, receiver: object, network: Network) -> float:
    """h: the share who came by themselves before the chain."""
    s = network.strength
    return (one.before_came + s * network.level(receiver)) / (one.before + s)


# --- one direction -------------------------------------------------------------------------------
def uplift(one: Counters, receiver: object, network: Network) -> Uplift:
    """How many more of A's guests came to B because of the coupon."""
    h = organic(one, receiver, network)
    return _uplift(one.exposed, one.came, one.held, one.held_came, h, network)


def repeat(one: Counters, network: Network) -> Uplift:
    """The same test on A's own guests coming back to A. There is no level before: both arms are
    what the hold-out's share says."""
    level = (one.held_again + 1) / (one.held + 2) if one.held else 0.5
    own = Network(level, 2.0, 1.0)
    low, high = difference(one.again, one.exposed, one.held_again, one.held)
    p = (one.again + level) / (one.exposed + 1)
    variance = p * (1 - p) / (one.exposed + 1) + level * (1 - level) / (one.held + 1)
    expected = level * one.exposed
    return Uplift(p - level, sqrt(variance), low, high, p, own.mean, expected)


def _uplift(
    exposed: int, came: int, held: int, held_came: int, h: float, network: Network
) -> Uplift:
    s = network.strength
    a, b = network.mean * s, (1 - network.mean) * s
    p = (came + a) / (exposed + a + b)
    level = min(network.growth * h, 0.999)
    c = (held_came + PRIOR * level) / (held + PRIOR)
    drift = DRIFT * level * PRIOR / (held + PRIOR)
    variance = p * (1 - p) / (exposed + s + 1) + c * (1 - c) / (held + PRIOR) + drift * drift
    low, high = difference(came, exposed, held_came, held)
    return Uplift(p - c, sqrt(variance), low, high, p, c, c * exposed)


# --- a pair --------------------------------------------------------------------------------------
def gains(
    ab: Counters, ba: Counters, a: Side, b: Side, ups: tuple[Uplift, Uplift], shift: float
) -> tuple[float, float]:
    """(A's, B's) gain per guest in own receipts; each uplift taken `shift` deviations off."""
    network = Network()
    to_b, to_a = (up.value + shift * up.deviation for up in ups)
    return (
        _gain(to_a, repeat(ab, network), incoming=ba, outgoing=ab, side=a),
        _gain(to_b, repeat(ba, network), incoming=ab, outgoing=ba, side=b),
    )


def _gain(up: float, again: Uplift, *, incoming: Counters, outgoing: Counters, side: Side) -> float:
    """Margin of the guests received and of own guests who return, less coupons and fees."""
    guests_in, guests_out = max(incoming.exposed, 1), max(outgoing.exposed, 1)
    gain = up * side.margin if incoming.exposed else 0.0
    gain -= (incoming.cost_to + incoming.fee) / guests_in / side.receipt
    gain += (outgoing.fee - outgoing.cost_from) / guests_out / side.receipt
    return gain + _proven(again, outgoing) * side.margin


def _proven(again: Uplift, outgoing: Counters) -> float:
    """Own guests who come again count as far as the hold-out proves it, a loss likewise."""
    if outgoing.exposed < LEAST_TREATED or outgoing.held == 0:
        return 0.0
    if again.cautious > 0:
        return again.cautious
    return min(0.0, again.value + ONE_SIDED_80 * again.deviation)


def mutual(gain_a: float, gain_b: float) -> float:
    """The geometric mean: 0 unless both gain."""
    return sqrt(max(gain_a, 0.0) * max(gain_b, 0.0))


def scaled(gain_a: float, gain_b: float, unit: float) -> float:
    return 100 * min(1.0, mutual(gain_a, gain_b) / unit)


def index(
    ab: Counters,
    ba: Counters,
    *,
    a: Side,
    b: Side,
    names: tuple[object, object] = ("a", "b"),
    network: Network,
    unit: float = DEFAULT_UNIT,
) -> Index:
    """Win-Win of A and B from the counters of both directions. Symmetric in the two."""
    ups = uplift(ab, names[1], network), uplift(ba, names[0], network)
    gain_a, gain_b = gains(ab, ba, a, b, ups, -ONE_SIDED_80)
    value = scaled(gain_a, gain_b, unit)
    larger = max(gain_a, gain_b)
    probability = ups[0].probability * ups[1].probability
    return Index(
        value=value,
        low=scaled(*gains(ab, ba, a, b, ups, -1.645), unit),
        high=scaled(*gains(ab, ba, a, b, ups, 1.645), unit),
        gain_a=gain_a,
        gain_b=gain_b,
        balance=max(0.0, min(gain_a, gain_b)) / larger if larger > 0 else 0.0,
        probability=probability,
        words=words(ab, ba, ups, value, probability),
        ab=ups[0],
        ba=ups[1],
        sample=ab.exposed + ba.exposed,
        unit=unit,
    )


def words(
    ab: Counters, ba: Counters, ups: tuple[Uplift, Uplift], value: float, probability: float
) -> str:
    """few, none, likely or proven. An index of 0 is never called an effect."""
    for one, up in zip((ab, ba), ups, strict=True):
        if one.exposed < LEAST_TREATED or up.expected < LEAST_EXPECTED:
            return "few"
    if value == 0:
        return "none"
    if probability >= PROVEN:
        return "proven"
    return "likely" if probability >= LIKELY else "none"


def unit_of(mutuals: Iterable[float]) -> tuple[float, int]:
    """(the 95th percentile of the network's pairs that gain, how many they are)."""
    gaining = sorted(one for one in mutuals if one > 0)
    if len(gaining) < LEAST_PAIRS_OF_UNIT:
        return DEFAULT_UNIT, len(gaining)
    return gaining[int(0.95 * (len(gaining) - 1))], len(gaining)
