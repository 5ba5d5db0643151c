"""CodeCart: Gymnasium's CartPole-v1, step for step, and the game around it."""

import gymnasium
import numpy as np
import pytest

import commenv

CART = "coding/code_cart-v0"


def test_gymnasiums_cart_moves_alike():
    """From the same state and by the same pushes: states to rounding, falls and rewards exactly."""
    theirs, ours = gymnasium.make("CartPole-v1").unwrapped, commenv.make(CART, messages=4, parts=1)
    rng, fallen = np.random.default_rng(0), 0
    for seed in range(30):
        theirs.reset(seed=seed)
        ours.reset(seed=seed)
        state = rng.uniform([-1.5, -1, -0.1, -1], [1.5, 1, 0.1, 1]) if seed % 2 else theirs.state
        theirs.state = np.array(state, float)
        game = ours.batch.state.games
        game["place"], game["speed"], game["angle"], game["spin"] = state
        for _ in range(200):
            right = int(rng.integers(2)) if seed % 3 else int(theirs.state[2] + theirs.state[3] > 0)
            seen, reward, over, *_ = theirs.step(right)
            observations, rewards, *_ = ours.step({"sender": right})
            found = [game[name][0] for name in ("place", "speed", "angle", "spin")]
            np.testing.assert_allclose(found, theirs.state, rtol=1e-13, atol=1e-14)
            game["place"], game["speed"], game["angle"], game["spin"] = theirs.state  # rounding grows as the pole falls
            np.testing.assert_allclose(observations["receiver"][:4], seen, rtol=1e-6, atol=1e-7)
            assert rewards["receiver"] == reward
            assert observations["receiver"][5:7].argmax() == right
            assert (ours.movers == ["receiver"]) == over
            if over:
                fallen += 1
                break
    assert fallen > 10


def test_it_begins_as_gymnasiums_does():
    seen = commenv.make_batch(CART, 5000, seed=0, messages=4, parts=1).reset()["receiver"][:, :4]
    assert np.abs(seen).max() <= 0.05
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=4 * 0.1 / np.sqrt(12 * 5000))
    np.testing.assert_allclose(seen.std(axis=0), 0.1 / np.sqrt(12), rtol=0.05)


def test_all_parts_must_be_named():
    env = commenv.make(CART, messages=4, parts=3, horizon=2, zeta=5.0)
    env.reset(seed=0)
    message = env.batch.state.board[0].copy()
    for wrong in (False, True):
        env.reset(seed=0)
        for push in (0, 1):
            env.step({"sender": push})
        for k in range(3):
            observations, *_ = env.step({"receiver": int(message[k]) ^ int(wrong and k == 1)})
            if k < 2:
                assert observations["receiver"][7:10].argmax() == k + 1
        infos = env.batch.infos()["receiver"]["final_info"]
        assert infos["mdp_return"][0] == 2
        assert infos["decode_correct"][0] == (0 if wrong else 1)
        assert infos["bits_delivered"][0] == (4 if wrong else 6)
        assert infos["episode_return"][0] == (2 if wrong else 7)


def test_limits():
    found = commenv.limits(CART)
    assert found.silent.value == pytest.approx(500)
    assert found.ceiling.value == 501
    short = commenv.limits(CART, horizon=100)  # 100 pushes tell no 256 bits
    assert short.ceiling.value == pytest.approx(100 + 100.96 / 256, abs=1e-3)
    assert commenv.limits(CART, rate_limit="total", bits=8).ceiling.value < 500.05
