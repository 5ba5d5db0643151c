"""Detection against closed forms, sums over all messages, and bounds."""

from itertools import product
from math import comb

import numpy as np
import pytest
from scipy.stats import norm

from commenv.solvers.detection import detector, fused, least_error, levels, unquantised


@pytest.mark.parametrize(
    ("noise", "sensors", "majority", "all_read"),
    [
        (1, 1, 0.158655254, 0.158655254),
        (1, 3, 0.067527291, 0.041632258),
        (1, 5, 0.031034980, 0.012673659),
        (1, 9, 0.007212013, 0.001349898),
        (2, 9, 0.109609885, 0.066807201),
    ],
)
def test_the_majority_of_signs(noise, sensors, majority, all_read):
    found = detector(sensors, noise, np.eye(2))
    p = norm.sf(1 / noise)
    wrong = sum(comb(sensors, k) * p**k * (1 - p) ** (sensors - k) for k in range(sensors // 2 + 1, sensors + 1))
    assert found.error == pytest.approx(wrong, rel=1e-9)
    assert found.error == pytest.approx(majority, abs=6e-10)
    assert unquantised(sensors, noise) == pytest.approx(all_read, abs=6e-10)
    assert found.exact == (sensors == 1)


def test_fusion_is_the_sum_over_all_that_may_be_heard():
    heard = np.random.default_rng(1).dirichlet(np.ones(3), 2)
    by_hand = sum(np.prod(heard[:, list(word)], axis=1).min() for word in product(range(3), repeat=4)) / 2
    assert fused(heard, 4) == pytest.approx(by_hand)


def test_more_levels_err_less():
    errors = [detector(3, 1.0, np.eye(M)).error for M in (1, 2, 3, 4)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] > unquantised(3, 1.0)
    noisy = detector(3, 1.0, [[0.8, 0.2], [0.2, 0.8]])
    assert errors[1] < noisy.error < 0.5


@pytest.mark.parametrize("sensors", range(1, 5))
def test_no_thresholds_err_less_than_a_shared_one(sensors):
    """Branch and bound over all thresholds, within .0001."""
    low, high = least_error(sensors, 1.0, 1e-4)
    found = detector(sensors, 1.0, np.eye(2))
    assert low <= found.error <= high + 1e-9
    if sensors % 2:
        assert found.thresholds == pytest.approx([0], abs=1e-6)
    else:
        assert found.error < fused(levels([0.0], 1.0), sensors) - 0.01


def test_a_box_without_width_is_its_error():
    from commenv.solvers.detection import _errors

    thresholds = np.array([[-0.5, 0.2, 0.9]])
    shares = np.array(list(product(range(3), repeat=3))).T
    tables = [levels([t], 1.0) for t in thresholds[0]]
    by_hand = (
        sum(np.prod([t[:, k] for t, k in zip(tables, word, strict=True)], axis=0).min() for word in product(range(2), repeat=3))
        / 2
    )
    assert _errors(thresholds, thresholds, 1.0, shares)[0] == pytest.approx(by_hand)
    wider = _errors(thresholds - 0.3, thresholds + 0.3, 1.0, shares)[0]
    rng = np.random.default_rng(0)
    inside = thresholds + rng.uniform(-0.3, 0.3, (500, 3))
    assert wider <= _errors(inside, inside, 1.0, shares).min()


def test_too_many_boxes():
    with pytest.raises(ValueError, match="boxes"):
        least_error(4, 1.0, 1e-9, most=100)
