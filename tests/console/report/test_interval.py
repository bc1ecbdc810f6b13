"""The exact interval of a share, against that of scipy."""

from __future__ import annotations

import pytest

from console.report.interval import exact


@pytest.mark.parametrize(
    ("right", "total"),
    [(0, 1), (1, 1), (0, 10), (9, 10), (10, 10), (118, 120), (500, 1000), (4999, 5000), (1, 20000)],
)
def test_it_is_clopper_and_pearsons(right: int, total: int) -> None:
    # It takes longer to import than all other tests take to be collected, and one process needs it.
    from scipy.stats import binomtest  # noqa: PLC0415

    expected = binomtest(right, total).proportion_ci(0.95, method="exact")
    assert exact(right, total) == pytest.approx((expected.low, expected.high), abs=1e-9)
