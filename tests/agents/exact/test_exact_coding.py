"""Exact agents of Markov coding games: published figures, invariants of the coupling, and the interfaces they play through."""

from functools import cache

import numpy as np
import pytest

import commenv
from agents.exact import belief
from agents.exact.coding import CodingTeam, every_way, tell
from commenv.core.game import choose
from commenv.games import rules
from commenv.info import entropy, greedy_coupling
from commenv.solvers.soft_value import played, soft_values
from experiments.evaluation import played as evaluated

GRID, MAZE, MDP = "coding/code_grid-v0", "coding/code_maze-v0", "coding/mdp-v0"


def team(id, temperature=0.0, *, rate=None, method="paper", terminal_bonus=False, seed=0, **options):
    return CodingTeam(
        id, choose(rules(id), options), temperature, rate=rate, method=method, terminal_bonus=terminal_bonus, seed=seed
    )


@pytest.mark.parametrize(
    ("temperature", "messages", "parts", "accuracy", "bits"),
    [
        (0, 4, 1, 1.0, None),
        (0, 8, 1, 1.0, None),
        (0, 16, 1, 0.993056, None),
        (0, 64, 1, 0.908565, 5.764061),
        (0.1, 8, 1, 0.990556, None),
        (0.2, 16, 1, 0.994519, 3.979168),
        (0.2, 4, 2, 0.983411, 3.943435),
        (0.2, 2, 4, 0.969919, 3.906950),
        (0.2, 8, 2, 0.928450, 5.761682),
    ],
)
def test_code_grid_as_published(temperature, messages, parts, accuracy, bits):
    found, told = every_way(team(GRID, temperature, messages=messages, parts=parts))
    assert found == pytest.approx(accuracy, abs=5e-3)
    if bits is not None:
        assert told == pytest.approx(bits, abs=2e-2)


def test_another_prior():
    found, bits = every_way(team(GRID, 0.3, messages=5, prior=[0.4, 0.2, 0.2, 0.1, 0.1]))
    assert found == pytest.approx(0.999978545, abs=5e-3)
    assert bits == pytest.approx(2.121836, abs=5e-3)


# ------------------------------------------------------------------------------------------------ one step
@pytest.mark.parametrize(
    ("noise", "executed", "posterior"),
    [(0.0, 0, [5 / 7, 2 / 7]), (0.25, 0, [0.673076923, 0.326923077]), (0.25, 1, [0.178571429, 0.821428571])],
)
def test_bayes_rule_with_actuator_noise(noise, executed, posterior):
    b, pi = np.array([0.5, 0.5]), np.array([0.7, 0.3])
    labels = np.zeros(2, np.int64)
    cells = belief.compress(b, np.inf, belief.WHOLE, labels)
    belief.watch(b, pi, labels, cells, noise, np.ones(2, bool), executed)
    np.testing.assert_allclose(b, posterior, atol=6e-10)


@pytest.mark.parametrize("rate", [np.inf, 2.0, 0.7])
@pytest.mark.parametrize("method", [belief.PAPER, belief.SMALLEST, belief.UNIFORM, belief.BEST])
def test_beliefs_and_policies_are_the_margins_of_the_coupling(rate, method):
    rng = np.random.default_rng(0)
    for _ in range(20):
        b, pi = rng.dirichlet(np.ones(7)), rng.dirichlet(np.ones(4))
        labels = np.zeros(7, np.int64)
        cells = belief.compress(b, rate, method, labels)
        joint = np.empty((cells, 4))
        masses = belief.couple(b, pi, labels, cells, joint)
        np.testing.assert_allclose(joint.sum(axis=1), masses, atol=1e-11)
        np.testing.assert_allclose(joint.sum(axis=0), pi, atol=1e-11)
        np.testing.assert_allclose(joint, np.asarray(greedy_coupling(masses, pi)), atol=1e-11)
        assert entropy(masses) <= rate + 1e-9
        mean = np.zeros(7)
        for a in range(4):  # posteriors average to the belief: nothing is made up
            after = b.copy()
            belief.watch(after, pi, labels, cells, 0.0, np.ones(4, bool), a)
            mean += pi[a] * after
        np.testing.assert_allclose(mean, b, atol=1e-9)


def test_ties_go_to_the_lowest_index():
    assert belief.likeliest(np.array([0.2, 0.4, 0.4 + 1e-15])) == 1
    assert belief.uncertain_part(np.array([[1.0, 0], [0.5, 0.5], [0.5 + 1e-15, 0.5 - 1e-15]])) == 1


# ------------------------------------------------------------------------------------------------ whole games
GAMES = 4000


@cache
def maze_games(rate, method):
    return tell(team(MAZE, np.exp(-4.5), rate=rate, method=method, terminal_bonus=True), 100)


@pytest.mark.parametrize(
    ("rate", "method", "accuracy"),
    [(None, "paper", 0.97), (4.5, "paper", 0.98), (0.9, "paper", 0.49), (6.75, "uniform", 0.20), (4.5, "uniform", 0.043)],
)
def test_maze_of_the_paper(rate, method, accuracy):
    """At temperature e**-4.5 and |M| = 512; the published figures are of 200 games and so have standard errors of up to .035."""
    found = maze_games(rate, method)
    assert found.certainty.mean() == pytest.approx(accuracy, abs=0.1)
    assert abs(found.correct.mean() - found.certainty.mean()) < 4 * 0.5 / 10


def test_the_return_knows_no_message():
    """Whatever the rate, the method and the number of messages: two-sample test, and the exact value of the policy."""
    options = choose(rules(MAZE), {})
    policy = team(MAZE, np.exp(-4.5), terminal_bonus=True).carrier.table[0]
    value = played(options.mdp, policy, 1000, 0.95).reward
    samples = [maze_games(rate, method).mdp_return for rate, method in ((None, "paper"), (0.9, "paper"), (4.5, "uniform"))]
    samples.append(tell(team(MAZE, np.exp(-4.5), terminal_bonus=True, messages=4, bits=2), 400).mdp_return)
    for returns in samples:
        assert abs(returns.mean() - value) < 4 * returns.std() / np.sqrt(len(returns))
    for first in samples:
        for second in samples:
            error = np.sqrt(first.var() / len(first) + second.var() / len(second))
            assert abs(first.mean() - second.mean()) < 4 * error


@pytest.mark.parametrize(("options", "temperature"), [({}, 0.0), ({"messages": 16}, 0.2), ({"messages": 8, "parts": 2}, 0.2)])
def test_grid_games_agree_with_the_solver(options, temperature):
    coders = team(GRID, temperature, **options)
    found = tell(coders, GAMES)
    told = played(coders.options.mdp, coders.carrier.table, 8)
    accuracy, bits = every_way(coders)
    for sample, value in (
        (found.mdp_return, told.reward),
        (found.steps, told.steps),
        (found.correct, accuracy),
        (found.bits_delivered, bits),
    ):
        assert abs(sample.mean() - value) <= 4 * sample.std() / np.sqrt(GAMES) + 1e-9
    assert abs(found.certainty.mean() - accuracy) <= 4 * found.certainty.std() / np.sqrt(GAMES) + 1e-9


def test_noise_makes_the_receiver_unsure_and_no_less_right():
    """A calibrated receiver is right as often as it believes to be."""
    found = tell(team(GRID, 0.1, messages=8, noise=0.25), GAMES)
    assert found.certainty.mean() < 0.9
    assert abs(found.correct.mean() - found.certainty.mean()) < 4 * 0.5 / np.sqrt(GAMES)
    mdp = choose(rules(GRID), {"noise": 0.25}).noisy
    value = played(mdp, soft_values(mdp, 0.1, 8).policy, 8).reward
    assert abs(found.mdp_return.mean() - value) < 4 * found.mdp_return.std() / np.sqrt(GAMES)


def test_told_once():
    """A source that speaks but once tells no more than its signal: with two cells of four messages half are named rightly."""
    found = tell(team(GRID, 0.2, rate=1.0, method="uniform", rate_limit="total", bits=1), GAMES)
    assert abs(found.correct.mean() - 0.5) < 4 * 0.5 / np.sqrt(GAMES)
    assert found.bits_delivered.mean() <= 1 + 1e-9
    assert found.bits_delivered.mean() > 0.99


def test_a_source_tells_what_the_sender_would_know():
    """With all bits the chain of three plays the very game of two."""
    two = tell(team(GRID, 0.2, messages=8), 300)
    three = tell(team(GRID, 0.2, messages=8, rate_limit="per_step", bits=3), 300)
    assert np.mean(three.correct) > 0.98
    assert abs(two.mdp_return.mean() - three.mdp_return.mean()) < 4 * np.sqrt(2 * 0.1 / 300)


def test_no_rate_beats_the_limits():
    for temperature in (0.0, 0.2):
        for options in ({"messages": 4}, {"messages": 64, "zeta": 2.0}):
            coders = team(GRID, temperature, **options)
            accuracy, _ = every_way(coders)
            reward = played(coders.options.mdp, coders.carrier.table, 8).reward + coders.options.zeta * accuracy
            assert reward <= commenv.limits(GRID, **options).ceiling.value + 1e-9
    accuracy, _ = every_way(team(GRID, 0.0, messages=4))
    assert 1 + accuracy == pytest.approx(commenv.limits(GRID, messages=4).ceiling.value, abs=1e-6)  # attained


@pytest.mark.parametrize("options", [{"messages": 4}, {"messages": 4, "parts": 2, "rate_limit": "per_step", "bits": 2}])
def test_they_play_through_pettingzoo(options):
    """Game by game as in a batch: agents see their own observations, and nothing falls apart."""
    coders = team(GRID, 0.2, **options)
    n = 6
    batched = tell(coders, n, seed=10)
    for i in range(n):
        env = commenv.make(GRID, **options)
        observations, infos = env.reset(seed=10 + i)
        player = CodingTeam(GRID, coders.options, 0.2, seed=i).player(1)  # game i of a batch draws as seed + i
        fresh, total = np.ones(1, bool), 0.0
        while env.agents:
            seen = {name: observation[None] for name, observation in observations.items()}
            active = {name: np.array([infos[name]["active"]]) for name in infos}
            actions = player.act(seen, active, fresh)
            observations, rewards, _, _, infos = env.step({name: int(actions[name][0]) for name in env.agents})
            fresh, total = np.zeros(1, bool), total + rewards["receiver"]
        assert infos["receiver"]["decode_correct"] == batched.correct[i]
        assert infos["receiver"]["mdp_return"] == pytest.approx(batched.mdp_return[i])
        assert total == pytest.approx(batched.mdp_return[i] + batched.correct[i])


def test_a_receiver_may_come_late_where_observations_hold_the_way():
    """In an AEC environment the receiver is asked once, in the end: CodeGrid shows it everything."""
    coders, right = team(GRID, 0.1), 0
    for seed in range(10):
        env = commenv.make_aec(GRID)
        env.reset(seed=seed)
        player = CodingTeam(GRID, coders.options, 0.1, seed=seed).player(1)
        fresh = {"sender": np.ones(1, bool), "receiver": np.ones(1, bool)}
        for name in env.agent_iter():
            observation, _, over, cut, info = env.last()
            if over or cut:
                right += info["decode_correct"] if name == "receiver" else 0
                env.step(None)
                continue
            watcher, seen = player.watchers[name], observation[None]
            if name == "sender":
                player.episode += fresh[name]
            watcher.watch(seen, fresh[name])
            fresh[name] = np.zeros(1, bool)
            act = player._send if name == "sender" else player._name
            env.step(int(act(seen, np.ones(1, bool))[0]))
    assert right >= 9


def test_a_batch_plays_what_single_games_play():
    coders = team(GRID, 0.2, messages=16)
    many = tell(coders, 64)
    few = tell(coders, 16)
    np.testing.assert_array_equal(many.mdp_return[:16], few.mdp_return)
    np.testing.assert_array_equal(many.bits_delivered[:16], few.bits_delivered)


def test_evaluation_plays_them():
    found = evaluated(team(GRID, 0.0), choose(rules(GRID), {}), 512)
    assert found.reward == 2
    assert found.success == 1
    assert found.figures == {"mdp_return": 1, "decode_correct": 1, "bits_delivered": 2}


def test_refusals():
    with pytest.raises(ValueError, match="no Markov coding game"):
        CodingTeam("classic/hallway-v0", choose(rules("classic/hallway-v0"), {}))
    with pytest.raises(ValueError, match="method"):
        team(GRID, method="none")
    with pytest.raises(ValueError, match="4 symbols without noise"):
        team(GRID, rate_limit="per_step", bits=1)
    with pytest.raises(ValueError, match="without noise"):
        team(GRID, rate_limit="per_step", bits=2, channel={"error": 0.1})
    with pytest.raises(ValueError, match="parts"):
        team(GRID, rate_limit="total", bits=2, parts=2)
    coders = team(MAZE, 0.1, messages=4, bits=2, horizon=5).player(1)
    batch = commenv.make_batch(MAZE, 1, seed=0, messages=4, bits=2, horizon=5)
    batch.reset()
    for _ in range(6):
        seen = batch.step({name: np.zeros(1, int) for name in batch.possible_agents})[0]
    with pytest.raises(ValueError, match="not watched"):
        coders.act(seen, batch.active, np.ones(1, bool))
