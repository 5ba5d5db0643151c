"""One-way codes against all encoders, and their bounds."""

from itertools import product

import numpy as np
import pytest

from commenv.solvers.one_way import bound, one_way


def by_force(prior, reward, W):
    worth = prior[:, :, None] * reward
    return max(
        np.einsum("xo,xya->oya", W[list(code)], worth).max(axis=-1).sum() for code in product(range(len(W)), repeat=len(prior))
    )


def drawn(seed, X=5, Y=3, A=3):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(X * Y)).reshape(X, Y), rng.standard_normal((X, Y, A))


NOISE = {
    "none": np.eye(3),
    "no message": np.ones((1, 1)),
    "alike": np.array([[1.0, 0], [1, 0], [0, 1]]),
    "symmetric": np.array([[0.9, 0.1], [0.1, 0.9]]),
    "erasure": np.array([[0.7, 0, 0.3], [0, 0.7, 0.3]]),
}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("noise", NOISE)
def test_no_encoder_is_better(seed, noise):
    prior, reward = drawn(seed)
    W = NOISE[noise]
    code = one_way(prior, reward, W)
    assert code.exact
    assert code.value == pytest.approx(by_force(prior, reward, W), abs=1e-12)
    met = np.einsum("xo,xy,xya->oya", W[code.encoder], prior, reward)
    assert np.take_along_axis(met, code.decoder[:, :, None], axis=2).sum() == pytest.approx(code.value)  # the code earns it
    if np.isin(W, (0, 1)).all():
        assert bound(prior, reward, np.log2(len(np.unique(W.argmax(axis=1))))).upper >= code.value - 1e-9


def test_local_search_is_no_more_than_a_lower_bound():
    prior, reward = drawn(7, X=18, Y=7, A=4)
    searched = one_way(prior, reward, np.eye(3))
    assert searched.method == "local search"
    assert not searched.exact
    fewer = one_way(prior[:10] / prior[:10].sum(), reward[:10], np.eye(3))
    assert fewer.exact
    assert one_way(prior, reward, np.eye(2)).value <= searched.value + 1e-12
    assert searched.value <= bound(prior, reward, np.log2(3)).upper


def test_whoever_knows_y_sends_no_less():
    """The two bounds on tables to which both apply: the speaker's knowledge of y never hurts."""
    from commenv import info

    prior = np.outer([0.5, 0.3, 0.2], [0.4, 0.6])
    reward = np.random.default_rng(3).random((3, 2, 3))
    informed = info.conditional_rate_reward(prior.T, reward.transpose(1, 0, 2), 0.7)
    assert bound(prior, reward, 0.7).value <= informed.upper + 1e-9


def test_tables_must_fit():
    with pytest.raises(ValueError, match=r"\(X, Y\) and \(X, Y, A\)"):
        one_way(np.ones((2, 2)) / 4, np.ones((2, 3, 2)), np.eye(2))
