"""The exact interval of a share: Clopper and Pearson's, from the binomial distribution alone."""

from __future__ import annotations

from math import exp, lgamma, log, log1p
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LEVEL = 0.95
_HALVINGS = 60


def exact(right: int, total: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the lowest and the highest share that `right` of `total` agrees with.

    Args:
        right: How many are right, from 0 to `total`.
        total: How many were looked at, at least 1.
        level: How often the interval holds the true share, at least.
    """
    tail = (1 - level) / 2
    low = 0.0 if right == 0 else _where(lambda p: _at_least(right, total, p) > tail)
    high = 1.0 if right == total else _where(lambda p: _at_least(right + 1, total, p) > 1 - tail)
    return low, high


def _where(is_beyond: Callable[[float], bool]) -> float:
    """Return the share from which on something holds."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_beyond(middle) else (middle, high)
    return (low + high) / 2


def _at_least(right: int, total: int, share: float) -> float:
    """Return the chance of so many right or more of a total, where the share of all is such."""
    if share <= 0 or share >= 1:
        return float(share >= 1 or right == 0)
    whole, yes, no = lgamma(total + 1), log(share), log1p(-share)
    return sum(
        exp(whole - lgamma(k + 1) - lgamma(total - k + 1) + k * yes + (total - k) * no)
        for k in range(right, total + 1)
    )
