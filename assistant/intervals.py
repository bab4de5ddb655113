"""95 % intervals for what is counted: shares of n, and events in hours."""

from __future__ import annotations

from math import exp, sqrt

Z_95 = 1.96
"""Normal quantile of a two-sided 95 % interval."""


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson 1927): bounds in 0..1; (0, 1) when n is 0."""
    if not n:
        return 0.0, 1.0
    share, square = hits / n, Z_95**2
    middle = share + square / (2 * n)
    spread = Z_95 * sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, (middle - spread) / (1 + square / n)), min(1.0, (middle + spread) / (1 + square / n))


def poisson(events: int, hours: float) -> tuple[float, float]:
    """95 % interval of a rate per hour (Garwood 1936); with no event the upper bound is 3 / hours (one-sided)."""
    if not hours:
        return 0.0, float("inf")
    if not events:
        return 0.0, 3.0 / hours
    low = _mean_where(events - 1, 0.975)
    return low / hours, _mean_where(events, 0.025) / hours


def _mean_where(events: int, probability: float) -> float:
    """The Poisson mean at which at most `events` events have this probability, by bisection."""
    low, high = 0.0, 10.0 + 3.0 * events
    for _ in range(60):
        middle = (low + high) / 2
        term, total = exp(-middle), 0.0
        for count in range(events + 1):
            total += term
            term *= middle / (count + 1)
        low, high = (middle, high) if total > probability else (low, middle)
    return low
