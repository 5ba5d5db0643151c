"""Features: the rules by hand, the limits, and hubs at play against the solvers."""

import numpy as np
import pytest

import commenv
from agents.exact.hub import Hub
from commenv.core.game import choose
from commenv.games import rules
from commenv.solvers.feature_selection import follow, greedy
from experiments.evaluation import played

ID = "acquisition/features-v0"
FOUR_VALUES = [[[0.2, 0.15, 0.1, 0.05]], [[0.05, 0.1, 0.15, 0.2]]]  # p[y][x_1][x_2], the first feature constant


def test_a_game_by_hand():
    batch = commenv.make_batch(ID, 1, seed=0, price=0.1, owners=(0, 1, 0, 1))
    seen = batch.reset()
    assert seen["hub"][0].tolist() == [1, 1, *[0] * 14]
    assert not seen["sensor_1"][0].any()
    batch.state.games["state"] = 1
    batch.state.board[0, :4] = [0, 1, 0, 1]
    seen, rewards, *_ = batch.step({"hub": [1], "sensor_0": [0], "sensor_1": [0]})
    assert rewards["hub"][0] == rewards["sensor_0"][0] == pytest.approx(-0.1)
    assert seen["sensor_1"][0].tolist() == [1, 0, 1, 0, 0, 0, 1]  # asked for feature 1, which is 1
    assert not seen["sensor_0"][0].any()
    assert (batch.active["sensor_1"][0], batch.active["hub"][0]) == (True, False)
    seen, *_ = batch.step({"hub": [0], "sensor_0": [0], "sensor_1": [1]})
    np.testing.assert_allclose(seen["hub"][0], [1, 2 / 3, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0], rtol=1e-6)
    _, rewards, over, _, infos = batch.step({"hub": [4 + 1], "sensor_0": [0], "sensor_1": [0]})
    assert (rewards["sensor_0"][0], over["hub"][0]) == (1, True)
    assert infos["hub"]["final_info"]["success"][0] == 1


@pytest.mark.parametrize("asks", [[0, 1], [1, 1]])
def test_what_cannot_be_bought_ends_the_game(asks):
    """Two features for more than the budget; and one twice."""
    env = commenv.make_aec(ID)
    env.reset(seed=0)
    for ask in asks:
        assert env.agent_selection == "hub"
        env.step(ask)
        if not env.terminations["hub"]:
            env.step(0)
    assert env.terminations["hub"]
    assert sum(env._cumulative_rewards.values()) <= 0


@pytest.mark.parametrize(("budget", "reward"), enumerate([0.5, 0.75, 0.75, 0.9, 0.9, 0.9, 0.9105]))
def test_reachable_is_the_optimum(budget, reward):
    limits = commenv.limits(ID, budget=budget)
    assert limits.reachable.value == limits.ceiling.value == pytest.approx(reward, rel=1e-12)
    assert limits.silent.value == 0.5
    assert commenv.limits(ID, budget=budget, bits=0).reachable.value == 0.5


def test_limits_with_too_few_messages_and_with_noise():
    """One bit for four values: the best code parts them in halves, .7 against .7 with two bits; noise leaves a bound."""
    few, enough = (commenv.limits(ID, joint=FOUR_VALUES, costs=(1, 1), budget=1, bits=bits) for bits in (1, 2))
    assert few.reachable.value == pytest.approx(0.7)
    assert not few.reachable.exact
    assert enough.reachable.exact
    assert few.reachable.value <= enough.reachable.value + 1e-12
    assert not commenv.limits(ID, channel={"error": 0.1}).reachable.exact
    short = commenv.limits(ID, max_cycles=2)  # no time to hear an answer and name a label
    assert short.reachable.value == 0.5


@pytest.mark.parametrize("chosen", [{}, {"budget": 6, "price": 0.01}, {"joint": FOUR_VALUES, "costs": (1, 1), "bits": 2}])
def test_hubs_earn_what_they_should(chosen):
    options = choose(rules(ID), chosen)
    for policy, value in (
        (None, commenv.limits(ID, **chosen).reachable.value),
        (greedy(options.problem), follow(options.problem, greedy(options.problem)).reward),
    ):
        found = played(Hub(options, policy), options, 20_000)
        assert abs(found.reward - value) < 4 * found.standard_error
        assert found.success == pytest.approx(found.reward, abs=0.2)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"accuracies": [1.5]}, "an accuracy=1.5"),
        ({"accuracies": []}, "accuracies"),
        ({"costs": [1]}, "one for each of the 4 features"),
        ({"costs": [0, 1, 1, 1]}, "above 0"),
        ({"joint": [[0.5], [0.6]], "costs": [1]}, "joint"),
        ({"joint": 3}, "joint"),
        ({"budget": -1}, "budget=-1"),
        ({"owners": [0, 2, 0, 0]}, "without gaps"),
        ({"owners": [0]}, "owners"),
    ],
)
def test_options_that_are_not_allowed(chosen, message):
    with pytest.raises(ValueError, match=message):
        commenv.make(ID, **chosen)


def test_a_hub_needs_a_message_for_each_value():
    with pytest.raises(ValueError, match="bits=1"):
        Hub(choose(rules(ID), {"joint": FOUR_VALUES, "costs": (1, 1)}))
