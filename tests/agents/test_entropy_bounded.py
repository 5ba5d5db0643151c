"""The bottleneck of limited entropy: its cells are information theory's, its reading is Bayes' rule, and it can be learned."""

import numpy as np
import pytest
import torch

from agents.bottlenecks import EntropyBounded
from commenv.info import entropy, entropy_bounded_partition

BELIEF = [0.4, 0.3, 0.2, 0.1]


def spoken(bottleneck, states):
    """The symbols of hidden vectors that name their states plainly."""
    bottleneck.encode.weight.data = torch.eye(len(BELIEF)) * 50
    bottleneck.encode.bias.data.zero_()
    return bottleneck(torch.eye(len(BELIEF))[states])


@pytest.mark.parametrize(("rate", "method"), [(1.0, "paper"), (1.0, "best"), (1.5, "best"), (2.0, "paper")])
def test_its_cells_are_those_of_the_partition(rate, method):
    message = spoken(EntropyBounded(4, BELIEF, rate, method), torch.arange(4))
    found = entropy_bounded_partition(BELIEF, rate, method)
    np.testing.assert_array_equal(message.symbols[:, 0].numpy(), found.labels)
    assert entropy(np.bincount(message.symbols[:, 0].numpy(), BELIEF)) <= rate + 1e-9


def test_a_listener_reads_the_posterior():
    bottleneck = EntropyBounded(4, BELIEF, 1.0, "paper")  # {0, 1} and {2, 3}
    message = spoken(bottleneck, torch.tensor([0, 3]))
    np.testing.assert_allclose(message.read.detach(), [[4 / 7, 3 / 7, 0, 0], [0, 0, 2 / 3, 1 / 3]], atol=1e-6)
    np.testing.assert_array_equal(bottleneck.read(message.symbols), message.read.detach())


def test_no_more_symbols_than_the_wire_has():
    skewed = [0.7, *[0.3 / 15] * 15]  # 1.2 bits in many cells
    wide, narrow = EntropyBounded(4, skewed, 1.5, "paper"), EntropyBounded.of(4, 1, belief=skewed, rate=1.5, method="paper")
    assert wide.alphabet[0] > 2
    assert narrow.alphabet == (2,)
    assert narrow.bits == 1


def test_it_learns_which_state_is_meant():
    torch.manual_seed(0)
    bottleneck = EntropyBounded(6, BELIEF, 1.5)
    mixing = torch.randn(4, 6)
    optimiser = torch.optim.Adam(bottleneck.parameters(), 0.05)
    states = torch.multinomial(torch.tensor(BELIEF), 256, replacement=True)
    for _ in range(150):
        message = bottleneck(mixing[states], torch.rand(256, bottleneck.noise))
        loss = -(message.read.gather(-1, states[:, None]) + 1e-3).log().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    told = bottleneck(mixing[states]).read.argmax(-1)
    best = max(bottleneck.posterior.max(-1).values.tolist())
    assert (told == states).float().mean() > 0.75  # cells {0, 2 or 3}, ... : two states of four share a cell
    assert best == 1


def test_refusals():
    with pytest.raises(ValueError, match="rate"):
        EntropyBounded(4, BELIEF, -1.0)
    with pytest.raises(ValueError, match="method"):
        EntropyBounded.of(4, 2, method="none")
