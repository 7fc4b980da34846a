"""Buy-till-you-die models of how often guests come and what they spend, by maximum likelihood.

Sources: Fader, Hardie, Lee 2005 (BG/NBD, Marketing Science 24(2)); Batislam, Denizel, Filiztekin
2007 (MBG/NBD); Fader, Hardie 2013 (Gamma-Gamma). Time is in weeks. A history is three numbers: `x`
purchase days after the first, `t_x` weeks from the first to the last, `t` weeks from the first to
now. `rules.silent_through` says what follows for the weeks ahead.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

from apps.analytics.churn.rules import PRIOR, Floats

PRIOR_GUESTS = 50.0  # how many guests of ours the prior outweighs


class NotFitted(Exception):
    """The likelihood found no peak: too few guests, or all alike."""


def _mbg(theta: Floats, x: Floats, t_x: Floats, t: Floats) -> Floats:
    r, alpha, a, b = theta
    return _gamma_part(r, alpha, x) + np.logaddexp(*_ends(r, alpha, a, b, x, t_x, t, never_alone=0))


def _bg(theta: Floats, x: Floats, t_x: Floats, t: Floats) -> Floats:
    r, alpha, a, b = theta
    alive, gone = _ends(r, alpha, a, b, x, t_x, t, never_alone=1)
    return _gamma_part(r, alpha, x) + np.where(x > 0, np.logaddexp(alive, gone), alive)


def _gamma_part(r: float, alpha: float, x: Floats) -> Floats:
    part: Floats = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    return part


def _ends(
    r: float, alpha: float, a: float, b: float, x: Floats, t_x: Floats, t: Floats, *,
    never_alone: int,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Logarithms of "still here at t" and of "left right after the last purchase". With MBG she
    may leave after the first purchase too, with BG (`never_alone` 1) she may not."""
    chances = x + 1 - never_alone
    base = betaln(a, b)
    alive = betaln(a, b + chances) - base - (r + x) * np.log(alpha + t)
    left = betaln(a + 1, np.maximum(b + chances - 1, 1e-9)) - base - (r + x) * np.log(alpha + t_x)
    return alive, left


Likelihood = Callable[[Floats, Floats, Floats, Floats], Floats]
MODELS: dict[str, Likelihood] = {"mbg": _mbg, "bg": _bg}


def fit(
    name: str, histories: Floats, *, counts: Floats | None = None, prior: bool = False
) -> tuple[float, ...]:
    """r, α, a, b of the model by maximum likelihood; rows of `histories` are (x, t_x, t), of
    `counts` guests each.

    With `prior` the parameters of a small coalition are drawn towards CDNOW's, as though it had
    PRIOR_GUESTS more. Raises NotFitted."""
    if counts is None:
        histories, found = np.unique(histories, axis=0, return_counts=True)
        counts = found.astype(np.float64)
    x, t_x, t = histories.T
    likelihood, start = MODELS[name], np.log(PRIOR)
    pull = PRIOR_GUESTS if prior else 0.0

    def loss(theta: Floats) -> float:
        fall = -float(np.sum(counts * likelihood(np.exp(theta), x, t_x, t)))
        return (fall + pull * float(np.sum((theta - start) ** 2)) / 2) / max(counts.sum(), 1.0)

    return _minimum(loss, start)


def _minimum(loss: Callable[[Floats], float], start: Floats) -> tuple[float, ...]:
    options: dict[str, Any] = {"maxiter": 4000, "maxfev": 8000, "xatol": 1e-7, "fatol": 1e-11}
    found = minimize(loss, start, method="Nelder-Mead", options=options)
    if not found.success or not np.all(np.isfinite(found.x)) or np.max(np.abs(found.x)) > 20:
        raise NotFitted
    return tuple(float(value) for value in np.exp(found.x))


def log_likelihood(name: str, theta: tuple[float, ...], histories: Floats) -> float:
    """Of the whole sample, natural logarithm."""
    return float(np.sum(MODELS[name](np.array(theta), *histories.T)))


def expected_purchases(theta: tuple[float, ...], histories: Floats, *, weeks: float) -> Floats:
    """E[purchases in the next `weeks`] by BG/NBD, formula 10 of the paper."""
    r, alpha, a, b = theta
    x, t_x, t = histories.T
    shape = hyp2f1(r + x, b + x, a + b + x - 1, weeks / (alpha + t + weeks))
    many = (a + b + x - 1) / (a - 1)
    ratio = ((alpha + t) / (alpha + t + weeks)) ** (r + x)
    gone = np.where(
        x > 0, a / (b + np.maximum(x, 1) - 1) * ((alpha + t) / (alpha + t_x)) ** (r + x), 0.0
    )
    expected: Floats = many * (1 - ratio * shape) / (1 + gone)
    return expected


def fit_spend(x: Floats, mean: Floats) -> tuple[float, ...]:
    """p, q, v of Gamma-Gamma over guests with repeat purchases: `x` of them, `mean` receipt.

    Raises NotFitted."""

    def loss(theta: Floats) -> float:
        p, q, v = np.exp(theta)
        value = (
            gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
            + (p * x - 1) * np.log(mean) + p * x * np.log(x) - (p * x + q) * np.log(x * mean + v)
        )  # fmt: skip
        return -float(np.mean(value))

    if len(x) == 0:
        raise NotFitted
    return _minimum(loss, np.log([5.0, 4.0, max(float(np.median(mean)), 1e-3)]))


def expected_receipt(theta: tuple[float, ...], x: Floats, mean: Floats) -> Floats:
    """Her expected receipt: her own mean drawn towards everybody's. x = 0 gives everybody's."""
    p, q, v = theta
    receipt: Floats = p * (v + x * mean) / (p * x + q - 1)
    return receipt
