"""Entropies against Shannon's identities and scikit-learn, estimators against simulation and the spec's vectors."""

from math import inf, log, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.metrics import mutual_info_score

from commenv.info import entropy, estimate_entropy, estimate_mutual_information, kl_divergence, mutual_information

tables = arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.integers(0, 9)).filter(np.any)
pairs = st.integers(1, 6).flatmap(lambda n: st.tuples(*[arrays(np.int64, n, elements=st.integers(1, 9))] * 2))
JOINT = np.array([[0.3, 0.1, 0.05], [0.05, 0.2, 0.3]])


@given(tables)
def test_information_is_what_the_entropies_share(n):
    joint = n / n.sum()
    information = mutual_information(joint)
    shared = entropy(joint.sum(axis=0)) + entropy(joint.sum(axis=1)) - entropy(joint.ravel())
    assert information == pytest.approx(shared, abs=1e-12)
    assert information == pytest.approx(mutual_information(joint.T), abs=1e-12)
    assert 0 <= information <= log2(min(n.shape)) + 1e-12


@given(tables)
def test_information_agrees_with_scikit_learn(n):
    assert mutual_information(n / n.sum()) == pytest.approx(mutual_info_score(None, None, contingency=n) / log(2), abs=1e-9)


@given(tables)
def test_information_is_divergence_from_independence(n):
    joint = n / n.sum()
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    assert mutual_information(joint) == pytest.approx(kl_divergence(joint.ravel(), independent.ravel()), abs=1e-12)


@given(pairs)
def test_divergence_from_uniform_is_missing_entropy(pair):
    p, q = pair[0] / pair[0].sum(), pair[1] / pair[1].sum()
    assert kl_divergence(p, q) >= 0
    assert kl_divergence(p, p) == 0
    assert kl_divergence(p, np.full(len(p), 1 / len(p))) == pytest.approx(log2(len(p)) - entropy(p), abs=1e-12)


def test_divergence_where_support_is_missing():
    assert kl_divergence([0.5, 0.5], [1, 0]) == inf
    assert kl_divergence([1, 0], [0.5, 0.5]) == 1


def test_certainty_has_no_entropy_and_no_sign():
    assert str(entropy([1, 0])) == "0.0"
    assert str(mutual_information([[1.0]])) == "0.0"


@pytest.mark.parametrize(("method", "bits"), [("plug-in", 2.683542362), ("miller-madow", 2.923991536)])
def test_entropy_of_counts(method, bits):  # spec/information.md 5.1
    estimate = estimate_entropy([4, 2, 3, 0, 2, 4, 0, 0, 2, 1], method)
    assert estimate.bits == pytest.approx(bits, abs=5e-10)
    assert estimate.samples == 18


@pytest.mark.parametrize(("method", "bits"), [("plug-in", 0.285695878), ("miller-madow", 0.267662190)])
def test_information_of_counts(method, bits):  # spec/information.md 5.2
    assert estimate_mutual_information([[30, 5], [4, 21], [10, 10]], method).bits == pytest.approx(bits, abs=5e-10)


@given(tables)
def test_plug_in_is_the_measure_of_the_frequencies(n):
    estimate = estimate_mutual_information(n, "plug-in").bits
    assert estimate == pytest.approx(mutual_information(n / n.sum()), abs=1e-12)
    assert estimate_entropy(n.ravel(), "plug-in").bits == pytest.approx(entropy(n.ravel() / n.sum()), abs=1e-12)


@given(tables)
def test_empty_rows_and_columns_change_nothing(n):
    padded = np.pad(n, 1)
    assert estimate_mutual_information(padded).bits == pytest.approx(estimate_mutual_information(n).bits, abs=1e-12)
    assert estimate_entropy(padded.ravel()).bits == pytest.approx(estimate_entropy(n.ravel()).bits, abs=1e-12)


@pytest.mark.parametrize(
    ("estimate", "truth"),
    [
        (lambda n: estimate_entropy(n.ravel()), entropy(JOINT.ravel())),
        (estimate_mutual_information, mutual_information(JOINT)),
    ],
)
def test_estimates_scatter_around_the_truth_as_their_error_bars_say(estimate, truth):
    draws = np.random.default_rng(1).multinomial(1000, JOINT.ravel(), size=2000).reshape(-1, *JOINT.shape)
    estimates = [estimate(n) for n in draws]
    bits = np.array([e.bits for e in estimates])
    error = np.mean([e.standard_error for e in estimates])
    assert error == pytest.approx(bits.std(), rel=0.06)  # the scatter itself is known to 1.6 %
    assert bits.mean() == pytest.approx(truth, abs=4 * bits.std() / np.sqrt(len(bits)))
    assert all(abs(e.bits - truth) < 5 * e.standard_error for e in estimates)


@pytest.mark.parametrize(
    ("shape", "samples", "bias"),
    [((4, 4), 200, 0.033293), ((8, 4), 500, 0.031052), ((16, 16), 1000, 0.174709)],
)
def test_bias_of_independent_counts(shape, samples, bias):  # spec/information.md 5.2
    cells = np.full(shape, 1 / np.prod(shape)).ravel()
    draws = np.random.default_rng(2).multinomial(samples, cells, size=1000).reshape(-1, *shape)
    plug_in = np.array([estimate_mutual_information(n, "plug-in").bits for n in draws])
    corrected = np.array([estimate_mutual_information(n).bits for n in draws])
    assert plug_in.mean() == pytest.approx(bias, abs=4 * plug_in.std() / np.sqrt(1000) + 4e-4)  # theirs is a mean too
    assert abs(corrected.mean()) < bias / 5
    assert corrected.min() < 0, "an estimate must not be clamped"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: estimate_entropy([1, -1]), "got -1.0"),
        (lambda: estimate_entropy([0.5, 1]), "got 0.5"),
        (lambda: estimate_entropy([1, np.nan]), "got nan"),
        (lambda: estimate_entropy([0, 0]), "at least 1 sample"),
        (lambda: estimate_entropy([[1, 2]]), r"shape \(1, 2\)"),
        (lambda: estimate_mutual_information([1, 2]), r"shape \(2,\)"),
        (lambda: estimate_entropy([1, 2], "nsb"), "got 'nsb'"),
        (lambda: mutual_information([0.5, 0.5]), r"shape \(2,\)"),
        (lambda: kl_divergence([1], [0.5, 0.5]), "got 1 and 2"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()
