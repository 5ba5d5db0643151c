"""Bandit, treasure, purchase and linear_bandit: their rules by hand, their limits, and what bad options are told."""

import numpy as np
import pytest
from examples import digest

import commenv
from commenv.games.acquisition import linear_bandit
from commenv.games.acquisition.bandit import cashed_at_first
from commenv.games.acquisition.linear_bandit import best_shown
from commenv.solvers.linear_bandit import right

BANDIT, TREASURE = "acquisition/bandit-v0", "acquisition/treasure-v0"
PURCHASE, LINEAR = "acquisition/purchase-v0", "acquisition/linear_bandit-v0"


# ---------------------------------------------------------------------------------------------------------------- bandit
def test_the_scout_sees_what_pays_and_the_crew_hears_once():
    n = 64
    batch = commenv.make_batch(BANDIT, n, seed=0, arms=3, pulls=2, stake=4, bits=2)
    batch.reset()
    won = np.zeros(n)
    for arm in (0, 2):
        seen, reward, *_ = batch.step({"scout": np.tile([arm, 3], (n, 1)), "crew": np.zeros(n, int)})
        won += reward["scout"]
        assert not seen["crew"].any()  # the message of a pull is not sent
    np.testing.assert_array_equal(seen["scout"][:, :3].sum(axis=1) * 2, won)
    np.testing.assert_array_equal(seen["scout"][:, [0, 2]] + seen["scout"][:, [3, 5]], 0.5)
    assert not seen["scout"][:, 6].any()
    seen, reward, over, *_ = batch.step({"scout": np.tile([0, 3], (n, 1)), "crew": np.zeros(n, int)})
    assert (seen["crew"] == [1, 0, 0, 0, 1, 0]).all()
    assert not reward["crew"].any()
    _, reward, over, *_ = batch.step({"scout": np.zeros((n, 2), int), "crew": np.full(n, 2)})
    assert over["crew"].all()
    assert set(np.unique(reward["crew"])) <= {0, 1, 2, 3, 4}
    assert batch.meter.total.offered == n


def test_an_arm_pays_as_its_prior_says():
    """The crew's successes at an arm of Beta(2, 1) have the law of a Beta-binomial."""
    n = 40_000
    batch = commenv.make_batch(BANDIT, n, seed=1, arms=2, pulls=1, stake=2, priors=[[1, 1], [2, 1]], bits=0)
    batch.reset()
    for _ in range(3):
        _, reward, *_ = batch.step({"scout": np.zeros((n, 2), int), "crew": np.ones(n, int)})
    share = np.bincount(reward["crew"].astype(int), minlength=3) / n
    expected = np.array([1 / 6, 1 / 3, 1 / 2])  # of Beta(2, 1): E (1-p)^2, 2 E p (1-p), E p^2
    assert (np.abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / n)).all()


def test_cashing_pays_the_same_but_for_a_constant():
    n, options = 500, {"arms": 3, "pulls": 3, "stake": 5, "priors": [[1, 2], [2, 1], [1, 1]]}
    plain, cashed = (commenv.make_batch(BANDIT, n, seed=3, cashing=cashing, **options) for cashing in (False, True))
    rng = np.random.default_rng(0)
    totals = np.zeros((2, n))
    for batch in (plain, cashed):
        batch.reset()
    for _ in range(5):
        act = {"scout": np.column_stack([rng.integers(3, size=n), rng.integers(4, size=n)]), "crew": rng.integers(3, size=n)}
        for k, batch in enumerate((plain, cashed)):
            totals[k] += batch.step(act)[1]["crew"]
    np.testing.assert_allclose(totals[1], totals[0] - cashed_at_first(cashed.options))
    limits = [commenv.limits(BANDIT, cashing=cashing, **options).reachable.value for cashing in (False, True)]
    assert limits[1] == pytest.approx(limits[0] - 8 * 2 / 3)


@pytest.mark.parametrize(("pulls", "value"), [(2, 13 / 12), (10, 6.021785714286)])
def test_without_a_crew_s_pulls_it_is_the_classic_bandit(pulls, value):
    limits = commenv.limits(BANDIT, arms=2, pulls=pulls, stake=0)
    assert limits.silent.value == pytest.approx(value)
    assert limits.reachable.value == limits.ceiling.value == pytest.approx(value)


# -------------------------------------------------------------------------------------------------------------- treasure
def test_a_question_costs_is_answered_or_not_and_a_door_ends_the_game():
    n = 4_000
    batch = commenv.make_batch(TREASURE, n, seed=0, doors=4, cost=0.1, reliability=0.25, discount=0.5, bits=2)
    batch.reset()
    state = np.array(batch.state.games["state"])
    ask = {"seeker": np.full(n, 4), "oracle": np.zeros(n, int)}
    seen, reward, *_ = batch.step(ask)
    np.testing.assert_allclose(reward["oracle"], -0.1)
    heard = batch.active["oracle"]
    assert abs(heard.mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / n)
    np.testing.assert_array_equal(seen["oracle"][:, :4].argmax(axis=1), state)
    said = state.copy()
    seen, reward, over, *_ = batch.step({"seeker": np.full(n, 4), "oracle": said})
    np.testing.assert_allclose(reward["seeker"], np.where(heard, 0, -0.05))  # the others ask once more
    np.testing.assert_array_equal(seen["seeker"][heard, 3:7].argmax(axis=1), state[heard])
    assert (seen["seeker"][heard, :3] == np.float32([63 / 64, 0, 1])).all()
    _, reward, over, _, infos = batch.step({"seeker": state, "oracle": said})
    opened = heard | ~batch.active["oracle"] & over["seeker"]
    np.testing.assert_allclose(reward["seeker"][heard], 0.5)
    assert over["seeker"][opened].all()
    assert infos["seeker"]["final_info"]["success"][heard].all()


def test_who_asks_too_often_finds_nothing():
    batch = commenv.make_batch(TREASURE, 3, seed=0, doors=2, questions=2, reliability=0)
    batch.reset()
    for k in range(3):
        _, reward, over, *_ = batch.step({"seeker": np.full(3, 2), "oracle": np.zeros(3, int)})
        assert over["seeker"].all() == (k == 2)
    assert not reward["seeker"].any()


# The vectors of the closed form, doors, reliability, cost, discount: Ambrogioni (2021).
@pytest.mark.parametrize(("game", "value"), [((8, 0.5, 0.02, 0.95), 0.866666666667), ((4, 0.2, 0.1, 0.9), 0.285714285714)])
def test_treasure_s_limits(game, value):
    options = dict(zip(("doors", "reliability", "cost", "discount"), game, strict=True))
    assert commenv.limits(TREASURE, bits=3, questions=256, **options).reachable.value == pytest.approx(value, abs=1e-9)
    values = [commenv.limits(TREASURE, bits=b, **options).reachable.value for b in range(4)]
    assert values == sorted(values)
    assert values[0] == commenv.limits(TREASURE, bits=1, **options).silent.value == 1 / game[0]


# -------------------------------------------------------------------------------------------------------------- purchase
def test_a_day_by_hand():
    n, season = 300, [0, 0, 1.0]
    batch = commenv.make_batch(PURCHASE, n, seed=0, rent=1, buy=5, failure=7, season=season)
    seen = batch.reset()
    nothing = np.zeros(n, int)

    def step(act, message=nothing):
        return batch.step({"subscriber": act, "source": message})

    state = np.array(batch.state.games["state"])
    _, reward, *_ = step(np.full(n, 4))
    assert (reward["source"] == -1).all()
    seen, reward, *_ = step(nothing, state)
    assert not reward["source"].any()
    np.testing.assert_array_equal(seen["subscriber"][:, 7:11].argmax(axis=1), state)
    assert (seen["subscriber"][:, :3] == [0, 0, 1]).all()
    _, reward, over, *_ = step(state)
    assert not reward["source"].any()
    assert not over["source"].any()  # the first of three days is over
    state = np.array(batch.state.games["state"])
    _, reward, *_ = step((state + 1) % 4)
    assert (reward["source"] == -7).all()
    seen, reward, *_ = step(np.full(n, 5))
    assert (reward["source"] == -5).all()
    state = np.array(batch.state.games["state"])
    np.testing.assert_array_equal(seen["subscriber"][:, 3:7].argmax(axis=1), state)
    _, reward, over, *_ = step(np.full(n, 5))  # there is nothing to buy twice
    assert (reward["source"] == -7).all()
    assert over["source"].all()


def test_seasons_have_their_law():
    n, season = 30_000, np.array([0.5, 0.2, 0.3])
    batch = commenv.make_batch(PURCHASE, n, seed=0, season=season.tolist())
    batch.reset()
    share = np.bincount(batch.state.games["days"], minlength=4)[1:] / n
    assert (np.abs(share - season) < 4 * np.sqrt(season * (1 - season) / n)).all()


def test_purchase_s_limits():
    free = {"rent": 1, "buy": 6, "failure": 1000}
    sure = commenv.limits(PURCHASE, bits=2, season=[0] * 20 + [1.0], **free)
    assert sure.reachable.value == sure.ceiling.value == pytest.approx(-6)  # 21 days: buy at once
    short = commenv.limits(PURCHASE, bits=2, season=[0, 1.0], **free)
    assert short.reachable.value == pytest.approx(-2)  # two days: rent
    values = [commenv.limits(PURCHASE, bits=b).reachable.value for b in range(4)]
    assert values == sorted(values)
    assert values[0] == pytest.approx(commenv.limits(PURCHASE, bits=2).silent.value)
    noisy = commenv.limits(PURCHASE, bits=2, channel={"error": 0.1}).reachable
    assert values[0] < noisy.value < values[2]
    # A day rented through noise costs 1 + 6 * .1, and the code is to name each state by a symbol of its own.
    assert noisy.value == pytest.approx(commenv.limits(PURCHASE, bits=2, rent=1.6).reachable.value)


# --------------------------------------------------------------------------------------------------------- linear bandit
def test_pulls_pay_by_the_arm_and_are_seen_with_noise():
    n, noise = 20_000, 0.5
    batch = commenv.make_batch(LINEAR, n, seed=0, gap=2, noise=noise, dimension=3)
    batch.reset()
    best = np.array(batch.state.games["state"])
    assert (np.abs(np.bincount(best) / n - 1 / 3) < 4 * np.sqrt(2 / 9 / n)).all()
    pulls = {"agent_0": np.tile([1, 0], (n, 1)), "agent_1": np.column_stack([best, np.zeros(n, int)])}
    seen, reward, *_ = batch.step(pulls)
    np.testing.assert_allclose(reward["agent_0"], 2 * (1 + (best == 1)) / 2)
    paid = seen["agent_1"][:, 7].astype(float)
    assert abs(paid.mean() - 2) < 4 * noise / np.sqrt(n)
    assert abs(paid.std() - noise) < 4 * noise / np.sqrt(2 * n)
    np.testing.assert_allclose(seen["agent_1"][:, 3:6].sum(axis=1), paid, rtol=1e-5)
    assert not seen["agent_0"][:, -1].any()  # nothing is heard yet
    told = {name: np.column_stack([np.zeros(n, int), best % 2]) for name in ("agent_0", "agent_1")}
    seen, reward, *_ = batch.step(told)
    assert not reward["agent_0"].any()
    np.testing.assert_array_equal(seen["agent_0"][:, 12:14].argmax(axis=1), best % 2)
    assert batch.step(pulls)[2]["agent_0"].all()


def test_what_one_hears_of_a_server_is_what_the_server_says():
    n = 5
    batch = commenv.make_batch(LINEAR, n, seed=0, agents=3, server=True, bits=2)
    batch.reset()
    names = batch.possible_agents
    assert names == ["agent_0", "agent_1", "agent_2", "server"]

    def step(message, server):
        agents = {name: np.column_stack([np.zeros(n, int), np.full(n, message + i)]) for i, name in enumerate(names[:3])}
        return batch.step({**agents, "server": np.full(n, server)})[0]

    step(0, 0)
    seen = step(1, 0)
    assert (seen["server"][:, 2:].reshape(n, 3, 5).argmax(axis=2) == [1, 2, 3]).all()
    assert not seen["agent_0"][:, 9:].any()
    seen = step(0, 3)
    assert (seen["agent_2"][:, 9:].argmax(axis=1) == 3).all()
    assert batch.meter.total.offered == 6 * n  # three uplinks, three downlinks


def test_nobody_sees_the_other_s_rewards():
    n, rng = 200, np.random.default_rng(0)
    ours, theirs = (commenv.make_batch(LINEAR, n, seed=4, bits=2, channel={"error": 0.1}) for _ in range(2))
    for batch in (ours, theirs):
        batch.reset()
    theirs.state.board[:, :4] = rng.integers(-5, 5, (n, 4))  # what agent_0 has seen
    theirs.state.agents["paid"][:, 0] = 7
    for _ in range(2):
        act = {name: np.column_stack([rng.integers(2, size=n), rng.integers(4, size=n)]) for name in ours.possible_agents}
        told, changed = ours.step(act), theirs.step(act)
        assert digest(told[0]["agent_1"], told[1]["agent_1"]) == digest(changed[0]["agent_1"], changed[1]["agent_1"])


def test_linear_bandit_s_limits():
    values = [commenv.limits(LINEAR, bits=b) for b in range(5)]
    reached = [limits.reachable.value for limits in values]
    assert reached == sorted(reached)
    assert reached[0] == values[2].silent.value == pytest.approx(0.5 + right(1, 1, 1))
    assert reached[4] < values[4].ceiling.value == pytest.approx(0.5 + right(1, 1, 2))
    assert best_shown(1.0, 0.5, 2, 3) == pytest.approx(right(np.sqrt(2), 0.5, 3))  # two arms shown at once: twice as telling
    assert commenv.limits(LINEAR, agents=1, bits=0, rounds=4).ceiling.value == pytest.approx(
        sum(right(1, 1, t) for t in range(4))
    )


def test_the_silent_limit_of_many_arms_is_what_one_earns_that_keeps_what_looks_good():
    n, d = 20_000, 4
    batch = commenv.make_batch(LINEAR, n, seed=0, dimension=d, bits=0, agents=1)
    batch.reset()
    total = batch.step({"agent_0": np.zeros(n, int)})[1]["agent_0"]
    seen = batch.observations["agent_0"]
    reward = batch.step({"agent_0": np.where(seen[:, 2 * d + 1] > 0.5, 0, 1)})[1]["agent_0"]
    value = commenv.limits(LINEAR, dimension=d, bits=0, agents=1).silent
    assert value.exact
    assert abs((total + reward).mean() - value.value) < 4 * (total + reward).std() / np.sqrt(n)


@pytest.mark.parametrize("dimension", [2, 3])
def test_ceilings_hold_for_more_rounds(dimension):
    limits = commenv.limits(LINEAR, dimension=dimension, rounds=6, agents=3)
    assert limits.silent.value <= limits.reachable.value <= limits.ceiling.value <= 6
    assert linear_bandit.best_shown(1, 1, dimension, 0) == pytest.approx(1 / dimension)


# --------------------------------------------------------------------------------------------------------------- options
@pytest.mark.parametrize(
    ("id", "options", "named"),
    [
        (BANDIT, {"arms": 1}, "arms=1"),
        (BANDIT, {"pulls": 0}, "pulls=0"),
        (BANDIT, {"arms": 8, "pulls": 20}, "more than 400,000"),
        (BANDIT, {"priors": [[1, 1]]}, "priors="),
        (BANDIT, {"arms": 2, "priors": [[1, 0], [1, 1]]}, "parameter=0"),
        (BANDIT, {"priors": "abcd"}, "priors='abcd'"),
        (BANDIT, {"cashing": 1}, "cashing=1"),
        (TREASURE, {"doors": 65}, "doors=65"),
        (TREASURE, {"reliability": 1.5}, "reliability=1.5"),
        (TREASURE, {"answers": 0}, "answers=0"),
        (PURCHASE, {"season": [0.5, 0.4]}, "season="),
        (PURCHASE, {"season": []}, "season="),
        (PURCHASE, {"rent": -1}, "rent=-1"),
        (LINEAR, {"noise": 0}, "noise=0"),
        (LINEAR, {"agents": 0}, "agents=0"),
        (LINEAR, {"server": "yes"}, "server='yes'"),
    ],
)
def test_bad_options_are_named(id, options, named):
    with pytest.raises(ValueError, match=named):
        commenv.make(id, **options)
