"""ResponseGraphUCB: what it calls sure is so, and its bounds hold at all times together."""

import numpy as np
import pytest

from commenv.solvers.alpha_rank import alpha_rank
from commenv.solvers.response_graph import BOUNDS, SCHEMES, ranking_intervals, response_graph, uniform_samples

WON = np.array([[0.5, 0.85], [0.15, 0.5]])
RIGHT = {((0, 1), (0, 0), 1), ((1, 1), (1, 0), 1), ((1, 0), (0, 0), 0), ((1, 1), (0, 1), 0)}


def zero_sum(profile, rng):
    won = float(rng.random() < WON[profile])
    return won, 1 - won


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_graph_is_right(scheme, bound):
    for seed in range(3):
        found = response_graph(zero_sum, (2, 2), scheme=scheme, bound=bound, seed=seed, at_once=8)
        assert set(found.better) == RIGHT
        assert not found.unresolved
        assert (found.low[0] <= WON).all()
        assert (found.high[0] >= WON).all()
        assert found.samples == found.counts.sum() < 4000
    again = response_graph(zero_sum, (2, 2), scheme=scheme, bound=bound, seed=2, at_once=8)
    np.testing.assert_array_equal(again.means, found.means)


def test_samples_are_as_many_as_was_found_by_others():
    """1,217 games on the mean of 200 seeds in an independent run of the same algorithm; standard deviation about 200."""
    games = [response_graph(zero_sum, (2, 2), seed=seed).samples for seed in range(12)]
    assert abs(np.mean(games) - 1217) < 4 * 250 / np.sqrt(12)


def test_games_of_equal_worth_end():
    def even(profile, rng):
        return (0.5, 0.5)

    found = response_graph(even, (2, 2), max_samples=500, at_once=10)
    assert found.samples == 500
    assert len(found.unresolved) == 4
    assert response_graph(even, (2, 2), max_each=20, at_once=10).counts.tolist() == [[20, 20], [20, 20]]
    tied = response_graph(even, (2, 2), tie=0.5, at_once=10)
    assert tied.samples < 2000
    assert not tied.better


@pytest.mark.parametrize(("arguments", "value"), [((0.2, 4, 2, 0.1), 50 * np.log(160)), ((0.35, 4, 2, 0.1), 331.4 / 4)])
def test_uniform_samples(arguments, value):
    assert uniform_samples(*arguments) == pytest.approx(value, rel=2e-4)


def test_intervals_hold_the_ranking():
    found = response_graph(zero_sum, (2, 2), max_samples=40)
    spans = ranking_intervals(found, alpha=2.0, corners=50)
    truth = alpha_rank(list(found.means), alpha=2.0).mass
    assert (spans[:, 0] <= truth).all()
    assert (truth <= spans[:, 1]).all()
    assert (spans[:, 1] > spans[:, 0]).any()


@pytest.mark.parametrize(
    ("sample", "options", "sentence"),
    [
        (lambda profile, rng: (1.5, 0), {}, r"payoffs of \(0, 0\)=\[1.5, 0.0\]"),
        (lambda profile, rng: (0.5,), {}, r"payoffs of \(0, 0\)"),
        (lambda profile, rng: (np.nan, 0), {}, "from 0 to 1"),
        (lambda profile, rng: (0.5, 0), {"bound": "clopper-pearson"}, "0 or 1"),
        (zero_sum, {"scheme": "all"}, "scheme='all'"),
        (zero_sum, {"bound": "none"}, "bound='none'"),
        (zero_sum, {"delta": 0}, "delta=0"),
        (zero_sum, {"max_samples": 3}, "max_samples=3"),
    ],
)
def test_bad_input_is_named(sample, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        response_graph(sample, (2, 2), **options)
