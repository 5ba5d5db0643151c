"""Reward cashing pays a constant less than the game, and what the game's own option pays; also for beliefs that are tracked."""

import numpy as np
import pytest
from pettingzoo import ParallelEnv

import commenv
from commenv.core.game import choose
from commenv.games import rules
from commenv.games.acquisition.bandit import cash_of, cashed_at_first
from commenv.interfaces.cashing import Believed, Cashed
from commenv.solvers.belief import BeliefGame

BANDIT = "acquisition/bandit-v0"
OPTIONS = {"arms": 3, "pulls": 4, "stake": 5, "priors": [[1, 2], [2, 1], [1, 1]]}


def test_the_wrapper_and_the_option_pay_the_same():
    options = choose(rules(BANDIT), OPTIONS)
    inside = commenv.make(BANDIT, cashing=True, **OPTIONS)
    outside = Cashed(commenv.make(BANDIT, **OPTIONS), cash_of(options))
    rng = np.random.default_rng(0)
    for seed in range(5):
        outside.reset(seed=seed)
        inside.reset(seed=seed)
        total, own = 0.0, 0.0
        while outside.agents:
            actions = {name: rng.integers(getattr(outside.action_space(name), "nvec", 3)) for name in outside.agents}
            _, reward, *_, infos = outside.step(actions)
            assert reward["crew"] == pytest.approx(inside.step(actions)[1]["crew"])
            total, own = total + reward["crew"], own + infos["crew"]["uncashed"]
        assert total == pytest.approx(own - cashed_at_first(options))


class TwoDoors(ParallelEnv):
    """One of two doors pays 1; listening, action 2, points at it with probability .85. Three steps."""

    def __init__(self):
        self.metadata, self.possible_agents = {"name": "two doors"}, ["player"]

    def reset(self, seed=None, options=None):
        self.rng, self.agents, self.t = np.random.default_rng(seed), ["player"], 0
        self.door = int(self.rng.integers(2))
        return {"player": 0}, {"player": {}}

    def step(self, actions):
        act, self.t = int(actions["player"]), self.t + 1
        right = self.rng.random() < 0.85
        seen = 0 if act < 2 else 1 + (self.door if right else 1 - self.door)
        over = self.t == 3
        self.agents = [] if over else self.agents
        one = {"player": over}
        return {"player": seen}, {"player": float(act == self.door)}, one, {"player": False}, {"player": {}}


def two_doors() -> BeliefGame:
    transition = np.zeros((2, 3, 3, 3))
    transition[:, :, :2, 0] = 1
    for e in range(2):
        transition[e, :, 2, 1 + e], transition[e, :, 2, 2 - e] = 0.85, 0.15
    reward = np.zeros((2, 3, 3))
    for e in range(2):
        reward[e, :, e] = 1
    return BeliefGame(np.full(2, 0.5), transition, reward, 3)


def test_any_finite_belief_game_can_be_cashed():
    game, listened = two_doors(), []
    env = Cashed(TwoDoors(), Believed(game, lambda seen: seen["player"], lambda acts: int(acts["player"])))
    for seed in range(40):
        env.reset(seed=seed)
        total, own = 0.0, 0.0
        for act in (2, 0, 1):
            _, reward, *_, infos = env.step({"player": act})
            total, own = total + reward["player"], own + infos["player"]["uncashed"]
            if act == 2:
                listened.append(reward["player"])
        assert total == pytest.approx(own - 1.5)  # U at first: three steps at a door that pays one time in two
    # Listening costs a step and is paid at once: two steps at .85 instead of three at 1/2.
    assert listened == pytest.approx([2 * 0.85 - 1.5] * 40)
    assert game.value(0) == pytest.approx(2 * 0.85)


def test_discount_is_a_share():
    with pytest.raises(ValueError, match="discount=2"):
        Cashed(TwoDoors(), lambda seen, acts: 0.0, discount=2)
