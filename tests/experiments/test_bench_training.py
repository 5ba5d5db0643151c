"""The bench of training counts what it says: time to arrive, who never does, and codes by their exact reward."""

import json

import numpy as np
import pytest

from experiments.bench import training

PERFECT, TRAPPED = np.arange(8), np.array([0, 1, 2, 3, 4, 5, 6, 6])


class Fake:
    """Arrives in its n-th update; spends CPU time in each."""

    def __init__(self, arrives, bits):
        self.arrives, self.bits, self.updates, self.stopped = arrives, bits, 0, False

    def train(self):
        self.updates += 1
        sum(range(200_000))

    def code(self):
        if self.updates < self.arrives:
            return np.zeros(8, int), np.zeros(2**self.bits, int)
        messages = PERFECT % 2**self.bits
        return messages, np.arange(2**self.bits)

    def stop(self):
        self.stopped = True


def contenders(**arrivals):
    return [training.Contender(name=name, make=lambda bits, seed, n=n: Fake(n, bits)) for name, n in arrivals.items()]


@pytest.mark.parametrize(
    ("bits", "code", "wanted"), [(3, PERFECT, 1), (3, TRAPPED, 6 / 7), (2, PERFECT % 4, 1), (3, 0 * PERFECT, 0)]
)
def test_efficiency(bits, code, wanted):
    assert training.efficiency(code, np.arange(2**bits), bits) == pytest.approx(wanted)


def test_who_arrives_and_who_does_not():
    result = training.measure(contenders(commenv=2, slow=6, never=10**9), 3, 0.4)
    page = json.loads(json.dumps(result.as_dict()))
    assert [(row["name"], row["bits"]) for row in page["rows"]] == [(n, b) for b in (2, 3) for n in ("commenv", "slow", "never")]
    for row in page["rows"]:
        assert len(row["runs"]) == 3
        if row["name"] == "never":
            assert row["median_seconds"] is None
            assert all(run["seconds"] is None and run["spent"] >= 0.4 and run["efficiency"] == 0 for run in row["runs"])
            assert not row["times_ours_is_exact"]
        else:
            assert all(run["updates"] == (2 if row["name"] == "commenv" else 6) for run in row["runs"])
            assert row["median_seconds"] == sorted(run["seconds"] for run in row["runs"])[1]
    ours, slow, never = result.rows[:3]
    assert result.ratio(ours) is None
    assert result.ratio(slow)[0] == pytest.approx(slow.median / ours.median)
    assert result.ratio(never) == (0.4 / ours.median, False)
    assert result.table().row_count == 6


def test_what_only_the_first_update_costs_is_not_counted():
    made = []

    class Compiling(Fake):
        def train(self):
            if len(made) == 1:
                sum(range(20_000_000))
            super().train()

    def make(bits, seed):
        made.append(Compiling(1, bits))
        return made[-1]

    result = training.measure([training.Contender(name="commenv", make=make)], 1, 60.0)
    assert [(one.updates, one.stopped) for one in made] == [(1, True)] * 3
    assert all(run.spent < 0.1 for row in result.rows for run in row.runs)


def test_half_that_never_arrive_have_no_median():
    def row(*seconds):
        runs = [training.Run(seed=k, seconds=s, spent=1, updates=1, efficiency=1) for k, s in enumerate(seconds)]
        return training.Row(name="x", bits=2, runs=runs, version=None, note="")

    assert row(1.0, 3.0, None).median == 3.0
    assert row(1.0, None, None).median is None
    assert row(1.0, None).median is None


def test_a_peer_may_be_missing_but_not_we():
    def absent(bits, seed):
        raise ImportError("no such thing")

    peer = training.Contender(name="peer", make=absent, package="nothing-of-that-name")
    result = training.measure([*contenders(commenv=1), peer], 1, 1.0)
    assert [row.note for row in result.rows if row.name == "peer"] == ["no such thing"] * 2
    assert not any(row.runs for row in result.rows if row.name == "peer")
    with pytest.raises(ImportError, match="no such thing"):
        training.measure([training.Contender(name="ours", make=absent)], 1, 1.0)


def test_interrupted_it_keeps_whole_seeds():
    def stops(bits, seed):
        if seed == 1:
            raise KeyboardInterrupt
        return Fake(1, bits)

    result = training.measure([*contenders(commenv=1), training.Contender(name="stops", make=stops)], 3, 1.0)
    assert result.interrupted
    assert all(len(row.runs) == 1 for row in result.rows)


@pytest.mark.usefixtures("ray_session")
def test_our_team_learns_on_stock_episodes():
    from experiments.bench import training_peers as peers

    config = (
        peers.same_team_config(2)
        .training(train_batch_size_per_learner=256)
        .env_runners(num_envs_per_env_runner=8, rollout_fragment_length=32)
    )
    learner = peers.Trained(config, 2, 0)
    try:
        before = [p.detach().clone() for p in learner.policies()["sender"].parameters()]
        learner.train()
        assert any((a != b).any() for a, b in zip(before, learner.policies()["sender"].parameters(), strict=True))
        messages, actions = learner.code()
        assert (messages.shape, actions.shape) == ((8,), (4,))
        assert messages.max() < 4
        assert actions.max() < 8
    finally:
        learner.stop()
