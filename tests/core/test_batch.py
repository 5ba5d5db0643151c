"""n games side by side are n games alone; what no game may get wrong is right."""

import copy
import pickle
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import ring
from examples import OPTION_SETS, REFERENTIAL, digest, fingerprint, only, random_actions, trajectory

import commenv
from commenv.core.batch import Batch
from commenv.core.game import Layout


def state(batch: Batch) -> str:
    return digest([np.array(part) for part in batch.state], batch.buffers.observation)


# ---------------------------------------------------------------------------------------------------------------- one game
def test_a_game_of_a_batch_is_the_game_alone(chosen):
    id, options = chosen
    batch = commenv.make_batch(id, 6, seed=5, **options)
    actions = random_actions(batch, steps=30)
    together = trajectory(batch, actions)
    for i in (0, 2, 5):
        alone = trajectory(commenv.make_batch(id, 1, seed=5 + i, **options), [only(action, i) for action in actions])
        for shared, own in zip(together, alone, strict=True):
            assert digest(only(shared, i)) == digest(only(own, 0))


@pytest.mark.parametrize("name", OPTION_SETS)
def test_threads_change_nothing(name):
    assert fingerprint(name) == fingerprint(name, threads=2) == fingerprint(name, threads=99)


def test_seeds_of_more_than_32_bits_differ():
    far = commenv.make_batch(REFERENTIAL, 500, seed=2**40 + 1).reset()["sender"]
    near = commenv.make_batch(REFERENTIAL, 500, seed=1).reset()["sender"]
    assert not np.array_equal(far, near)


# ---------------------------------------------------------------------------------------------------------------- resets
def test_a_seed_repeats_and_no_seed_goes_on(chosen):
    id, options = chosen
    batch = commenv.make_batch(id, 4, seed=3, **options)
    first, second = batch.reset(), batch.reset()
    assert digest(batch.reset(seed=3)) == digest(first)
    assert digest(batch.reset()) == digest(second)
    other = commenv.make_batch(id, 4, **options)
    assert digest(other.reset(seed=3)) == digest(first)


def test_without_a_seed_the_system_draws_one():
    states = [commenv.make_batch(REFERENTIAL, 100).reset()["sender"] for _ in range(2)]
    assert not np.array_equal(*states)


def test_games_that_reset_themselves_go_through_the_same_episodes():
    batch = commenv.make_batch(REFERENTIAL, 50, seed=9)
    nothing = {name: np.zeros(50, int) for name in batch.possible_agents}
    by_itself = [batch.reset()]
    for _ in range(3):
        batch.step(nothing)
        by_itself.append(batch.step(nothing)[0])
    by_hand = commenv.make_batch(REFERENTIAL, 50, seed=9)
    assert digest(by_itself) == digest([by_hand.reset() for _ in range(4)])


def test_step_before_reset():
    batch = commenv.make_batch(REFERENTIAL, 2)
    with pytest.raises(RuntimeError, match="reset"):
        batch.step({name: np.zeros(2, int) for name in batch.possible_agents})


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, "1", True])
def test_bad_seeds(seed):
    with pytest.raises(ValueError, match="seed="):
        commenv.make_batch(REFERENTIAL, 1, seed=seed)
    with pytest.raises(ValueError, match="seed="):
        commenv.make_batch(REFERENTIAL, 1).reset(seed=seed)


@pytest.mark.parametrize(("name", "value"), [("num_envs", 0), ("num_envs", 1.0), ("threads", 0), ("threads", "2")])
def test_bad_sizes(name, value):
    with pytest.raises(ValueError, match=f"{name}="):
        commenv.make_batch(REFERENTIAL, **{"num_envs": 2, name: value})


# ---------------------------------------------------------------------------------------------------------------- the end
def test_final_info_tells_of_the_game_that_ended(chosen):
    """Returns, lengths and meters of finished games are the sums of what was told step by step."""
    id, options = chosen
    n = 20
    batch = commenv.make_batch(id, n, seed=1, **options)
    batch.reset()
    dearest = batch.channel.rate if batch.channel.floats else batch.channel.prices.max()
    returns, lengths, ended = {name: np.zeros(n) for name in batch.possible_agents}, np.zeros(n, int), 0
    first = batch.possible_agents[0]
    for action in random_actions(batch, steps=40):
        observations, rewards, terminations, truncations, infos = batch.step(action)
        lengths += 1
        over = terminations[first] | truncations[first]
        for name, info in infos.items():
            returns[name] += rewards[name]
            assert ("final_info" in info) == over.any()
            if over.any():
                final = info["final_info"]
                np.testing.assert_array_equal(info["_final_obs"], over)
                np.testing.assert_array_equal(info["_final_info"], over)
                np.testing.assert_array_equal(final["episode_return"][over], returns[name][over])
                np.testing.assert_array_equal(final["episode_length"][over], lengths[over])
                assert (info["payload_bits"][over] == 0).all()
                assert (final["payload_bits"][over] <= dearest * lengths[over] + 1e-9).all()
                inbox = batch.inbox(name)
                assert (observations[name][over, inbox] == 0).all()  # a new game has heard nothing
                returns[name][over] = 0
        lengths[over] = 0
        ended += over.sum()
    assert ended >= n or options.get("rounds", 0) > 20


def test_success_is_the_game_s_own_measure_of_the_game_that_ended():
    n = 20
    batch = commenv.make_batch("tests/ring-v0", n, seed=1)  # whose measure is what all have earned together
    batch.reset()
    ended = 0
    for action in random_actions(batch, steps=40):
        *_, infos = batch.step(action)
        if "final_info" in infos["player_0"]:
            over = infos["player_0"]["_final_info"]
            finals = [info["final_info"] for info in infos.values()]
            earned = sum(final["episode_return"] for final in finals)
            for final in finals:
                np.testing.assert_array_equal(final["success"][over], earned[over])
            ended += over.sum()
    assert ended > n


def test_without_a_measure_there_is_no_success():
    batch = commenv.make_batch(REFERENTIAL, 1, seed=0, max_cycles=1)
    batch.reset()
    *_, infos = batch.step({name: np.zeros(1, int) for name in batch.possible_agents})
    assert "success" not in infos["sender"]["final_info"]


def test_who_has_not_the_floor_sends_nothing_and_pays_nothing():
    def has_floor(p, game, agents, board, i):
        return i != 1

    batch = Batch(SimpleNamespace(**{**vars(ring), "has_floor": has_floor}), ring.Options(bits=1), 5, seed=0)
    batch.reset()
    *_, infos = batch.step({name: np.ones((5, 2), int) for name in batch.possible_agents})
    assert {name: set(info["payload_bits"] + info["blocked"]) for name, info in infos.items()}["player_1"] == {0}
    for (source, target), link in batch.meter.links.items():
        assert link.offered == link.messages == (0 if source == "player_1" else 5), target


def test_the_final_observation_is_the_last_of_the_old_game():
    batch = commenv.make_batch("tests/ring-v0", 30, seed=0, stop=1.0, bits=1)
    first = batch.reset()
    action = {name: np.tile([0, 1], (30, 1)) for name in batch.possible_agents}
    observations, *_, infos = batch.step(action)
    for name in batch.possible_agents:
        final = infos[name]["final_obs"]
        np.testing.assert_array_equal(final[:, 1], first[name][:, 0])  # the board remembers the secret that was
        inbox = final[:, batch.inbox(name)]
        np.testing.assert_array_equal(inbox, np.tile([0, 1, 0], (30, inbox.shape[1] // 3)))
        assert not np.array_equal(observations[name], final)


def test_truncation_is_not_termination():
    batch = commenv.make_batch(REFERENTIAL, 3, seed=0, rounds=2, max_cycles=4)
    batch.reset()
    ends = [batch.step(action)[2:4] for action in random_actions(batch, 4)]
    assert [(t["sender"].all(), c["sender"].any()) for t, c in ends] == [(False, False)] * 3 + [(True, False)]
    batch = commenv.make_batch(REFERENTIAL, 3, seed=0, rounds=2, max_cycles=3)
    batch.reset()
    ends = [batch.step(action)[2:4] for action in random_actions(batch, 3)]
    assert [(t["sender"].any(), c["sender"].all()) for t, c in ends] == [(False, False)] * 2 + [(False, True)]


def test_turns_and_masks():
    batch = commenv.make_batch(REFERENTIAL, 4, seed=0)
    batch.reset()
    infos = batch.infos()
    for name, moves in (("sender", True), ("receiver", False)):
        assert (infos[name]["active"] == moves).all()
        assert infos[name]["action_mask"].shape == (4, batch.choices(name))
        assert (infos[name]["action_mask"].sum(axis=1) == (batch.choices(name) if moves else 1)).all()
        assert infos[name]["action_mask"][:, 0].all()


def test_idle_actions_change_nothing():
    told = []
    for idle in (0, 7):
        batch = commenv.make_batch(REFERENTIAL, 10, seed=0)
        batch.reset()
        told.append(batch.step({"sender": np.full(10, 2), "receiver": np.full(10, idle)}))
    assert digest(told[0]) == digest(told[1])


# ---------------------------------------------------------------------------------------------------------------- actions
def bad_actions(zeros: dict[str, np.ndarray]) -> dict[str, Any]:
    high, low = zeros["player_1"].copy(), zeros["player_1"].copy()
    high[2, 1], low[1, 0] = 4, -1
    return {
        "message too high": {**zeros, "player_1": high},
        "action too low": {**zeros, "player_1": low},
        "huge": {**zeros, "player_1": high.astype(np.uint64) + np.uint64(2**63)},
        "floats": {**zeros, "player_1": zeros["player_1"].astype(float)},
        "shape": {**zeros, "player_1": zeros["player_1"][:2]},
        "flat": {**zeros, "player_1": zeros["player_1"][:, 0]},
        "missing": {name: zeros[name] for name in zeros if name != "player_1"},
        "stranger": {**zeros, "player_9": zeros["player_1"]},
        "not a dictionary": list(zeros.values()),
    }


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", bad_actions({"player_1": np.zeros((3, 2), int)}))
def test_bad_actions_change_nothing(kind, threads):
    batch = commenv.make_batch("tests/ring-v0", 3, seed=0, threads=threads)
    batch.reset()
    zeros = {name: np.zeros((3, 2), int) for name in batch.possible_agents}
    batch.step(zeros)
    before, twin = state(batch), copy.deepcopy(batch)
    with pytest.raises(ValueError, match=r"allowed|must be") as caught:
        batch.step(bad_actions(zeros)[kind])
    assert "player_" in str(caught.value)
    assert state(batch) == before
    assert digest(batch.step(zeros)) == digest(twin.step(zeros))


# ---------------------------------------------------------------------------------------------------------------- memory
def test_arrays_are_copies_unless_asked():
    for copies in (True, False):
        batch = commenv.make_batch(REFERENTIAL, 3, seed=0, copy=copies)
        given = [batch.reset(), batch.active]
        kept = digest(given)
        observations, rewards, *_ = told = batch.step({"sender": np.array([0, 1, 2]), "receiver": np.zeros(3, int)})
        assert (digest(given) == kept) == copies
        assert np.shares_memory(observations["sender"], batch.buffers.observation) != copies
        assert np.shares_memory(rewards["sender"], batch.buffers.reward) != copies
        kept = digest(told)
        batch.step({"sender": np.zeros(3, int), "receiver": np.zeros(3, int)})
        assert (digest(told) == kept) == copies


def test_final_info_is_always_a_copy():
    batch = commenv.make_batch(REFERENTIAL, 3, seed=0, copy=False)
    batch.reset()
    actions = random_actions(batch, 4)
    for action in actions[:2]:
        *_, infos = batch.step(action)
    kept = digest(infos["sender"]["final_info"])
    for action in actions[2:]:
        batch.step(action)
    assert digest(infos["sender"]["final_info"]) == kept


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda batch: pickle.loads(pickle.dumps(batch))])
def test_a_copied_batch_plays_on_alike(twin_of, chosen):
    id, options = chosen
    batch = commenv.make_batch(id, 3, seed=0, threads=2, **options)
    assert digest(twin_of(batch).reset()) == digest(copy.deepcopy(batch).reset())
    actions = random_actions(batch, 20)
    trajectory(batch, actions[:5])
    twin = twin_of(batch)
    before = state(batch)
    told = [twin.step(action) for action in actions[5:]]
    assert state(batch) == before
    assert digest(told) == digest([batch.step(action) for action in actions[5:]])
    assert digest([link.counts for link in batch.meter.links.values()]) == digest(
        [link.counts for link in twin.meter.links.values()]
    )


# ---------------------------------------------------------------------------------------------------------------- spaces
def test_observations_are_in_their_spaces(chosen):
    id, options = chosen
    batch = commenv.make_batch(id, 4, seed=0, **options)
    for told in trajectory(batch, random_actions(batch, 20)):
        for name, rows in (told if isinstance(told, dict) else told[0]).items():
            assert all(batch.observation_spaces[name].contains(row) for row in rows)


def test_a_malformed_game_fails_when_made():
    def one_link_too_many(options: Any) -> Layout:
        return Layout(roles=ring.layout(options).roles, links=((0, 3),))

    rules = SimpleNamespace(**{**vars(ring), "layout": one_link_too_many})
    with pytest.raises(ValueError, match="link="):
        Batch(rules, ring.Options(), 1)
    rules = SimpleNamespace(**{**vars(ring), "Agent": type("Agent", (ring.Agent,), {"__annotations__": {"size": int}})})
    with pytest.raises(TypeError, match="size"):
        Batch(rules, ring.Options(), 1)


def test_an_anonymous_inbox_holds_what_came_and_not_from_whom():
    layout = replace(ring.layout(ring.Options()), anonymous=True)
    batch = Batch(SimpleNamespace(**{**vars(ring), "layout": lambda options: layout}), ring.Options(bits=2, stop=0.0), 1, 0)
    batch.reset()
    said = {"player_0": 3, "player_1": 1, "player_2": 2}  # 2 hears 0 and 1; the others hear the one before them
    observations, *_ = batch.step({name: np.array([[0, message]]) for name, message in said.items()})
    heard = {name: np.flatnonzero(rows[0, batch.inbox(name)]).tolist() for name, rows in observations.items()}
    assert heard == {"player_0": [2], "player_1": [3], "player_2": [1, 3]}
    assert {rows.shape for rows in observations.values()} == {(1, 3 + 5)}


def test_threads_do_not_share_cache_lines():
    """Two threads that write into one line of 64 bytes are no faster than one: measured 20 M steps/s instead of 40."""
    batch = commenv.make_batch("tests/ring-v0", 4, threads=4)
    players, links = len(batch.possible_agents), len(batch.layout.links)
    state, scratch = batch.state, batch._scratch
    used = {"rng": 8, "acts": 8 * players, "sent": 8 * players, "earned": 8 * players}
    rows = {name: (getattr(scratch, name), size) for name, size in used.items()}
    rows["tally"] = state.tally, links * state.tally.itemsize
    rows["counts"] = state.counts, links * batch.channel.size * 8
    for name, (array, size) in rows.items():
        assert len(array) == 4
        assert array.strides[0] - size >= 64, name


# ---------------------------------------------------------------------------------------------------------------- rollouts
def stacked(actions: list) -> Any:
    """Actions of single steps as a rollout takes them."""
    if isinstance(actions[0], dict):
        return {name: stacked([action[name] for action in actions]) for name in actions[0]}
    return tuple(map(np.stack, zip(*actions, strict=True))) if isinstance(actions[0], tuple) else np.stack(actions)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_rollout_is_its_steps(chosen, threads):
    id, options = chosen
    batch, twin = (commenv.make_batch(id, 4, seed=3, threads=threads, **options) for _ in range(2))
    actions = random_actions(batch, 30)
    for each in (batch, twin):
        each.reset()
        each.step(actions[0])
    told = stacked([dict(enumerate(twin.step(action)[:4])) for action in actions[1:]])
    assert digest(dict(enumerate(batch.rollout(stacked(actions[1:]))))) == digest(told)
    assert state(batch) == state(twin)
    assert digest(batch.infos(), batch.observations, batch.active) == digest(twin.infos(), twin.observations, twin.active)
    assert digest(batch.step(actions[0])) == digest(twin.step(actions[0]))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_rollout_with_a_bad_action_changes_nothing(threads):
    batch = commenv.make_batch("tests/ring-v0", 3, seed=0, threads=threads)
    actions = {name: np.zeros((5, 3, 2), int) for name in batch.possible_agents}
    with pytest.raises(RuntimeError, match="reset"):
        batch.rollout(actions)
    batch.reset()
    before = state(batch)
    for bad in (
        {},
        [],
        {name: array[:0] for name, array in actions.items()},
        {name: array[0] for name, array in actions.items()},
    ):
        with pytest.raises(ValueError, match="actions"):
            batch.rollout(bad)
    actions["player_1"][4, 2] = 0, 4
    with pytest.raises(ValueError, match=r"step 4, game 2: action of player_1=\[0, 4\]"):
        batch.rollout(actions)
    assert state(batch) == before


def test_what_a_caller_holds_is_never_written_on():
    """Memory is used again, but not that of large arrays which somebody holds, or looks into."""
    batch = commenv.make_batch(REFERENTIAL, 10_000, seed=0)
    batch.reset()
    actions = random_actions(batch, 12)
    held = [batch.step(action) for action in actions]
    rolled = [batch.rollout(stacked(actions[k : k + 2])) for k in range(0, 12, 2)]
    views = [memoryview(held.pop()[0]["sender"][5:, 1]) for _ in range(4)]
    before = digest(held, rolled), [view.tolist() for view in views]
    where = [batch.step(action)[0]["sender"].ctypes.data for action in actions]
    assert len(set(where)) <= 2
    for k in range(0, 12, 2):
        batch.rollout(stacked(actions[k : k + 2]))
    assert (digest(held, rolled), [view.tolist() for view in views]) == before
