"""Twenty questions and boxes: their rules by hand, their limits, and exact teams at play against the solvers."""

import numpy as np
import pytest

import commenv
from agents.exact.searchers import BoxSearchers, Searchers
from commenv.core.game import choose
from commenv.games import rules
from commenv.solvers.box_search import expected_rounds
from commenv.solvers.questions import follow, pursuit
from experiments.evaluation import played

ID, BOXES = "acquisition/twenty_questions-v0", "acquisition/box_search-v0"
GAMES = 20_000
GAP = {"hypotheses": 8, "prior": [w / 31 for w in (1, 4, 1, 8, 1, 8, 1, 7)], "queries": [208, 93, 195, 201, 57, 156]}


def options(id, **chosen):
    return choose(rules(id), chosen)


def agree(team, value):
    found = played(team, team.options, GAMES)
    assert abs(found.reward - value) <= 4 * found.standard_error + 1e-9
    return found


# ---------------------------------------------------------------------------------------------------------------- rules
def test_a_search_by_hand():
    """Nine numbers, two searchers: whether it is below 3, and below 6; then the two thirds that are left."""
    batch = commenv.make_batch(ID, 1, seed=0, price=0.25)
    batch.reset()
    batch.state.games["state"] = 4
    seen, rewards, *_ = batch.step({"searcher_0": [[2, 1]], "searcher_1": [[5, 0]]})
    assert rewards["searcher_0"][0] == rewards["searcher_1"][0] == -1.5
    own = seen["searcher_0"][0]
    np.testing.assert_allclose(own[:9], [0] * 3 + [1 / 6] * 6, rtol=1e-6)
    assert own[9] == 1  # to tell
    assert own[10:19].argmax() == 2
    assert own[19:21].tolist() == [1, 0]  # no
    assert not own[21:].any()  # what was said while asking was not sent
    np.testing.assert_allclose(seen["searcher_1"][0, :9], [1 / 6] * 6 + [0] * 3, rtol=1e-6)
    seen, rewards, *_ = batch.step({"searcher_0": [[0, 0]], "searcher_1": [[0, 1]]})
    assert rewards["searcher_0"][0] == 0
    assert seen["searcher_0"][0, 21:].tolist() == [0, 1, 0]
    assert seen["searcher_1"][0, 21:].tolist() == [1, 0, 0]
    *_, terminations, _, infos = batch.step({"searcher_0": [[3, 0]], "searcher_1": [[4, 0]]})
    assert terminations["searcher_0"][0]
    assert infos["searcher_0"]["final_info"]["success"][0] == 1
    assert infos["searcher_0"]["final_info"]["episode_return"][0] == -3
    assert infos["searcher_0"]["final_info"]["payload_bits"][0] == 1


def test_only_so_many_are_answered_and_who_is_not_cannot_speak():
    batch = commenv.make_batch(ID, 1, seed=0, searchers=3, answers=1)
    batch.reset()
    batch.step({"searcher_0": [[8, 0]], "searcher_1": [[3, 0]], "searcher_2": [[4, 0]]})  # the first passes
    seen = batch.observations
    assert [rows[0, 19:21].any() for rows in seen.values()] == [False, True, False]
    batch.step({name: [[0, 1]] for name in seen})
    heard = {name: rows[0, 21:].reshape(2, 3).any(1).tolist() for name, rows in batch.observations.items()}
    assert heard == {"searcher_0": [True, False], "searcher_1": [False, False], "searcher_2": [False, True]}


def test_a_search_fails():
    env = commenv.make(ID, rounds=2, failure=5.0)
    env.reset(seed=0)
    passing = {name: [8, 0] for name in env.agents}
    earned = []
    while env.agents:
        _, rewards, _, _, _ = env.step(passing)
        earned.append(rewards["searcher_0"])
    assert earned == [-1, 0, -6]


def test_noisy_answers_give_the_posterior_of_bayes():
    batch = commenv.make_batch(ID, 5000, seed=0, hypotheses=2, queries=[1], noise=0.2, searchers=1, confidence=0.95)
    batch.reset()
    truth = batch.state.games["state"].copy()
    seen, *_ = batch.step({"searcher_0": np.zeros(5000, int)})
    yes = seen["searcher_0"][:, -1] > 0
    right = yes == (truth == 0)
    assert abs(right.mean() - 0.8) < 4 * np.sqrt(0.16 / 5000)
    np.testing.assert_allclose(seen["searcher_0"][yes, 0], 0.8, rtol=1e-6)


def test_boxes_by_hand():
    batch = commenv.make_batch(BOXES, 1, seed=0, rounds=3)
    batch.reset()
    batch.state.games["place"] = 3
    seen, rewards, over, *_ = batch.step({"searcher_0": [[0, 1]], "searcher_1": [[2, 0]]})
    assert (rewards["searcher_1"][0], over["searcher_1"][0]) == (-1, False)
    np.testing.assert_allclose(seen["searcher_0"][0], [1 / 3] + [0] * 7 + [1 / 3] + [1, 0, 0], rtol=1e-6)
    *_, over, _, infos = batch.step({"searcher_0": [[0, 1]], "searcher_1": [[3, 0]]})
    assert over["searcher_1"][0]
    assert infos["searcher_0"]["final_info"]["success"][0] == 1


# --------------------------------------------------------------------------------------------------------------- limits
@pytest.mark.parametrize(
    ("searchers", "price", "cost"), [(1, 0.1, 2.909677), (2, 0, 1.516129), (2, 0.5, 2.967742), (3, 1, 4.0), (3, 2, 6.935484)]
)
def test_reachable_is_the_optimum(searchers, price, cost):
    limits = commenv.limits(ID, **GAP, searchers=searchers, price=price, failure=50)
    assert limits.reachable.exact
    assert limits.reachable.value == pytest.approx(-cost, abs=5e-7)


def test_limits_rise_with_bits():
    """Without a message the best silent team; from one bit on all answers are known to all."""
    found = [commenv.limits(ID, bits=bits) for bits in (0, 1, 2)]
    assert [limits.reachable.value for limits in found] == pytest.approx([-20 / 9, -2, -2])
    assert all(limits.silent.exact and limits.reachable.exact for limits in found)
    lossy = commenv.limits(ID, channel={"erasure": 0.5})
    assert not lossy.reachable.exact
    cut = commenv.limits(ID, max_cycles=1)  # one round, and no time to fail
    assert cut.silent.value == pytest.approx(-1)
    assert cut.reachable.value == pytest.approx(-1)
    noisy = commenv.limits(ID, noise=0.2)  # too many beliefs for a plan
    assert not noisy.reachable.exact
    assert noisy.silent.value < noisy.reachable.value <= -1


def test_boxes_need_no_word():
    limits = commenv.limits(BOXES, searchers=3)
    assert limits.silent.value == limits.ceiling.value == pytest.approx(-1.35)
    assert limits.efficiency(-1.35) is None
    assert commenv.limits(BOXES, detect=0.5, rounds=4).silent.value > -4


# -------------------------------------------------------------------------------------------------------------- rollouts
TREE = {"hypotheses": 16, "queries": "tree", "rounds": 6}


@pytest.mark.parametrize("chosen", [{**GAP}, {**GAP, "price": 0.5}, TREE, {"hypotheses": 4, "noise": 0.1, "rounds": 3}])
def test_the_plan_earns_what_it_should(chosen):
    agree(Searchers(options(ID, **chosen)), commenv.limits(ID, **chosen).reachable.value)


@pytest.mark.parametrize("chosen", [{}, TREE, {**GAP, "price": 0.5, "answers": 1}])
def test_the_silent_team_earns_what_it_should(chosen):
    found = agree(Searchers(options(ID, bits=0, **chosen), "apart"), commenv.limits(ID, bits=0, **chosen).silent.value)
    assert found.payload_bits == 0


def test_information_pursuit_earns_what_it_should():
    chosen = options(ID, **GAP, searchers=1)
    found = agree(Searchers(chosen, "pursuit"), -follow(chosen.search, pursuit(chosen.search)))
    assert found.reward == pytest.approx(-3.0)
    assert found.success == 1


def test_searchers_of_boxes_earn_what_they_should():
    for detect in (1.0, 0.5):
        for searchers in (1, 2):
            chosen = options(BOXES, detect=detect, rounds=30, searchers=searchers)
            agree(BoxSearchers(chosen), -expected_rounds(chosen.prior, searchers, detect, 30))


def test_searchers_who_cannot_hear_say_so():
    with pytest.raises(ValueError, match="carry two messages"):
        Searchers(options(ID, bits=0))
    with pytest.raises(ValueError, match="carry two messages"):
        Searchers(options(ID, channel={"error": 0.1}))
    with pytest.raises(ValueError, match="way='guess'"):
        Searchers(options(ID), "guess")


@pytest.mark.parametrize(
    ("id", "chosen", "message"),
    [
        (ID, {"hypotheses": 1}, "hypotheses=1"),
        (ID, {"prior": [0.5, 0.5]}, "prior"),
        (ID, {"queries": "any"}, "queries='any'"),
        (ID, {"queries": [512]}, "bit masks of 9"),
        (ID, {"queries": "tree"}, "hypotheses=4 or 16"),
        (ID, {"queries": "subsets", "hypotheses": 20}, "at most 16"),
        (ID, {"answers": 3}, "answers=3"),
        (ID, {"noise": 0.5}, "noise=0.5"),
        (ID, {"noise": 0.1, "confidence": 1.0}, "confidence=1.0"),
        (ID, {"price": -1}, "price=-1"),
        (BOXES, {"prior": [0.5]}, "prior"),
        (BOXES, {"detect": 0}, "detect=0"),
    ],
)
def test_options_that_are_not_allowed(id, chosen, message):
    with pytest.raises(ValueError, match=message):
        commenv.make(id, **chosen)
