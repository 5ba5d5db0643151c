"""Exchanges: which change of a code is found, where the listener knows something of its own."""

import pytest
import torch
from torch.nn.functional import one_hot

from agents.losses import TeamLoss, find_exchange

WORDS = torch.tensor([[w >> 2 & 1, w >> 1 & 1, w & 1] for w in range(8)])


class Index:
    """A team that plays function/index of 3 bits: symbol k is answered by the bits of word codes[k], and it knows all rewards."""

    own, matrix = 3, torch.eye(4)

    def __init__(self, codes):
        self.codes = WORDS[torch.tensor(codes)]

    def worth(self, seen, own):
        bit = WORDS[seen.argmax(-1)].gather(-1, own.argmax(-1, keepdim=True)).squeeze(-1)
        return one_hot(bit, 2).float()

    def answers(self, own):
        return one_hot(self.codes.T[own.argmax(-1)], 2).float().clamp_min(1e-9).log()

    def say(self, seen):
        agree = (WORDS[seen.argmax(-1)].unsqueeze(1) == self.codes).sum(-1)
        return one_hot(agree.argmax(-1), 4).float().clamp_min(1e-9).log()


def earned(codes):
    return (WORDS.unsqueeze(1) == WORDS[torch.tensor(codes)]).float().mean(-1).max(-1).values.mean()


@pytest.mark.parametrize("codes", [[0, 7, 0, 0], [7, 0, 7, 7], [0, 7, 1, 1]])
def test_a_word_and_its_complement_are_no_end(codes):
    """They answer each question right if the speaker is credited with knowing it: it is not."""
    seen, own = torch.eye(8).repeat_interleave(3, 0).repeat(60, 1), torch.eye(3).repeat(480, 1)
    order = torch.randperm(1440, generator=torch.Generator().manual_seed(0))
    found = find_exchange(Index(codes), seen[order], own[order], torch.tensor(0.5), TeamLoss())
    assert found["exchange_found"][0] == 1
    symbol, game = int(found["exchange_symbol"][0]), found["exchange_message"] == found["exchange_symbol"]
    word = torch.stack([found["exchange_reply"][own[order].argmax(-1) == y][0] for y in range(3)])
    after = [*codes[:symbol], int((word == WORDS).all(-1).nonzero()), *codes[symbol + 1 :]]
    assert earned(after) > earned(codes)
    assert (seen[order][game].argmax(-1).unsqueeze(-1) == after[symbol]).any()


def test_the_best_code_is_not_exchanged():
    seen, own = torch.eye(8).repeat_interleave(3, 0).repeat(60, 1), torch.eye(3).repeat(480, 1)
    assert find_exchange(Index([0, 3, 5, 6]), seen, own, torch.tensor(0.5), TeamLoss())["exchange_found"][0] == 0
    assert earned([0, 3, 5, 6]) == pytest.approx(5 / 6)
