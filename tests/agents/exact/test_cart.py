"""The cart's policy: what is shipped balances the pole and tells the image; the same bit for bit in any batch."""

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from agents.exact.cart import ID, SHIPPED, SIZES, SPREAD, UNIT, Cart, cart_team, train_cart
from agents.exact.coding import tell
from agents.networks import Perceptron
from commenv.core.batch import Batch
from commenv.core.game import choose
from commenv.games import rules

OPTIONS = choose(rules(ID), {})


def seen(n=64):
    rng = np.random.default_rng(0)
    found = np.zeros((n, 7 + 32), np.float32)
    found[:, :4] = rng.normal(size=(n, 4)) * SPREAD
    return found


def test_the_compiled_network_is_the_network():
    network = Perceptron(SIZES)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in load_file(SHIPPED).items()})
    x = torch.from_numpy(seen()[:, :4].astype(np.float32)) / torch.tensor(SPREAD)
    with torch.no_grad():
        theirs = (network(x) * UNIT / 0.5).softmax(-1).numpy()
    np.testing.assert_allclose(Cart(OPTIONS, load_file(SHIPPED), 0.5).policies(seen()), theirs, atol=2e-4)


def test_rows_do_not_know_each_other():
    cart = Cart(OPTIONS, load_file(SHIPPED), 0.5)
    many = cart.policies(seen())
    np.testing.assert_array_equal(np.concatenate([cart.policies(seen()[k : k + 1]) for k in range(64)]), many)


def test_a_short_message_arrives_and_the_pole_stands():
    options = choose(rules(ID), {"messages": 16, "parts": 4, "horizon": 200})
    found = tell(cart_team(options), 40)
    assert found.mdp_return.mean() > 198
    assert found.correct.mean() >= 0.95
    assert found.bits_delivered.mean() > 15.5
    assert abs(found.correct.mean() - found.certainty.mean()) <= 4 * np.sqrt(0.05 / 40)


@pytest.mark.parametrize("noise", [0.0, 0.25])
def test_sender_and_receiver_believe_the_same_at_every_step(noise):
    """Though the batch writes observations in place: a policy must be that of the state in which the act was chosen."""
    options = choose(rules(ID), {"messages": 8, "parts": 2, "horizon": 60, "noise": noise})
    batch = Batch(rules(ID), options, 16, 0, copy=False)
    player, seen, fresh = cart_team(options).player(16), batch.reset(), np.ones(16, bool)
    for _ in range(70):
        drives = batch.active["sender"].copy()
        actions = player.act(seen, batch.active, fresh)
        sender, receiver = (player.watchers[name].beliefs for name in ("sender", "receiver"))
        np.testing.assert_array_equal(sender, receiver)
        if not noise:  # nothing that was done was out of the question
            true = np.take_along_axis(sender, batch.state.board[:, :2, None], axis=2)
            assert true[drives].min(initial=1.0) > 0
        seen, _, over, cut, _ = batch.step(actions)
        fresh = (over["receiver"] | cut["receiver"]).copy()


def test_what_was_watched_may_be_written_over():
    first, second = seen(8), seen(8)[::-1].copy()
    second[:, 4], second[:, 6] = 1 / OPTIONS.horizon, 1
    buffer, watchers = first.copy(), [cart_team(OPTIONS).player(8).receiver for _ in range(2)]
    for watcher, shown in zip(watchers, (first, buffer), strict=True):
        watcher.watch(shown, np.ones(8, bool))
    buffer[:] = second
    for watcher, shown in zip(watchers, (second, buffer), strict=True):
        watcher.watch(shown, np.zeros(8, bool))
    np.testing.assert_array_equal(watchers[0].beliefs, watchers[1].beliefs)


def test_training_is_reproducible():
    first, second = (train_cart(3, updates=20) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert first["layers.0.weight"].shape == (64, 4)
