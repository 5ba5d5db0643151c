"""The cart's policy: what is shipped balances the pole and tells the image; the same bit for bit in any batch."""

import numpy as np
import torch
from safetensors.numpy import load_file

from agents.exact.cart import ID, SHIPPED, SIZES, SPREAD, UNIT, Cart, cart_team, train_cart
from agents.exact.coding import tell
from agents.networks import Perceptron
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
    found = tell(cart_team(options), 10)
    assert found.mdp_return.mean() > 190
    assert found.correct.mean() >= 0.9
    assert found.bits_delivered.mean() > 15


def test_training_is_reproducible():
    first, second = (train_cart(3, updates=20) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert first["layers.0.weight"].shape == (32, 4)
