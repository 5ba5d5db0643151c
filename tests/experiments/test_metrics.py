"""What messages do, of codes that one can count out; benches of information and the study agree on what they measure."""

import numpy as np
import pytest
from teams import coded, untrained

from commenv import info
from commenv.games import rules
from experiments import evaluation, metrics
from experiments.bench import information
from experiments.studies import estimators


def test_a_perfect_code():
    found = metrics.communication(coded(range(8), range(8), bits=3), coded(range(8), range(8), bits=3).options, 2000)
    assert found["reward"] == 1
    assert found["shuffled_loss"] == pytest.approx(7 / 8, abs=0.03)
    assert found["silent_loss"] == pytest.approx(7 / 8, abs=0.03)
    assert found["signalling_bits"] == found["causal_influence_bits"] == 3
    assert (found["signalling_per_bit"], found["noise_bits"]) == (1, 0)
    assert found["coordination_bits"] == pytest.approx(3, abs=0.02)
    assert found["coordination_p_value"] == pytest.approx(1 / 200)
    assert found["coordination_given_state_bits"] == pytest.approx(0, abs=1e-9)  # a state has one message, and one act
    assert found["speaker_consistency_bits"] is None  # nobody both speaks and acts
    assert found["semantic_bits"] == pytest.approx(3)
    assert found["redundancy_bits"] is None  # there is one speaker


def test_what_messages_mean_is_what_the_listener_makes_of_them():
    """Two of four states share a message that is answered as one of them: half true, and trusted as such."""
    team = coded([0, 0, 1, 1], [0, 2], bits=1, states=4)
    found = metrics.communication(team, team.options, 200)
    trust = np.linspace(0, 1, 100_001)[:-1]
    counted = 0.5 * np.log2(1 / (1 - 0.75 * trust)) + 0.5 * np.log2((1 - trust) / (1 - 0.75 * trust))
    assert found["semantic_bits"] == pytest.approx(counted.max(), abs=1e-6)
    assert found["semantic_bits"] < found["signalling_bits"] == 1
    wrong = coded([0, 1, 2, 3], [1, 2, 3, 0], bits=2, states=4)
    assert metrics.communication(wrong, wrong.options, 200)["semantic_bits"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("second", "about", "redundancy", "synergy", "broadcast"),
    [("copy", "first", 1, 0, 1), ("own", "xor", 0, 1, 0), ("own", "first", 0, 0, 0)],
)
def test_two_speakers_of_one_listener(second, about, redundancy, synergy, broadcast):
    rng = np.random.default_rng(0)
    a, b = rng.integers(2, size=(2, 4000))
    b = a if second == "copy" else b
    target = a ^ b if about == "xor" else a
    for by_state in (True, False):  # told of the state, or of what the listener does one step later
        record = metrics.Record(
            said=[{"a": a, "b": b}, {"a": np.full(4000, -1), "b": np.full(4000, -1)}],
            did=[{"c": np.full(4000, -1)}, {"c": target}],
            states=[target if by_state else np.zeros(0, int)] * 2,
        )
        found = metrics._shared(record, [("a", "c"), ("b", "c"), ("c", "a")], 1)
        assert found["redundancy_bits"] == pytest.approx(redundancy, abs=0.01)
        assert found["synergy_bits"] == pytest.approx(synergy, abs=0.01)
        assert found["broadcast_bits"] == pytest.approx(broadcast, abs=0.01)


def test_a_mute_speaker_and_a_deaf_listener():
    mute = metrics.communication(coded([0] * 8, [0, 1, 2, 3], bits=2), coded([0] * 8, [0, 1, 2, 3], bits=2).options, 500)
    assert mute["signalling_bits"] == mute["message_bits"] == mute["bits_per_decision"] == mute["shuffled_loss"] == 0
    deaf_team = coded([0, 1, 2, 3, 0, 1, 2, 3], [5] * 4, bits=2)
    deaf = metrics.communication(deaf_team, deaf_team.options, 4096)
    assert deaf["bits_per_decision"] == pytest.approx(2, abs=0.01), "one message of four, one answer"
    assert deaf["signalling_bits"] == 2
    assert deaf["causal_influence_bits"] == deaf["shuffled_loss"] == deaf["coordination_bits"] == 0
    assert deaf["coordination_p_value"] == 1


def test_over_noise():
    team = coded(range(4), range(4), bits=2, states=4, channel={"error": 0.1})
    found = metrics.communication(team, team.options, 4000)
    assert found["signalling_bits"] == 2, "what is sent, not what arrives"
    assert found["causal_influence_bits"] == pytest.approx(info.symmetric_capacity(4, 0.1), abs=1e-9)
    exact = evaluation.enumerated(team, team.options)
    assert exact.mutual_information_bits == pytest.approx(found["causal_influence_bits"], abs=1e-9)
    assert found["shuffled_loss"] == pytest.approx(0.9 - 0.25, abs=0.05)


def test_games_are_those_that_evaluation_plays():
    team = untrained(1, bits=2, rounds=3)
    found = metrics.communication(team, team.options, 4000)
    assert found["reward"] == pytest.approx(evaluation.enumerated(team, team.options).reward, abs=0.06)
    assert rules(team.id).situations(team.options) is not None


def test_a_team_that_talks():
    """Untrained, so that nothing is claimed of what it says; a message is heard within its step."""
    from agents import TalkingTeam
    from agents.graph_team import Plan, build
    from commenv import make_batch

    batch = make_batch("classic/traffic_junction-v0", 1, difficulty="easy")
    plan = Plan.seated(batch.observation_spaces, batch.action_spaces, graph="full", bottleneck="finite_scalar", bits=2, width=16)
    team = TalkingTeam("classic/traffic_junction-v0", batch.options, build(plan))
    found = metrics.communication(team, team.options, 64)
    assert found["signalling_bits"] is None
    assert 0 <= found["message_bits"] <= 2
    assert found["coordination_bits"] is not None
    assert not team.network._forward_hooks, "hooks are taken off again"
    assert not team.network.bottleneck._forward_hooks


@pytest.mark.parametrize("n", [8, 16])
def test_the_plain_algorithm_of_the_bench(n):
    p, r, bits = information.problem(n)
    assert information.blahut_arimoto(p, r, bits) == pytest.approx(info.rate_reward(p, r, bits).value, abs=2e-9)


def test_a_bench_of_information():
    found = information.run(0.01, game="rate_reward-16")
    assert [row.name for row in found.rows] == ["commenv", "plain NumPy"]
    assert found.rows[0].ratio["plain NumPy"] > 1
    assert found.table().row_count == 3
    with pytest.raises(ValueError, match="game='chess'"):
        information.run(0.01, game="chess")


def test_truths_of_the_study():
    """Each truth is what the best of counting finds of what it draws."""
    for truth in estimators.truths():
        x, y = truth.draw(np.random.default_rng(0))
        method = next(name for name in ("ksg1", "grassberger", "ross") if name in truth.counted)
        assert info.estimate_mutual_information(x, y, method).bits == pytest.approx(truth.bits, rel=0.35)
