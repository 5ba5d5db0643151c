"""Experiments: the rules by hand, the limits, and the best pair at play."""

from itertools import pairwise

import numpy as np
import pytest

import commenv
from agents.exact.experimenters import Experimenters
from commenv.core.game import choose
from commenv.games import rules
from commenv.solvers.experiments import best_designs, entropy, gain
from experiments.evaluation import played

ID = "acquisition/experiments-v0"


def test_a_round_by_hand():
    """What the round pays, and each one's own posterior, follow from Bayes' rule."""
    options = choose(rules(ID), {})
    prior, L = options.problem
    batch = commenv.make_batch(ID, 50, seed=0)
    seen = batch.reset()
    np.testing.assert_allclose(seen["experimenter_1"][0, :25], prior, rtol=1e-6)
    seen, rewards, *_ = batch.step({"experimenter_0": np.tile([2, 1], (50, 1)), "experimenter_1": np.tile([4, 0], (50, 1))})
    results = batch.state.board[:, [1, 3]]
    assert len(np.unique(results)) == 4
    for row, reward, own, (one, two) in zip(
        seen["experimenter_0"], rewards["experimenter_1"], seen["experimenter_1"], results, strict=True
    ):
        both = prior * L[2, :, one] * L[4, :, two]
        assert reward == pytest.approx(entropy(prior) - entropy(both / both.sum()))
        alone = prior * L[4, :, two]
        np.testing.assert_allclose(own[:25], alone / alone.sum(), rtol=1e-5)
        assert row[25:27].tolist() == [1, 0.5]
        assert (row[27:34].argmax(), row[34:38].argmax()) == (2, one)
    seen, *_ = batch.step({name: np.tile([0, 1], (50, 1)) for name in seen})
    assert seen["experimenter_0"][0, 38:].tolist() == [0, 1, 0]
    *_, over, _, _ = batch.step({name: np.tile([0, 1], (50, 1)) for name in seen})
    assert over["experimenter_0"].all()


def test_one_design_pays_its_gain():
    prior, L = choose(rules(ID), {"experimenters": 1, "rounds": 1}).problem
    batch = commenv.make_batch(ID, 20_000, seed=0, experimenters=1, rounds=1)
    batch.reset()
    _, rewards, *_ = batch.step({"experimenter_0": np.full(20_000, 3)})
    paid = rewards["experimenter_0"]
    assert abs(paid.mean() - gain(prior, L[3])) < 4 * paid.std() / np.sqrt(20_000)


@pytest.mark.parametrize("chosen", [{}, {"model": "discounting", "points": 6}])
def test_limits_rise_with_bits(chosen):
    found = [commenv.limits(ID, bits=bits, **chosen) for bits in (0, 1, 2, 3)]
    values = [limits.reachable.value for limits in found]
    assert all(a <= b + 1e-12 for a, b in pairwise(values))
    assert values[0] == found[0].silent.value < values[1]
    assert all(limits.reachable.exact and limits.silent.exact for limits in found)
    assert values[-1] == found[0].ceiling.value or values[-1] == pytest.approx(found[-1].ceiling.value)


def test_other_teams_have_bounds():
    one = commenv.limits(ID, experimenters=1)
    assert one.silent.value == one.reachable.value
    prior, L = choose(rules(ID), {}).problem
    round_one = commenv.limits(ID, rounds=1)
    assert round_one.silent.value == round_one.reachable.value == pytest.approx(best_designs(prior, L, 2)[0])
    assert commenv.limits(ID, max_cycles=2).reachable.value == round_one.reachable.value
    many = commenv.limits(ID, rounds=5)
    assert not many.reachable.exact
    assert many.silent.value < many.reachable.value == pytest.approx(entropy(prior))
    assert not commenv.limits(ID, channel={"winners": 1}).reachable.exact


@pytest.mark.parametrize("bits", [0, 1, 2])
def test_the_best_pair_earns_what_it_should(bits):
    options = choose(rules(ID), {"bits": bits})
    found = played(Experimenters(options), options, 20_000)
    assert abs(found.reward - commenv.limits(ID, bits=bits).reachable.value) < 4 * found.standard_error


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"model": "boxes"}, "model='boxes'"),
        ({"levels": 1}, "levels=1"),
        ({"model": "discounting", "levels": 4}, "levels=4"),
        ({"designs": []}, "1 to 256 designs"),
        ({"designs": [[1, 2, 3]]}, "a design"),
        ({"model": "discounting", "designs": [3]}, "now, later, days"),
        ({"noise": 0}, "noise=0"),
    ],
)
def test_options_that_are_not_allowed(chosen, message):
    with pytest.raises(ValueError, match=message):
        commenv.make(ID, **chosen)


def test_no_pair():
    with pytest.raises(ValueError, match="not 3 in 2"):
        Experimenters(choose(rules(ID), {"experimenters": 3}))
