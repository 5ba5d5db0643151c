"""What learned agents do, in the terms of theory; and principals and receivers who learn the game as they play it."""

import numpy as np
import pytest
import torch
from examples import HIRING, OPTION_SETS, SENDERS

import commenv
from agents.exact import hiring, senders
from agents.exact.hiring_online import estimated, explore_then_commit
from agents.networks import Perceptron, choices
from agents.team import Team
from commenv.core.game import choose
from commenv.games import rules
from commenv.solvers.hiring import audit, common_source, obedient, outcome
from commenv.solvers.senders import best_responses, earns, two_experts
from experiments.evaluation import evaluate

GAMES = 20_000


def untrained(id: str, seed: int, **given) -> Team:
    """A team of networks as they are before training, but of strong opinions."""
    torch.manual_seed(seed)
    batch = commenv.make_batch(id, 1, **given)
    spaces = zip(batch.possible_agents, batch.observation_spaces.values(), batch.action_spaces.values(), strict=True)
    policies = {
        name: Perceptron([seen.shape[0], 16, sum(choices(acts))], last_scale=5.0)  # type: ignore[index]
        for name, seen, acts in spaces
    }
    return Team(id, choose(rules(id), given), policies)


# --------------------------------------------------------------------------------------------------- in terms of theory
def earned_by(team: Team, name: str) -> tuple[float, float]:
    """Mean and standard error of what one agent earns in games that are played."""
    batch = commenv.make_batch(team.id, GAMES, seed=9, **{k: v for k, v in vars(team.options).items() if k != "bits"})
    player, seen, total = team.player(GAMES), batch.reset(), np.zeros(GAMES)
    for _ in range(3):
        seen, rewards, *_ = batch.step(player.act(seen, batch.active, np.zeros(GAMES, bool)))
        total += rewards[name]
    return float(total.mean()), float(total.std() / GAMES**0.5)


@pytest.mark.parametrize("name", ["hiring", "hiring, three bits", "hiring, fewer messages than signals"])
@pytest.mark.parametrize("seed", [0, 1])
def test_what_a_team_does_is_read_off_its_networks(name, seed):
    """The sum over all that can happen is what games earn that are played."""
    id, given = OPTION_SETS.get(name, (HIRING, {"bits": 3}))
    team = untrained(id, seed, **given)
    instance, _ = team.options.plans()
    committed = team.options.committed()
    strategies = [hiring.strategy(team, i) for i in range(len(instance.costs))]
    found = evaluate(team, games=GAMES)
    assert abs(found["reward"] - hiring.earned(team)) < 4 * found["standard_error"] + 1e-9
    for i, agent in enumerate(audit(instance, committed, strategies)):
        mean, error = earned_by(team, f"agent_{i}")
        assert abs(mean - agent.earns) < 4 * error + 1e-9
    obeyed, true = hiring.as_told(team.options, strategies)
    assert 0 <= obeyed <= 1
    assert 0 <= true <= 1


def test_the_obedient_do_as_they_are_told():
    options = choose(rules(HIRING), {})
    instance, _ = options.plans()
    assert hiring.as_told(options, obedient(instance)) == pytest.approx((1, 1))
    assert outcome(instance, options.committed(), obedient(instance)) == pytest.approx(options.committed().earns(instance))
    idle = obedient(instance)
    idle[0].made[:] = 0  # agent 0 is told to look in 10 games of 19
    obeyed, true = hiring.as_told(options, idle)
    assert (obeyed, true) == (pytest.approx(1 - 10 / 19 / 2), pytest.approx(1))
    assert audit(instance, options.committed(), idle)[1].gain > 0  # nobody is left to be compared with


@pytest.mark.parametrize("given", [{}, {"commitment": "none", "bits": 2}], ids=str)
def test_what_senders_say_is_read_off_their_networks(given):
    team = untrained(SENDERS, 3, **given)
    options, found = team.options, evaluate(team, games=GAMES)
    said, policy = senders.reports(team), senders.decided(team)
    messages = senders.alphabets(options)
    earned = earns(options.worth, options.signals, policy, messages, said)
    assert abs(found["reward"] - earned[0]) < 4 * found["standard_error"] + 1e-9
    best = best_responses(options.worth, options.signals, policy, messages, said)
    assert (best >= earned[1:] - 1e-12).all()


# ------------------------------------------------------------------------------------------------------------- learning
def test_intervals_hold_the_truth_and_shrink():
    instance, widths = common_source(0.2, 0.05), []
    for each in (100, 10_000):
        for seed in range(5):
            _, low, high = estimated(instance, each, 1e-3, np.random.default_rng(seed))
            assert (low <= instance.kernel).all()
            assert (instance.kernel <= high).all()
        widths.append((high - low).max())
    assert widths[1] == pytest.approx(widths[0] / 10, rel=0.3)


def test_explore_then_commit_is_safe_and_as_fast_as_theory_says():
    instance, rounds = common_source(0.2, 0.05), np.array([1e4, 1e5, 1e6, 1e7])
    runs = [[explore_then_commit(instance, 1.0, int(T), seed) for seed in range(2)] for T in rounds]
    assert max(run.violation for same in runs for run in same) < 1e-9
    regret = np.array([[run.regret for run in same] for same in runs])
    slope = np.polyfit(np.log(rounds), np.log(regret.mean(axis=1)), 1)[0]
    assert 0.55 < slope < 0.8
    assert (regret / rounds[:, None] ** (2 / 3) < 10).all()
    for same, T in zip(runs, rounds, strict=True):
        for run in same:
            assert run.regret == pytest.approx(run.explored + (T - run.explored) * run.gap)
    with pytest.raises(ValueError, match="rounds=8 are too few"):
        explore_then_commit(instance, 1.0, 8, 0)


@pytest.mark.parametrize(("rounds", "violation", "regret"), [(1_000, 4.08, -297), (4_000, 5.30, None)])
def test_full_feedback(rounds, violation, regret):
    """Printed: violation / sqrt(T) of five seeds, and the regret at the first T; the schedule of revisions is our own."""
    runs = [senders.full_feedback(*two_experts(0.8, 0.5), rounds, seed) for seed in range(5)]
    assert np.mean([run.violation for run in runs]) / rounds**0.5 == pytest.approx(violation, rel=0.1)
    if regret is not None:
        assert np.mean([run.regret for run in runs]) == pytest.approx(regret, rel=0.1)


def test_bandit_feedback_trades_regret_for_violation():
    tables, rounds = two_experts(0.8, 0.5), 100_000
    runs = {alpha: senders.bandit_feedback(*tables, rounds, 0, alpha=alpha, caution=0.3) for alpha in (0.5, 0.75, 1.0)}
    assert [run.explored for run in runs.values()] == [317, 5624, 100_000]
    assert runs[0.5].violation > runs[0.75].violation > runs[1.0].violation == 0
    assert runs[0.5].regret < runs[0.75].regret < runs[1.0].regret
    assert runs[1.0].regret == pytest.approx(rounds * (0.373846153846 - 0.1), rel=1e-6)  # a third each of 0, 0 and .3
    for alpha, run in runs.items():
        assert run.violation < 4 * rounds ** (1 - alpha / 2)
    with pytest.raises(ValueError, match="alpha="):
        senders.bandit_feedback(*tables, 10, 0, alpha=0.4)


def test_learning_repeats_itself():
    tables = two_experts(0.8, 0.5)
    assert senders.full_feedback(*tables, 50, 1) == senders.full_feedback(*tables, 50, 1)
    assert senders.bandit_feedback(*tables, 50, 1) == senders.bandit_feedback(*tables, 50, 1)
    first, again = (explore_then_commit(common_source(0.2, 0.05), 1.0, 10_000, 1) for _ in range(2))
    assert first.regret == again.regret
