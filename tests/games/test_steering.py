"""social/steering: play by the solver's policy earns the solver's value, for Bayesians, learned agents and other crowds."""

import numpy as np
import pytest

import commenv
from agents.exact.steering import ID, BestPlanner
from commenv.games.social.steering import Options
from experiments.evaluation import played

SECOND = 0.6923076923076923
CASES = [
    ({"cost_weight": 0.5}, -0.7546703733),
    ({"cost_weight": 8.0}, -1.7656484175),
    ({"planner": "biased", "cost_weight": 2.0, "baseline": SECOND}, 7.2274522573),
    ({"planner": "biased", "cost_weight": 0.2, "baseline": SECOND}, 7.7163376127),
]


@pytest.mark.parametrize(("options", "value"), CASES)
def test_the_solver_s_policy_earns_the_solver_s_value(options, value):
    limits = commenv.limits(ID, **options)
    assert limits.reachable.value == pytest.approx(value, abs=5e-11)
    assert limits.reachable.exact
    assert limits.silent.value <= limits.reachable.value <= limits.ceiling.value
    found = played(BestPlanner(Options(**options)), Options(**options), 20_000)
    assert abs(found.reward - value) < 4 * found.standard_error


def test_without_control_it_is_the_closed_form():
    """An altruist without a choice loses what a cascade loses: -(1 - W) / (1 - d)."""
    limits = commenv.limits(ID, levels=1, spacing="even", min_precision=0.6, max_precision=0.6)
    assert limits.silent.value == limits.reachable.value == pytest.approx(-3.3638743455, abs=1e-6)  # on a grid of beliefs


def test_an_agent_that_is_asked_may_be_bayesian():
    options = Options(crowd="learned", cost_weight=0.5)
    batch = commenv.make_batch(ID, 20_000, seed=1, crowd="learned", cost_weight=0.5)
    player, seen, running, earned = BestPlanner(options), batch.reset(), np.ones(20_000, bool), np.zeros(20_000)
    while running.any():
        seen, rewards, ends, *_ = batch.step(player.act(seen, batch.active, running))
        earned += running * rewards["planner"]
        running &= ~ends["planner"]
    assert abs(earned.mean() + 0.7546703733) < 4 * earned.std() / np.sqrt(20_000)


def test_an_even_spacing_has_the_grid_s_value():
    options = {"spacing": "even", "levels": 11, "max_precision": 1.0, "cost_weight": 1.0}
    found = played(BestPlanner(Options(**options)), Options(**options), 20_000)
    assert not commenv.limits(ID, **options).reachable.exact
    assert abs(found.reward - commenv.limits(ID, **options).reachable.value) < 4 * found.standard_error + 1e-3


@pytest.mark.parametrize("odd", [{"inertia": 0.8}, {"public": False}, {"draws": 3}, {"lying": True}], ids=str)
def test_odd_crowds_and_planners_say_that_limits_are_not_theirs(odd):
    chosen = Options(**odd)
    limits = commenv.limits(ID, **odd)
    assert not limits.reachable.exact
    assert "not this one's" in limits.reachable.source
    found = played(BestPlanner(chosen), chosen, 4000)
    usual = played(BestPlanner(Options()), Options(), 4000)
    if "lying" in odd:  # this planner tells the truth
        assert found.reward == usual.reward
    else:
        assert found.reward < usual.reward


def test_a_weighted_belief_turns_the_herd():
    """Prelec's weighting makes .55 less than 1/2: those who would all name good all name bad."""
    options: dict = {"prior": 0.55, "levels": 1, "spacing": "even", "min_precision": 0.52, "max_precision": 0.52}
    for weighting, named in ((1.0, 1), (0.4, 0)):
        batch = commenv.make_batch(ID, 500, seed=0, weighting=weighting, **options)
        batch.reset()
        truth = batch.state.games["truth"].copy()
        _, rewards, *_ = batch.step({"planner": np.zeros(500, int)})
        cost = 0.5 * 0.08**2
        np.testing.assert_allclose(rewards["planner"], -1.0 * (truth != named) - cost)


def test_a_liar_is_believed():
    """A biased planner that buys signals of no information and announces the best: agents follow coins."""
    batch = commenv.make_batch(ID, 4000, seed=0, lying=True, levels=2, planner="biased", crowd="learned")
    batch.reset()
    nothing_said_all = np.full(4000, 1)  # level 0 is chosen, level 1 announced
    seen, *_ = batch.step({"planner": nothing_said_all, "agent": np.zeros(4000, int)})
    assert np.allclose(seen["agent"][:, 1], Options().max_precision)
    right = seen["agent"][:, 3].astype(int) == batch.state.games["truth"]
    assert abs(right.mean() - 0.5) < 4 * 0.5 / np.sqrt(4000)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"planner": "kind"}, "planner='kind'"),
        ({"levels": 0}, "levels=0"),
        ({"spacing": "odd"}, "spacing='odd'"),
        ({"crowd": "wise"}, "crowd='wise'"),
        ({"max_precision": 1.0}, "max_precision=1.0"),
        ({"lying": True, "public": False}, "is no lie"),
        ({"discount": 1.0}, "discount"),
        ({"prior": 0.0}, "prior"),
        ({"inertia": 2}, "inertia=2"),
        ({"draws": 0}, "draws=0"),
        ({"public": "yes"}, "public='yes'"),
    ],
)
def test_bad_options_are_named(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        commenv.make(ID, **wrong)
