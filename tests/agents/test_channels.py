"""The differentiable channel is the game's channel."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import one_hot

from agents.channels import DifferentiableChannel
from agents.losses import gumbel_given, noise_given
from commenv.core.channel import Channel
from commenv.core.transmission import ERASED, deliver

CHANNELS = [
    Channel(bits=2),
    Channel(bits=2, error=0.3),
    Channel(bits=3, erasure=0.2),
    Channel(symbols=5, error=0.4, erasure=0.3),
    Channel(bits=2, silence=True, error=0.5, erasure=0.25),
    Channel(bits=1, silence=True, error=0.5),
    Channel(bits=0, error=0.5),
    Channel(bits=1, erasure=1.0),
]


@pytest.mark.parametrize("channel", CHANNELS, ids=repr)
@given(seed=st.integers(0, 2**32 - 1))
def test_same_noise_same_symbol(channel, seed):
    rng = np.random.default_rng(seed)
    sent, noise = rng.integers(0, channel.size, 64), rng.random(64)
    played = np.array([deliver(channel.wire, m, u) for m, u in zip(sent, noise, strict=True)])
    played[played == ERASED] = channel.size
    copy = DifferentiableChannel(channel).delivered(
        one_hot(torch.from_numpy(sent), channel.size).double(), torch.from_numpy(noise)
    )
    assert np.array_equal(copy.argmax(-1).numpy(), played)
    assert torch.equal(copy.sum(-1), torch.ones(64, dtype=torch.float64))


@pytest.mark.parametrize("channel", CHANNELS, ids=repr)
def test_marginal_is_the_mean_over_noise(channel):
    copy, n = DifferentiableChannel(channel), 200_000
    message = torch.rand(channel.size, generator=torch.Generator().manual_seed(1))
    message = message / message.sum()
    noise = torch.rand(n, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    mean = copy.delivered(message.double().expand(n, -1), noise).mean(0)
    assert torch.allclose(copy.marginal(message).double(), mean, atol=4 * 0.5 / n**0.5)


@pytest.mark.parametrize("channel", CHANNELS, ids=repr)
def test_inferred_noise_gives_what_was_delivered(channel):
    copy, generator = DifferentiableChannel(channel), torch.Generator().manual_seed(3)
    sent = torch.randint(channel.size, (500,), generator=generator)
    noise = torch.rand(500, generator=generator, dtype=torch.float64)
    hard = one_hot(sent, channel.size).double()
    delivered = copy.delivered(hard, noise).argmax(-1)
    inferred = noise_given(copy, sent, delivered, generator)
    assert torch.equal(copy.delivered(hard, inferred).argmax(-1), delivered)
    assert (inferred >= 0).all()
    assert (inferred < 1).all()


def test_inferred_noise_is_uniform():
    """Over all messages and noises the inferred noise has the law it was drawn from."""
    copy, generator = DifferentiableChannel(Channel(symbols=5, error=0.4, erasure=0.3)), torch.Generator().manual_seed(4)
    sent = torch.randint(5, (100_000,), generator=generator)
    noise = torch.rand(100_000, generator=generator, dtype=torch.float64)
    delivered = copy.delivered(one_hot(sent, 5).double(), noise).argmax(-1)
    inferred = noise_given(copy, sent, delivered, generator)
    counts = torch.histc(inferred, bins=20, min=0, max=1)
    assert float(((counts - 5000) ** 2 / 5000).sum()) < 43.8  # chi-square, 19 degrees of freedom, p = .001


def test_silence_tells_nothing_of_the_noise():
    copy = DifferentiableChannel(Channel(symbols=3, silence=True, erasure=0.5))
    silence = torch.zeros(20_000, dtype=torch.long)
    inferred = noise_given(copy, silence, silence, torch.Generator().manual_seed(6))
    assert abs(float(inferred.mean()) - 0.5) < 4 * 12**-0.5 / 20_000**0.5


def test_large_alphabets_pass_in_linear_space():
    copy = DifferentiableChannel(Channel(bits=12, error=0.1))
    message = torch.rand(64, 4096, requires_grad=True)
    copy.delivered(message, torch.rand(64, dtype=torch.float64)).square().sum().backward()
    assert torch.allclose(message.grad.sum(-1), 2 * message.sum(-1), rtol=0.2)


def test_inferred_gumbel_has_the_chosen_maximum():
    generator = torch.Generator().manual_seed(5)
    logp = torch.randn(2000, 6, generator=generator).log_softmax(-1)
    chosen = torch.distributions.Categorical(logits=logp).sample()
    gumbel = gumbel_given(logp, chosen, generator)
    assert torch.equal((logp + gumbel).argmax(-1), chosen)
    # Over the law of `chosen` the noise is Gumbel again: mean Euler's constant, variance pi^2 / 6.
    assert abs(float(gumbel.mean()) - 0.5772) < 4 * 1.2825 / 12_000**0.5


def test_a_budget_is_refused():
    with pytest.raises(ValueError, match="budget"):
        DifferentiableChannel(Channel(bits=2, silence=True, cap=2.0))


@pytest.mark.parametrize(
    "fields",
    [
        *({"delay": 1}, {"winners": 1}, {"rates": [(0, 1, 1)]}, {"corrupt": [(0, 1, 0.5)]}, {"eavesdrop": [(0, 1, 2)]}),
        *({"bursts": {"to_bad": 0.1, "to_good": 0.1}}, {"flip": 0.1}, {"fade": 0.1}, {"drop": 0.1}),
    ],
    ids=repr,
)
def test_what_it_does_not_copy_is_refused(fields):
    with pytest.raises(ValueError, match="not differentiable"):
        DifferentiableChannel(Channel(bits=2, **fields))
