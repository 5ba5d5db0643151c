"""Fragments go where RLlib expects episodes."""

import numpy as np
import pytest
from ray.rllib.utils.minibatch_utils import ShardEpisodesIterator

from agents.fragments import Fragment, join


def fragment(B=8, T=4, seed=0):
    rng = np.random.default_rng(seed)
    truncated = rng.random((B, T)) < 0.3
    columns = {
        "obs": rng.random((B, T, 3)),
        "actions": rng.integers(0, 5, (B, T)),
        "active": rng.random((B, T)) < 0.5,
        "rewards": rng.random((B, T)),
        "last_obs": rng.random((B, 3)),
        "final_obs": np.stack(np.nonzero(truncated), 1).astype(float),  # each row says where it belongs
    }
    return Fragment({"a": columns}, rng.random((B, T)) < 0.2, truncated)


def test_slices_keep_rows_and_their_last_observations():
    whole = fragment()
    low, high = whole[:12], whole.slice(slice(12, None))
    assert (len(low), len(high), len(whole)) == (12, 20, 32)
    again = join([low, high])
    for key, column in whole.agents["a"].items():
        assert np.array_equal(again.agents["a"][key], column)
    assert np.array_equal(
        high.agents["a"]["final_obs"], [[r, t] for r, t in zip(*np.nonzero(whole.truncated), strict=True) if r >= 3]
    )
    assert whole.agent_steps() == whole.agents["a"]["active"].sum()


def test_rllib_shards_them_over_learners():
    shards = list(ShardEpisodesIterator([fragment(8), fragment(8, seed=1)], 2))
    assert [sum(map(len, shard)) for shard in shards] == [32, 32]


def test_a_row_is_never_cut():
    with pytest.raises(ValueError, match="would cut a row of 4"):
        fragment()[:6]


def test_different_lengths_do_not_join():
    with pytest.raises(ValueError, match="cannot be joined"):
        join([fragment(), fragment(T=5)])
