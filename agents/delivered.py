"""Reward for the bits that reach the receiver of a Markov coding game, beside its reward for naming: shaping for learned teams.

bits delivered = log2 of the receiver's belief in the message over its prior (Sokota et al. 2022); a learned receiver's belief is
its policy. What is right or wrong when a message is named is graded by it: a sender whose way is but somewhat clearer earns
somewhat more. It is Barber and Agakov's (2003) bound of I(message; way), paid out. As such a reward depends on the receiver's
policy itself, it has a gradient there besides that of actions: `telling`, by which its policy becomes the posterior.
"""

from collections.abc import Callable
from dataclasses import replace
from math import log

import numpy as np
import torch
from torch import Tensor

from agents.fragments import Fragment
from commenv.games.coding.message import Options, bits_of_values

LEAST = -8.0
"""Bits that a part counts at least: one that was out of the question would count without end."""
PART = "part"
"""The column of what the receiver ought to name."""


def parts_to_name(fragment: Fragment, options: Options) -> np.ndarray:
    """The true value of the part that the receiver is to name in each game and step [B, T], 0 where it names none.

    It is read from the observation of who is told the message.
    """
    parts, K, named = options.parts, options.messages, fragment.agents["receiver"]
    acts, found = named["active"], np.zeros(named["active"].shape, np.int64)
    seen = named["obs"][acts]
    informed = fragment.agents["source" if options.limit else "sender"]["obs"][acts]
    message = informed[:, -options.shown :].reshape(-1, parts, K).argmax(axis=2)
    which = seen[:, seen.shape[1] - parts :].argmax(axis=1) if parts > 1 else np.zeros(len(seen), int)
    found[acts] = message[np.arange(len(seen)), which]
    return found


def bits_delivered(fragment: Fragment, options: Options, receiver: Callable[[Tensor], Tensor], parts: np.ndarray) -> np.ndarray:
    """Bits of the part that is named in each game and step [B, T], 0 where none is.

    receiver: observations -> logits [..., K]. parts: as `parts_to_name` has them. A receiver that is sure of a wrong one is told
    at least -8 bits.
    """
    acts, found = fragment.agents["receiver"]["active"], np.zeros(fragment.terminated.shape)
    part = parts[acts]
    with torch.no_grad():
        sure = receiver(torch.from_numpy(fragment.agents["receiver"]["obs"][acts])).log_softmax(-1).numpy()
    bits = np.take_along_axis(sure, part[:, None], axis=1)[:, 0] / log(2) + bits_of_values(options)[part]
    found[acts] = np.maximum(bits, LEAST)
    return found


def paid(fragment: Fragment, options: Options, receiver: Callable[[Tensor], Tensor], weight: float) -> Fragment:
    """The fragment with `weight` in reward a bit delivered, to every agent, and a column of what the receiver ought to name."""
    parts = parts_to_name(fragment, options)
    extra = (weight * bits_delivered(fragment, options, receiver, parts)).astype(np.float32)
    agents = {name: {**columns, "rewards": columns["rewards"] + extra} for name, columns in fragment.agents.items()}
    agents["receiver"][PART] = parts
    return replace(fragment, agents=agents)


def telling(logits: Tensor, part: Tensor) -> Tensor:
    """Bits that a receiver of logits [n, K] is short of certainty of the parts [n], on average."""
    return torch.nn.functional.cross_entropy(logits, part) / log(2)
