"""Steering a herd: exact values on the lattice, the belief grid, closed forms, and where the value is not convex."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commenv.solvers.cascade import discounted_accuracy
from commenv.solvers.steering import Planner, convexity_report, grid, lattice

ALTRUIST, BIASED = Planner(), Planner(planner="biased")


def altruist(weight, baseline=1, **options):
    return lattice(Planner(cost_weight=weight, **options), baseline=baseline)


def biased(weight):
    return lattice(Planner(planner="biased", cost_weight=weight), baseline=2)


def level(q):
    """Level on the lattice of ln 1.5."""
    return np.rint(np.log(q / (1 - q)) / np.log(1.5)).astype(int)


@pytest.mark.parametrize(
    ("found", "values", "levels"),
    [
        (
            altruist(0.5),
            [-0.7546703733, -0.9254602630, -0.9239412945, -0.7968580096, -0.6245525610, -1.1636363636],
            [4, 3, 2, 4, 4, 1],
        ),
        (
            altruist(8),
            [-1.7656484175, -1.7477055142, -1.5972305630, -1.4466388312, -1.2895764298, -1.1636363636],
            [3, 3, 4, 4, 4, 1],
        ),
        (biased(2), [7.2274522573, 9.2603550296, 9.8295857988, 10, 10, 10], [1, 0, 1, 2, 2, 2]),
        (biased(0.2), [7.7163376127, 9.9260355030, 9.9829585799, 10, 10, 10], [1, 0, 1, 2, 2, 2]),
    ],
)
def test_lattice(found, values, levels):
    middle = len(found.beliefs) // 2
    np.testing.assert_allclose(found.value[middle : middle + 6], values, atol=5e-11)
    assert level(found.precision[middle : middle + 6]).tolist() == levels
    if found.planner.planner == "altruistic":
        np.testing.assert_allclose(found.value, found.value[::-1], atol=1e-12)


@pytest.mark.parametrize(
    ("weight", "values"),
    [
        (2, [5.7274086979, 4.2441753013, 2.9286342719, 2.0266520005, 0]),
        (0.2, [6.1140572853, 4.5131890421, 3.1558973005, 2.1845391846, 0]),
    ],
)
def test_where_a_biased_planner_is_behind(weight, values):
    found = biased(weight)
    middle = len(found.beliefs) // 2
    np.testing.assert_allclose(found.value[middle - 5 : middle][::-1], values, atol=5e-11)


def test_without_control_it_is_a_cascade():
    q = 0.6
    found = altruist(1, min_precision=q, max_precision=q)
    middle = len(found.beliefs) // 2
    assert found.value[middle] == pytest.approx(-(1 - discounted_accuracy(q, 0.9)) / 0.1, abs=1e-11)
    np.testing.assert_allclose(
        found.value[middle : middle + 6],
        [-3.3638743455, -3.2931937173, -3.0769230769, -2.2857142857, -1.6494845361, -1.1636363636],
        atol=5e-11,
    )


HALF = [0.1, 0.2, 0.3, 0.4, 0.5]
GRIDS = [
    (Planner(cost_weight=20), HALF, [-1, -2, -2.26458642, -2.49491998, -2.5375909]),
    (Planner(cost_weight=1, max_precision=0.9), HALF, [-0.3638258, -0.51694531, -0.62004099, -0.59749189, -0.51744322]),
    (Planner(cost_weight=50, max_precision=0.9), HALF, [-1, -2, -2.74369929, -2.97432683, -2.99920446]),
    (
        Planner(planner="biased", cost_weight=1, baseline=0.7, max_precision=0.9),
        [*HALF, 0.6, 0.7],
        [1.54585402, 3.06511188, 5.33746314, 7.15542042, 8.67811124, 9.89596, 9.99996],
    ),
    (
        Planner(planner="biased", cost_weight=5, baseline=0.7),
        [*HALF, 0.6, 0.7],
        [1.2714375, 2.94293416, 4.5597186, 6.13652343, 7.48515013, 9.4746875, 9.9996875],
    ),
]


@pytest.mark.parametrize(("planner", "at", "values"), GRIDS)
def test_grid(planner, at, values):
    found = grid(planner)
    np.testing.assert_allclose(found.value[np.rint(1000 * np.array(at)).astype(int)], values, atol=5e-9)
    if planner.planner == "altruistic":
        np.testing.assert_allclose(found.value, found.value[::-1], atol=1e-9)


def test_full_revelation_has_a_closed_form():
    found = grid(Planner(cost_weight=1))
    b = found.beliefs
    closed = np.maximum(-0.16, -np.minimum(b, 1 - b) / 0.1)
    np.testing.assert_allclose(found.value, closed, atol=1e-10)
    assert set(np.array(found.regimes())[(b > 0.02) & (b < 0.98)]) == {"full revelation"}
    assert convexity_report(found.value, b)[0] > -1e-6


@pytest.mark.parametrize(("weight", "floor"), [(1, 0.4), (3, 1.2)])
def test_linear_cost_has_one_too(weight, floor):
    found = grid(Planner(cost_weight=weight, cost_shape="linear"))
    b = found.beliefs
    np.testing.assert_allclose(found.value, np.maximum(-floor, -10 * np.minimum(b, 1 - b)), atol=1e-9)


def test_obfuscation():
    """Between 1/2 and the baseline a biased planner keeps the herd on good: (rho - c(b)) / (1 - d), attained by ties its way."""
    planner = Planner(planner="biased", cost_weight=1, baseline=0.7, tie="planner")
    found = grid(planner)
    near = (found.beliefs > 0.55) & (found.beliefs < 0.69)
    assert set(np.array(found.regimes())[near]) == {"obfuscation"}
    np.testing.assert_allclose(found.value[near], (1 - (found.beliefs[near] - 0.7) ** 2) / 0.1, atol=1e-9)
    assert found.value[600] == pytest.approx(9.9, abs=1e-9)
    dear = grid(Planner(planner="biased", cost_weight=20, baseline=0.7))
    assert dear.regimes()[550] != "obfuscation"
    assert dear.value[550] == pytest.approx(7.39578, abs=5e-6)


def test_the_value_is_not_always_convex():
    found = grid(Planner(cost_weight=5))
    second, at = convexity_report(found.value, found.beliefs)
    assert second == pytest.approx(-2338, abs=1)
    assert at == pytest.approx(0.922)
    kink = grid(Planner(cost_weight=3, cost_shape="linear", discount=0.5), beliefs=401)
    second, at = convexity_report(kink.value, kink.beliefs)
    assert second / 400 == pytest.approx(-1.6205, abs=5e-5)  # the slope's drop, which a finer grid keeps: a true kink
    assert min(abs(at - 0.4), abs(at - 0.6)) < 1e-9


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(["altruistic", "biased"]), st.sampled_from(["quadratic", "linear"]), st.floats(0, 10), st.floats(0.5, 1))
def test_control_is_worth_something(kind, shape, weight, baseline):
    """More precisions never hurt, and the value keeps Bellman's equation."""
    own = Planner(planner=kind, cost_shape=shape, cost_weight=weight, baseline=baseline)
    few, many = grid(own, beliefs=41, precisions=6), grid(own, beliefs=41, precisions=11)
    assert (many.value >= few.value - 1e-9).all()
    bound = own.error_cost if kind == "altruistic" else own.preference
    top = 0 if kind == "altruistic" else bound / (1 - own.discount)
    assert (many.value <= top + 1e-9).all()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"planner": "kind"}, "planner='kind'"),
        ({"cost_shape": "cubic"}, "cost_shape"),
        ({"tie": "coin"}, "tie"),
        ({"baseline": 0.4}, "baseline=0.4"),
        ({"min_precision": 0.9, "max_precision": 0.6}, "min_precision=0.9"),
        ({"discount": 1.0}, "discount"),
        ({"cost_weight": float("nan")}, "cost_weight"),
    ],
)
def test_bad_input_is_named(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        Planner(**wrong)
