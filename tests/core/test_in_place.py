"""What `Batch.in_place` hands out plays the same game as `step`, bit for bit."""

import copy

import numpy as np
import pytest
from examples import REFERENTIAL, RING, digest, random_actions

import commenv
from commenv.core.copies import MUCH


@pytest.mark.parametrize("threads", [1, 2])
def test_in_place_is_step(chosen, threads):
    id, options = chosen
    one, other = (commenv.make_batch(id, 5, seed=3, threads=threads, **options) for _ in range(2))
    one.reset()
    other.reset()
    if one.channel.floats:
        with pytest.raises(ValueError, match="floats"):
            one.in_place()
        return
    hand, names = one.in_place(), one.possible_agents
    for action in random_actions(one, 40):
        told = other.step(action)
        for name in names:
            hand.actions[name][...] = action[name]
        hand.step()
        ends = dict.fromkeys(names, hand.terminations), dict.fromkeys(names, hand.truncations)
        assert digest(hand.observations, hand.rewards, *ends, one.infos()) == digest(*told)
    meters = [[link.counts for link in batch.meter.links.values()] for batch in (one, other)]
    assert digest(meters[0]) == digest(meters[1])


def test_the_arrays_stay_where_they_are():
    batch = commenv.make_batch(REFERENTIAL, 3, seed=0)
    batch.reset()
    first, second = batch.in_place(), batch.in_place()
    for name in batch.possible_agents:
        assert first.observations[name].ctypes.data == second.observations[name].ctypes.data
    first.actions["sender"][:] = 3
    second.step()  # what stands in the actions is played, whoever wrote it
    assert (first.observations["receiver"][:, batch.inbox("receiver")].argmax(axis=1) == 3).all()
    before = first.observations["sender"].copy()
    batch.reset()
    assert not np.array_equal(first.observations["sender"], before)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("place", "value"), [((2, 1), 4), ((0, 1), -1), ((1, 0), 2)])
def test_bad_actions_change_nothing(threads, place, value):
    batch, twin = (commenv.make_batch(RING, 3, seed=0, threads=threads) for _ in range(2))
    batch.reset()
    twin.reset()
    hand = batch.in_place()
    hand.actions["player_1"][place] = value
    seen = digest(hand.observations)
    with pytest.raises(ValueError, match=rf"game {place[0]}: action of player_1=.*{value}.* is not allowed"):
        hand.step()
    assert digest(hand.observations) == seen
    hand.actions["player_1"][place] = 0
    hand.step()
    twin.step({name: np.zeros((3, 2), int) for name in twin.possible_agents})
    assert digest(batch.observations, batch.infos()) == digest(twin.observations, twin.infos())


@pytest.mark.parametrize("threads", [1, 2])
def test_a_bad_action_does_not_hinder_a_reset(threads):
    batch, twin = (commenv.make_batch(RING, 3, seed=0, threads=threads) for _ in range(2))
    batch.reset()
    twin.reset()
    batch.in_place().actions["player_1"][...] = 99
    assert digest(batch.reset()) == digest(twin.reset())


def test_a_copy_plays_on_in_place():
    batch = commenv.make_batch(RING, 3, seed=0)
    batch.reset()
    twin = copy.deepcopy(batch)
    for each in (batch, twin):
        each.in_place().step()
    assert digest(batch.observations, batch.infos()) == digest(twin.observations, twin.infos())


def test_before_reset():
    with pytest.raises(RuntimeError, match="reset"):
        commenv.make_batch(REFERENTIAL, 1).in_place()


def test_much_is_handed_out_uncopied_and_still_not_written_on():
    """From MUCH bytes on the kernel writes where nobody holds anything: what was handed out stays, whatever is called next."""
    n = MUCH // 50
    batch, twin = (commenv.make_batch(REFERENTIAL, n, 5, copy=copy) for copy in (True, False))
    batch.reset(), twin.reset()
    assert batch.buffers.observation.nbytes >= MUCH
    acts = {name: np.zeros(n, np.int64) for name in batch.possible_agents}
    kept = []
    for _ in range(6):  # more than a shelf remembers
        seen, told = batch.step(acts)[0], twin.step(acts)[0]
        assert digest(seen) == digest(told) == digest(batch.observations)
        kept.append((seen, digest(seen)))
    with pytest.raises(ValueError, match="sender"):
        batch.step({name: act + 10**6 for name, act in acts.items()})
    assert digest(batch.observations) == kept[-1][1]
    batch.step(acts)
    batch.in_place().step()
    batch.step(acts)
    batch.rollout({name: act[None] for name, act in acts.items()})
    assert [digest(seen) for seen, _ in kept] == [before for _, before in kept]
