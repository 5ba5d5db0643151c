"""What of a type matters: the paper's examples, and every policy tried on random games."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commenv import info
from commenv.games.messaging.knowledge import Options
from commenv.solvers.knowledge import (
    KnowledgeGame,
    menus,
    minimal_cover,
    policies,
    policy_values,
    share_a_policy,
    strategic_classes,
)

DRIVING = Options(instance="driving").tables
TWO_STAGE, CAREFUL = Options().tables, Options(safe=0.85).tables


@pytest.mark.parametrize(
    ("game", "classes", "cover"),
    [
        (DRIVING, [0, 0, 0, 1, 1, 1], [[0, 1, 2], [3, 4, 5]]),
        (TWO_STAGE, [0, 0, 0, 1, 2, 2, 2], [[0, 1, 2, 3], [4, 5, 6]]),  # an indifferent type is a class, and needs no block
        (CAREFUL, [0, 1, 1, 1, 1, 1, 2], [[0], [1, 2, 3, 4, 5], [6]]),
    ],
)
def test_classes_and_the_fewest_blocks(game, classes, cover):
    assert strategic_classes(game) == classes
    assert minimal_cover(game) == cover


@pytest.mark.parametrize(
    ("game", "values"),
    [(TWO_STAGE, (0.5, 0.742857143, 0.742857143)), (CAREFUL, (0.85, 0.871428571, 0.892857143))],
)
def test_values_of_menus(game, values):
    found = menus(game)
    for k, value in enumerate(values, 1):
        best = found.best(game, k)
        assert best.exact
        assert best.value == pytest.approx(value, abs=5e-10)
    assert not game.reveals


def test_known_types_of_the_two_stage_game():
    np.testing.assert_allclose(TWO_STAGE.known, [1, 0.8, 0.55, 0.5, 0.55, 0.8, 1])


@st.composite
def games(draw):
    T, H, S, A, B = draw(st.tuples(st.integers(1, 4), st.integers(1, 2), st.integers(1, 2), st.integers(1, 2), st.integers(1, 2)))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    pure = draw(st.booleans())  # ties and certainties, or neither

    def some(shape):
        table = rng.dirichlet(np.ones(shape[-1]), shape[:-1])
        return (table == table.max(axis=-1, keepdims=True)).astype(float) if pure else table

    reward = rng.integers(0, 3, (S, A, B)) if pure else rng.random((S, A, B))
    return KnowledgeGame(reward, some((S, A, B, S)), some((T, H, S, B)), start=int(rng.integers(S)))


@settings(max_examples=40, deadline=None)
@given(games())
def test_against_every_policy(game):
    T = game.sizes[0]
    values = policy_values(game, list(policies(game)))
    known = np.asarray(game.known)
    np.testing.assert_allclose(values.max(axis=1), known, atol=1e-9)
    perfect = values >= known[:, None] - 1e-9
    cover = minimal_cover(game)
    for mask in range(1, 2**T):
        block = [k for k in range(T) if mask >> k & 1]
        assert share_a_policy(game, block) == perfect[block].all(axis=0).any()
    assert sorted(k for block in cover for k in block) == list(range(T))
    assert len(cover) <= len(set(strategic_classes(game)))
    found, earned = menus(game), [menus(game).best(game, k).value for k in range(1, T + 1)]
    assert earned == sorted(earned)
    assert found.best(game, len(cover)).value == pytest.approx(np.asarray(game.prior) @ known, abs=1e-9)
    for k in range(1, T + 1):  # as many policies as blocks serve everybody perfectly, and fewer do not
        served = info.one_shot(np.full(T, 1 / T), perfect.astype(float), k).value
        assert (served > 1 - 1e-9) == (k >= len(cover))


@settings(max_examples=20, deadline=None)
@given(games(), st.integers(0, 2**30))
def test_policies_earn_what_play_earns(game, seed):
    """Forward, by the distribution of states: the same as backward."""
    table = list(policies(game))[seed % len(list(policies(game)))]
    T, H, S, _, _ = game.sizes
    R, P, types = (np.asarray(table) for table in (game.reward, game.transition, game.types))
    for k in range(T):
        here, total = np.eye(S)[game.start], 0.0
        for t in range(H):
            following = np.zeros(S)
            for s in range(S):
                a, b = table[t, s], types[k, t, s]
                total += here[s] * (b @ R[s, a])
                following += here[s] * (b @ P[s, a])
            here = following
        assert policy_values(game, [table])[k, 0] == pytest.approx(total)


ONE = {"reward": np.ones((1, 2, 2)), "transition": np.ones((1, 2, 2, 1)), "types": np.full((2, 1, 1, 2), 0.5)}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"reward": [[1]]}, r"reward of shape \(1, 1\)"),
        ({"reward": "much"}, "reward='much'"),
        ({"reward": np.full((1, 2, 2), np.nan)}, "finite"),
        ({"transition": np.full((1, 2, 2, 1), 0.5)}, "transition must be distributions"),
        ({"types": np.full((2, 1, 2, 2), 0.5)}, "do not fit"),
        ({"prior": [1.0]}, "prior"),
        ({"start": 1}, "start=1"),
    ],
)
def test_bad_tables_are_named(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        KnowledgeGame(**{**ONE, **change})


def test_too_much_is_refused():
    many = KnowledgeGame(ONE["reward"], ONE["transition"], np.full((13, 1, 1, 2), 0.5))
    with pytest.raises(ValueError, match="13 types are too many"):
        minimal_cover(many)
    long = KnowledgeGame(np.ones((1, 2, 1)), np.ones((1, 2, 1, 1)), np.ones((1, 17, 1, 1)))
    with pytest.raises(ValueError, match=r"2\*\*17 policies are too many"):
        next(policies(long))
