"""messaging/knowledge: play earns what the solver says, and what was said once stays in the inbox."""

import numpy as np
import pytest
import torch

import commenv
from agents.exact.knowledge import MenuTeam
from agents.networks import Perceptron
from agents.team import Team
from commenv.games.messaging.knowledge import Options
from commenv.solvers.knowledge import KnowledgeGame, policy_values
from experiments.evaluation import enumerated, played

ID = "messaging/knowledge-v0"
rng = np.random.default_rng(5)
TABLES = {
    "instance": "tables",
    "reward": rng.random((3, 2, 2)).tolist(),
    "transition": rng.dirichlet(np.ones(3), (3, 2, 2)).tolist(),
    "types": rng.dirichlet(np.ones(2), (4, 2, 3)).tolist(),
    "start": 1,
}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bits": 0},
        {"safe": 0.85, "bits": 2},
        {"channel": {"error": 0.1}},
        {"bits": 2, "channel": {"erasure": 0.3, "drop": 0.1}},
        {"instance": "driving"},
        TABLES,
        {**TABLES, "prior": [0.1, 0.2, 0.3, 0.4], "bits": 2},
    ],
    ids=str,
)
def test_the_best_menu_earns_what_is_reachable(options):
    limits = commenv.limits(ID, **options)
    found = played(MenuTeam(Options(**options)), Options(**options), 20_000)
    assert abs(found.reward - limits.reachable.value) <= 4 * found.standard_error + 1e-9
    assert limits.silent.value <= limits.reachable.value + 1e-12 <= limits.ceiling.value + 2e-12


def test_known_limits():
    assert [commenv.limits(ID, bits=b).reachable.value for b in (0, 1, 2)] == pytest.approx([0.5, 0.742857143, 0.742857143])
    silent, told = (commenv.limits(ID, instance="driving", bits=b).reachable for b in (0, 1))
    assert (silent.value, told.value) == pytest.approx((0.4, 0.9))
    assert told.exact
    assert not commenv.limits(ID, **TABLES).reachable.exact  # states tell something of the type


def test_a_type_that_is_known_is_success():
    options = Options(safe=0.85, bits=2)  # three blocks: all of them can be told
    found = played(MenuTeam(options), options, 2000)
    assert found.success == 1
    assert found.payload_bits == 2
    assert found.steps == 3  # the informant's, and two of play: games all last alike, so that their end tells nothing


def test_what_was_said_stays_until_the_game_is_over():
    env = commenv.make(ID, bits=2)
    observations, _ = env.reset(seed=4)
    assert not observations["ego"][-5:].any()
    observations, *_ = env.step({"informant": 3, "ego": 0})
    assert observations["ego"][-5:].tolist() == [0, 0, 0, 1, 0]
    observations, *_ = env.step({"informant": 0, "ego": 1})
    assert observations["ego"][-5:].tolist() == [0, 0, 0, 1, 0]
    observations, _ = env.reset()
    assert not observations["ego"][-5:].any()


def test_what_is_late_takes_the_place_of_nothing():
    batch = commenv.make_batch(ID, 200, seed=0, channel={"delay": 1})
    batch.reset()
    nobody, say = np.zeros(200, int), np.ones(200, int)
    seen, *_ = batch.step({"informant": say, "ego": nobody})
    assert not seen["ego"][:, -3:].any()
    seen, *_ = batch.step({"informant": nobody, "ego": say})
    assert (seen["ego"][:, -3:] == [0, 1, 0]).all()
    assert batch.meter.total.payload_bits == 200


def test_one_round_is_summed_over():
    def table(rows):
        network = Perceptron([len(rows), rows.shape[1]])
        network.layers[0].weight.data = torch.from_numpy(rows.T.astype(np.float32))
        return network

    options = Options(instance="driving")
    side = np.array([[1.0, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0, 1]])
    ego = np.concatenate([np.zeros((2, 2)), np.eye(2), np.zeros((1, 2))])
    found = enumerated(Team(ID, options, {"informant": table(side), "ego": table(ego)}), options)
    assert found.exact
    assert found.reward == pytest.approx(0.9)
    assert found.mutual_information_bits == pytest.approx(1)


def test_play_by_any_policy_earns_its_value():
    options = Options(**TABLES)
    game = options.tables
    assert isinstance(game, KnowledgeGame)
    policy = np.array([[0, 1, 0], [1, 0, 1]])
    batch = commenv.make_batch(ID, 20_000, seed=3, **TABLES)
    seen, nobody = batch.reset(), np.zeros(20_000, int)
    kind, earned = seen["informant"].argmax(axis=1), np.zeros(20_000)
    batch.step({"informant": nobody, "ego": nobody})
    for t in range(2):
        state = batch.state.games["place"]
        _, rewards, *_ = batch.step({"informant": nobody, "ego": policy[t][state]})
        earned += rewards["ego"]
    values = policy_values(game, [policy])[:, 0]
    for k in range(4):
        mine = earned[kind == k]
        assert abs(mine.mean() - values[k]) < 4 * mine.std() / np.sqrt(len(mine))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"instance": "chess"}, "instance='chess'"),
        ({"instance": "tables"}, "belong together"),
        ({"reward": [[[1.0]]]}, "belong together"),
        ({**TABLES, "start": 7}, "start=7"),
        ({"start": 1}, "start=1 is a state of your own tables"),
        ({"safe": 2}, "safe=2"),
        ({"prior": [0.5, 0.5]}, "prior"),
    ],
)
def test_bad_options_are_named(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        commenv.make(ID, **options)
