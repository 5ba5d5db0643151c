"""Communication metrics against the spec's vectors, simulation, and what must always hold."""

from math import inf, isnan, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from commenv.info import conditional_mutual_information, mutual_information
from commenv.info.communication import (
    _edits,
    causal_influence,
    influence,
    instantaneous_coordination,
    positive_listening,
    positive_signalling,
    semantic_information,
    speaker_consistency,
    topographic_similarity,
    two_speakers,
)

whole = st.integers(0, 5)


def normalised(n):
    return n / n.sum(axis=-1, keepdims=True)


def policies(*shape):
    return arrays(np.int64, shape, elements=whole).filter(lambda n: n.any(axis=-1).all()).map(normalised)


def test_signalling():
    found = positive_signalling([[1, 0], [1, 0], [0.5, 0.5]], [0.5, 0.25, 0.25])
    h = -(7 / 8 * log2(7 / 8) + 1 / 8 * log2(1 / 8))
    assert found.message_entropy == pytest.approx(h, abs=1e-12)
    assert found.noise == pytest.approx(1 / 4, abs=1e-12)
    assert found.information == pytest.approx(h - 1 / 4, abs=1e-12)
    assert found.per_bit == pytest.approx(1 - 1 / (4 * h), abs=1e-12)
    mute = positive_signalling([[1, 0], [1, 0]], [0.5, 0.5])
    assert (mute.information, mute.message_entropy, mute.per_bit) == (0, 0, 0)


@given(policies(3, 4), policies(3))
def test_a_bit_tells_at_most_a_bit(policy, prior):
    found = positive_signalling(policy, prior)
    assert 0 <= found.information <= found.message_entropy + 1e-12
    assert 0 <= found.per_bit <= 1 + 1e-12
    assert found.information + found.noise == pytest.approx(found.message_entropy, abs=1e-12)


def test_listening():
    deaf = [[[0.3, 0.7]] * 2]
    assert positive_listening(deaf, [[0.5, 0.5]], 0) == positive_listening(deaf, [[0.5, 0.5]], [[0.3, 0.7]])
    assert positive_listening(deaf, [[0.5, 0.5]], 0).distance == 0
    found = positive_listening([[[0.5, 0.5], [1, 0]]], [[0.25, 0.75]], [[0.5, 0.5]])
    assert found.distance == pytest.approx(0.75, abs=1e-12)
    assert found.divergence == pytest.approx(0.75, abs=1e-12)
    assert positive_listening([[[1, 0], [0, 1]]], [[0.5, 0.5]], null=0).divergence == inf


def test_causal_influence():  # spec/information.md 6
    speaker, listener = [[0.5, 0.3, 0.2]], [[[0.8, 0.2], [0.3, 0.7], [0.5, 0.5]]]
    assert causal_influence(speaker, listener) == pytest.approx(0.151149152, abs=5e-10)
    assert influence(speaker, listener)[0, 1] == pytest.approx(0.247485973, abs=5e-10)


@given(policies(2, 3), policies(2, 3, 4), policies(2))
def test_causal_influence_is_information_given_the_situation(speaker, listener, prior):
    joint = prior[:, None, None] * speaker[:, :, None] * listener  # i, m, a
    found = causal_influence(speaker, listener, prior)
    assert found == pytest.approx(conditional_mutual_information(joint.transpose(1, 2, 0)), abs=1e-11)
    assert found == pytest.approx(float(np.sum(prior[:, None] * speaker * influence(speaker, listener))), abs=1e-12)


def test_cooccurrence_without_listening():
    """A state moves message and act alike, and nobody listens: co-occurrence is found, and none at equal states."""
    rng = np.random.default_rng(0)
    state = rng.integers(0, 2, 4000)
    message, act = (np.where(rng.random(4000) < 0.1, 1 - state, state) for _ in range(2))
    found = speaker_consistency(message, act, state, permutations=99)
    assert found.bits.bits == pytest.approx(1 + 0.18 * log2(0.18) + 0.82 * log2(0.82), abs=4 * found.bits.standard_error)
    assert found.bits.p_value == 0.01
    assert found.conditional == pytest.approx(0, abs=0.003)
    plug_in = speaker_consistency(message, act, state, method="plug-in", permutations=0)
    assert plug_in.bits.p_value is None
    assert 0 <= plug_in.conditional < 0.003


def test_coordination_looks_one_step_ahead():
    rng = np.random.default_rng(0)
    messages = rng.integers(0, 4, (500, 6))
    actions = np.roll(messages, 1, axis=1)
    states = rng.integers(0, 3, (500, 6))
    found = instantaneous_coordination(messages, actions, states, permutations=19)
    assert found.bits.bits == pytest.approx(2, abs=0.01)
    assert found.conditional == pytest.approx(2, abs=0.02)
    assert instantaneous_coordination(messages, messages, permutations=0).bits.bits == pytest.approx(0, abs=0.01)


def test_two_speakers():
    a, b = np.random.default_rng(0).integers(0, 2, (2, 20_000))
    synergy = two_speakers(a, b, a ^ b)
    assert synergy.parts.synergy == pytest.approx(1, abs=0.01)
    assert synergy.o_information == pytest.approx(-1, abs=0.01)
    assert synergy.broadcast == pytest.approx(0, abs=0.001)
    copies = two_speakers(a, a, a)
    assert copies.parts.redundancy == pytest.approx(1, abs=0.001)
    assert copies.broadcast == pytest.approx(1, abs=0.001)


def test_topographic_similarity():  # spec/information.md 6
    meanings = [[i, j] for i in range(3) for j in range(3)]
    compositional = [[(i + 1) % 3, (j + 1) % 3] for i, j in meanings]
    assert topographic_similarity(meanings, compositional) == pytest.approx(1, abs=1e-12)
    shuffled = [meanings[k] for k in [7, 0, 2, 1, 4, 6, 5, 3, 8]]
    assert topographic_similarity(meanings, shuffled) == pytest.approx(0, abs=1e-12)
    assert isnan(topographic_similarity(meanings, [[0, 0]] * 9))
    i, j = np.triu_indices(9, 1)
    hamming = np.array([sum(p != q for p, q in zip(meanings[x], meanings[y], strict=True)) for x, y in zip(i, j, strict=True)])
    said = np.array([sum(p != q for p, q in zip(shuffled[x], shuffled[y], strict=True)) for x, y in zip(i, j, strict=True)])
    assert topographic_similarity(meanings, shuffled) == pytest.approx(spearmanr(hamming, said).statistic, abs=1e-12)


@pytest.mark.parametrize(
    ("first", "second", "edits"), [("a", "abc", 2), ("abc", "bcb", 2), ("", "cc", 2), ("ab", "b", 1), ("kitten", "sitting", 3)]
)
def test_edit_distance(first, second, edits):
    assert _edits(first, second) == _edits(second, first) == edits


@given(policies(4), policies(4, 3), arrays(np.float64, (4, 3), elements=st.floats(0.01, 1)))
def test_semantic_information_is_at_most_shannons(prior, messages, truth):
    joint = prior[:, None] * messages
    shannon = mutual_information(joint)
    assert semantic_information(prior, messages, truth) <= shannon + 1e-9
    fitting = messages / messages.max(axis=0, initial=1e-300)
    assert semantic_information(prior, messages, fitting) == pytest.approx(shannon, abs=1e-9)


def test_semantic_information_of_words():
    """Of eight numbers said to be small or large; who calls small what is large misleads, and what is always true is empty."""
    prior, x = np.full(8, 1 / 8), np.arange(8)
    small = np.column_stack([x < 4, x >= 4]).astype(float)
    assert semantic_information(prior, small, small) == pytest.approx(1)
    assert semantic_information(prior, small, small[:, ::-1]) == -inf
    assert semantic_information(prior, small, np.ones((8, 2))) == 0
    assert semantic_information(prior, small[:, ::-1], np.clip(small, 0.1, 1)) < 0


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: positive_signalling(np.eye(2), [1]), "a row for each of 1 situations, got 2"),
        (lambda: positive_listening(np.eye(2), np.eye(2), 0), r"shape \(situations, messages, actions\)"),
        (lambda: positive_listening([np.eye(2)], [[1, 0]], 2), "a message from 0 to 1 or a policy, got 2"),
        (lambda: positive_listening([np.eye(2)], [[1, 0]], [[1.0]]), r"shape \(1, 2\)"),
        (lambda: causal_influence([[1.0]], [np.eye(2)]), r"shape \(1, 2\), got \(1, 1\)"),
        (lambda: speaker_consistency([1, 2], [1, 2], [1], permutations=0), r"states must have shape \(2,\)"),
        (lambda: instantaneous_coordination([1, 2], [1, 2]), r"\(games, steps\)"),
        (lambda: topographic_similarity([[1], [2]], [[1]]), "1 messages"),
        (lambda: topographic_similarity([[1], [2]], [[1], [2]], "jaccard"), "'jaccard'"),
        (lambda: topographic_similarity(np.zeros((6000, 1)), np.zeros((6000, 1))), "5,000"),
        (lambda: semantic_information([1], [[1.0]], [[2.0]]), "from 0 to 1, got 2.0"),
        (lambda: semantic_information([1], [[1.0]], [[1.0, 1.0]]), r"shape \(1, messages\)"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()


@pytest.mark.parametrize(("K", "error"), [(2, 0.1), (4, 0.3)])
def test_the_best_trust_in_messages_that_are_sometimes_false(K, error):
    """Symmetric errors: trusted as far as that, truth is proportional to P(m | x), and all of I(X; M) is told."""
    W = np.full((K, K), error / (K - 1))
    np.fill_diagonal(W, 1 - error)
    prior = np.full(K, 1 / K)
    assert semantic_information(prior, W, np.eye(K)) == -np.inf
    assert semantic_information(prior, W, np.eye(K), trust=0.0) == 0
    told = mutual_information(prior[:, None] * W)
    assert semantic_information(prior, W, np.eye(K), trust=None) == pytest.approx(told, abs=1e-9)
    assert semantic_information(prior, W, np.eye(K), trust=1 - error / (K - 1) / (1 - error)) == pytest.approx(told, abs=1e-12)
    with pytest.raises(ValueError, match="trust"):
        semantic_information(prior, W, np.eye(K), trust=2.0)
