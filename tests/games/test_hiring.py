"""The hiring game against the program: what it pays, what it shows, what its limits say."""

import numpy as np
import pytest
from examples import HIRING, OPTION_SETS

import commenv
from agents.exact.hiring import Company, Principal
from commenv.core.game import choose
from commenv.games import rules
from commenv.games.acquisition.hiring import Options
from commenv.solvers import hiring as theory
from experiments.evaluation import evaluate

GAMES = 20_000
THREE = {
    "prior": [1 / 3] * 3,
    "costs": [[0, 0.02], [0, 0.02]],
    "kernel": np.einsum(
        "tz,azs,bzu->abtsu", *(0.9 * np.eye(3) + 0.1 / 3, *[np.stack([np.full((3, 3), 1 / 3), 0.9 * np.eye(3) + 0.1 / 3])] * 2)
    ).tolist(),
    "utility": np.eye(3).tolist(),
}
"""Two agents who see a state of three through one noisy copy, each with noise of its own, for which they must look."""


def options(**given) -> Options:
    found = choose(rules(HIRING), given)
    assert isinstance(found, Options)
    return found


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"mechanism": "deterministic"},
        {"mechanism": "independent", "margin": 0.01},
        {"bits": 0},
        {"noise": 0.1, "cost": 0.1, "cap": 2.0, "bits": 3},
        {**THREE, "bits": 1},
        {**THREE, "bits": 2},
        OPTION_SETS["hiring, fewer messages than signals"][1],
    ],
    ids=lambda given: ", ".join(f"{k}={v}" for k, v in given.items() if k in ("mechanism", "bits", "cap")) or "default",
)
def test_obedient_agents_earn_the_principal_what_the_program_promises(given):
    chosen = options(**given)
    instance, _ = chosen.plans()
    promised = chosen.committed().earns(instance)
    found = evaluate(Company(chosen), games=GAMES)
    assert abs(found["reward"] - promised) < 4 * found["standard_error"] + 1e-9
    if chosen.margin == 0 and chosen.mechanism == "correlated":
        assert promised == pytest.approx(found["reachable"], abs=1e-9)
    assert found["silent"] - 1e-9 <= found["reachable"] <= found["ceiling"] + 1e-9


def played(chosen: Options, acts, games: int = GAMES):
    """Means and standard errors of what everybody earns, where everybody acts by `acts(name, observation, step)`."""
    batch = commenv.make_batch(HIRING, games, seed=3, **{k: v for k, v in vars(chosen).items() if v is not None and k != "bits"})
    seen, total = batch.reset(), dict.fromkeys(batch.possible_agents, 0.0)
    for step in range(3):
        seen, rewards, over, *_ = batch.step({name: acts(name, seen[name], step) for name in batch.possible_agents})
        total = {name: total[name] + rewards[name] for name in total}
    assert over["principal"].all()
    return {name: (sums.mean(), sums.std() / games**0.5) for name, sums in total.items()}


def test_any_behaviour_under_any_payments_earns_what_theory_says():
    """Agents who shirk and lie, a principal who decides at random by what it hears, payments at random."""
    rng = np.random.default_rng(0)
    mu, payments = rng.dirichlet(np.ones(4)), rng.uniform(0, 1, (2, 4, 4, 2))
    chosen = options(mechanism={"probability": mu.tolist(), "payments": payments.tolist()}, cost=0.1)
    instance, _ = chosen.plans()
    strategies = [theory.Strategy(rng.integers(2, size=2), rng.integers(2, size=(2, 2))) for _ in range(2)]
    strategies[0].made[:] = [1, 0]  # works when it is told not to
    decided = rng.integers(2, size=(4, 4))

    def acts(name, seen, step):
        if name == "principal":
            told = 2 * seen[:, 4].astype(int) + seen[:, 6].astype(int)
            said = 2 * seen[:, 8].astype(int) + seen[:, 11].astype(int)
            return decided[told, said]
        does = strategies[int(name[-1])]
        told, saw = seen[:, 4].astype(int), seen[:, 8].astype(int)
        return np.column_stack([does.made[told], does.report[told, saw]])

    found = played(chosen, acts)
    mechanism = theory.Mechanism(mu, payments, decided)
    expected = {f"agent_{i}": one.earns for i, one in enumerate(theory.audit(instance, mechanism, strategies))}
    expected["principal"] = theory.outcome(instance, mechanism, strategies)
    for name, value in expected.items():
        mean, error = found[name]
        assert abs(mean - value) < 4 * error, name


def test_rewards_settle_payments_and_costs():
    """What agents earn and the principal earns adds up to utility less the cost of efforts, game by game."""
    batch = commenv.make_batch(HIRING, 500, seed=1, cost=0.05)
    batch.reset()
    rng, total = np.random.default_rng(0), np.zeros(500)
    for step in range(3):
        state = batch.state.games["state"].copy()
        efforts = batch.state.agents["effort"][:, :2].copy()
        acts = {f"agent_{i}": rng.integers(2, size=(500, 2)) for i in range(2)} | {"principal": rng.integers(2, size=500)}
        _, rewards, over, *_ = batch.step(acts)
        total += sum(rewards.values())
        assert over["principal"].all() == (step == 2)
    np.testing.assert_allclose(total, (acts["principal"] == state) - 0.05 * efforts.sum(axis=1))


def test_nobody_sees_what_is_not_its_own():
    """Agents see the phase, their plan, effort and signal; the principal the plans and, at the end, the reports."""
    env = commenv.make(HIRING)
    for seed in range(20):
        seen, _ = env.reset(seed=seed)
        told = [int(seen[f"agent_{i}"][4]) for i in range(2)]
        assert seen["principal"].tolist() == [1, 0, 0, 1 - told[0], told[0], 1 - told[1], told[1], *[0] * 6]
        assert not seen["agent_0"][5:].any()
        seen, *_ = env.step({"agent_0": [1, 1], "agent_1": [0, 1], "principal": 0})
        assert not seen["principal"][7:].any()  # a message in the wrong phase is not sent
        assert seen["agent_0"][5:7].tolist() == [0, 1]
        assert seen["agent_1"][5:].tolist() == [1, 0, 1, 0]  # who does not look sees 0
        seen, *_ = env.step({"agent_0": [0, 1], "agent_1": [0, 0], "principal": 0})
        assert seen["principal"][7:].tolist() == [0, 1, 0, 1, 0, 0]


def test_signals_come_up_as_the_kernel_says():
    chosen = options(**THREE, bits=2)
    batch = commenv.make_batch(HIRING, GAMES, seed=5, **THREE, bits=2)
    batch.reset()
    state = batch.state.games["state"].copy()
    batch.step({"agent_0": np.full((GAMES, 2), 1), "agent_1": np.zeros((GAMES, 2), int), "principal": np.zeros(GAMES, int)})
    saw = batch.state.agents["signal"][:, :2]
    counts = np.zeros((3, 3, 3))
    np.add.at(counts, (state, saw[:, 0], saw[:, 1]), 1)
    expected = chosen.instance.prior[:, None, None] * chosen.instance.kernel[1, 0]
    error = np.sqrt(expected * (1 - expected) / GAMES)
    assert (abs(counts / GAMES - expected) < 4.5 * error).all()


# ---------------------------------------------------------------------------------------------------------------- limits
def test_limits_grow_with_bits_and_say_what_is_exact():
    found = [commenv.limits(HIRING, **THREE, bits=bits) for bits in range(4)]
    values = [limits.reachable.value for limits in found]
    assert all(limits.reachable.exact for limits in found)
    assert values[0] == pytest.approx(1 / 3) == found[0].silent.value
    assert values[0] < values[1] < values[2] == pytest.approx(values[3])
    assert commenv.limits(HIRING).reachable.value == pytest.approx(0.8 - 4 * 0.05 / 1.9, rel=1e-9)


def test_limits_in_channels_that_fail():
    clean = commenv.limits(HIRING)
    noisy = commenv.limits(HIRING, channel={"error": 0.1})
    assert noisy.reachable.value == clean.reachable.value
    assert not noisy.reachable.exact
    late = commenv.limits(HIRING, channel={"delay": 1})
    assert late.reachable.value == late.silent.value == 0.5
    assert commenv.limits(HIRING, max_cycles=2).ceiling.value == 0
    heard = evaluate(Company(options(channel={"bits": 1, "error": 0.1})), games=GAMES)
    assert heard["reward"] < clean.reachable.value - 0.03


def test_the_principal_decides_by_what_arrived():
    """Where one report is erased it goes by the other, and where both are, by what it knew: the mechanism told it who looks."""
    principal = Principal(options(channel={"bits": 1, "erasure": 0.5}, utility=None))
    told_first = [0, 0, 1, 0, 1, 1, 0]
    assert principal.act(np.array([[*told_first, 0, 1, 0, 1, 0, 0]], float))[0] == 1
    assert principal.act(np.array([[*told_first, 1, 0, 0, 0, 0, 1]], float))[0] == 0
    assert principal.act(np.array([[*told_first, 0, 0, 1, 1, 0, 0]], float))[0] == 0  # all it knows: a tie


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"noise": 0.6}, "noise=0.6"),
        ({"cost": -1}, "cost=-1"),
        ({"cap": 0}, "cap=0"),
        ({"margin": "much"}, "margin='much'"),
        ({"mechanism": "best"}, "mechanism='best'.*correlated"),
        ({"mechanism": {"probability": [1]}}, "mechanism="),
        ({"mechanism": {"probability": [1, 0, 0, 1], "payments": np.zeros((2, 4, 4, 2)).tolist()}}, "probability="),
        ({"mechanism": {"probability": [1, 0, 0, 0], "payments": np.full((2, 4, 4, 2), 2).tolist()}}, "payments.*cap 1"),
        ({"prior": [0.5, 0.5]}, "prior alone"),
        ({**THREE, "noise": 0.1}, "noise and cost"),
        ({**THREE, "costs": [[0, "dear"], [0]]}, "costs="),
        ({**THREE, "costs": [[0]]}, "kernel has shape"),
    ],
    ids=str,
)
def test_bad_options_are_named(given, says):
    with pytest.raises(ValueError, match=says):
        options(**given)


def test_a_margin_that_no_mechanism_has_is_refused():
    with pytest.raises(ValueError, match="margin"):
        commenv.make(HIRING, margin=1.0)
