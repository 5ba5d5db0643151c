"""Estimators against the spec's vectors, infomeasure, scikit-learn, simulation, and what must always hold."""

from math import log, log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from commenv.info import entropy, estimate_entropy, estimate_mutual_information, frequencies, mutual_information
from commenv.info.estimates import METHODS

COUNTS = [4, 2, 3, 0, 2, 4, 0, 0, 2, 1]
BITS = {  # spec/information.md 5.1
    "plug-in": 2.683542362,
    "miller-madow": 2.923991536,
    "grassberger-1988": 2.797217926,
    "grassberger": 2.850115349,
    "chao-shen": 2.943602798,
    "jackknife": 3.003694920,
}
tables = arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.integers(0, 9)).filter(np.any)
many = tables.filter(lambda n: n.sum() > 1)
JOINT = np.array([[0.3, 0.1, 0.05], [0.05, 0.2, 0.3]])


def pairs_of(n):
    """A sample, in some order, of which n is the table of counts."""
    x, y = (np.repeat(side, n.ravel()) for side in np.indices(n.shape).reshape(2, -1))
    order = np.random.default_rng(0).permutation(len(x))
    return x[order], y[order]


def gaussian(rho, N, seed, d=1):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((N, d))
    return x, rho * x + np.sqrt(1 - rho**2) * rng.standard_normal((N, d))


# ---------------------------------------------------------------------------------------------------------------- entropy
@pytest.mark.parametrize(("method", "bits"), BITS.items())
def test_entropy_of_counts(method, bits):
    estimate = estimate_entropy(COUNTS, method)
    assert estimate.bits == pytest.approx(bits, abs=5e-10)
    assert (estimate.samples, estimate.kinds) == (18, 7)
    assert estimate.coverage == pytest.approx(1 - 1 / 18)


def test_nsb():
    assert estimate_entropy(COUNTS, "nsb").bits == pytest.approx(2.987124, abs=5e-7)  # spec/information.md 5.1
    assert estimate_entropy([100] * 10, "nsb").bits == pytest.approx(3.320328, abs=5e-7)


@given(arrays(np.int64, st.integers(2, 4), elements=st.integers(0, 6)).filter(np.any))
@settings(max_examples=10)
def test_nsb_is_the_posterior_mean_by_quadrature(n):
    """Against the integral over the prior's own entropy, by another rule on another scale (Nemenman, Shafee, Bialek 2002)."""
    from scipy.special import digamma, gammaln

    K, N = len(n), n.sum()
    b = np.exp(np.linspace(-14, 9, 20_001))
    prior_entropy = digamma(K * b + 1) - digamma(b + 1)
    log_rho = gammaln(K * b) - gammaln(N + K * b) + (gammaln(n[:, None] + b) - gammaln(b)).sum(axis=0)
    a = n[:, None] + b
    mean = digamma(N + K * b + 1) - (a / (N + K * b) * digamma(a + 1)).sum(axis=0)
    rho = np.exp(log_rho - log_rho.max())
    found = np.trapezoid(rho * mean, prior_entropy) / np.trapezoid(rho, prior_entropy) / log(2)
    assert estimate_entropy(n, "nsb").bits == pytest.approx(found, abs=2e-4)


@pytest.mark.parametrize("method", METHODS)
@given(many)
@settings(max_examples=15)
def test_samples_and_their_counts_are_the_same(method, n):
    x, y = pairs_of(n)
    whole = n[n.any(axis=1)][:, n.any(axis=0)]  # of samples no method knows what did not occur
    assert estimate_mutual_information(x, y, method).bits == pytest.approx(
        estimate_mutual_information(whole, method=method).bits, abs=1e-11
    )
    counts = n[n > 0]
    from_samples = estimate_entropy(np.repeat(np.arange(len(counts)), counts), method, kind="samples")
    assert from_samples == estimate_entropy(counts, method)


@pytest.mark.parametrize("method", METHODS)
@given(many, st.randoms(use_true_random=False))
@settings(max_examples=15)
def test_names_of_labels_do_not_matter(method, n, random):
    x, y = pairs_of(n)
    found = estimate_mutual_information(x, y, method)
    swapped = estimate_mutual_information(y, x, method)
    assert swapped.bits == pytest.approx(found.bits, abs=1e-11)
    assert swapped.standard_error == pytest.approx(found.standard_error, abs=1e-7)
    names = random.sample(range(-(10**15), 10**15), int(x.max()) + 1)
    far = estimate_mutual_information(np.array(names)[x], y, method)
    words = estimate_mutual_information(np.array([f"word {name}" for name in names])[x], y % 256, method)
    assert far.bits == pytest.approx(found.bits, abs=1e-11)
    assert words.bits == pytest.approx(found.bits, abs=1e-11)


@given(tables)
def test_plug_in_is_the_measure_of_the_frequencies(n):
    estimate = estimate_mutual_information(n, method="plug-in").bits
    assert estimate == pytest.approx(mutual_information(n / n.sum()), abs=1e-12)
    assert estimate == pytest.approx(mutual_information(frequencies(*pairs_of(n))), abs=1e-12)
    assert estimate_entropy(n.ravel(), "plug-in").bits == pytest.approx(entropy(n.ravel() / n.sum()), abs=1e-12)


@given(tables)
def test_empty_rows_and_columns_change_nothing(n):
    padded = np.pad(n, 1)
    assert estimate_mutual_information(padded).bits == pytest.approx(estimate_mutual_information(n).bits, abs=1e-12)
    assert estimate_entropy(padded.ravel()).bits == pytest.approx(estimate_entropy(n.ravel()).bits, abs=1e-12)


@pytest.mark.parametrize("method", ["plug-in", "miller-madow", "grassberger-1988", "chao-shen"])
@given(many)
@settings(max_examples=20)
def test_infomeasure_agrees(method, n):
    infomeasure = pytest.importorskip("infomeasure", reason="infomeasure comes with the extra [info]")
    theirs = {
        "plug-in": "discrete",
        "miller-madow": "miller_madow",
        "grassberger-1988": "grassberger",
        "chao-shen": "chao_shen",
    }
    counts = n[n > 0]
    sample = np.repeat(np.arange(len(counts)), counts)
    if method == "chao-shen" and (counts == 1).all():
        return  # nothing but singletons: theirs corrects nothing
    expected = infomeasure.entropy(sample, approach=theirs[method], base=2)
    assert estimate_entropy(counts, method).bits == pytest.approx(expected, abs=1e-9)


# ------------------------------------------------------------------------------------------------------------- information
@pytest.mark.parametrize(("method", "bits"), [("plug-in", 0.285695878), ("miller-madow", 0.267662190)])
def test_information_of_counts(method, bits):  # spec/information.md 5.2
    found = estimate_mutual_information([[30, 5], [4, 21], [10, 10]], method=method)
    assert found.bits == pytest.approx(bits, abs=5e-10)
    assert found.kinds == 6


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
    plug_in = np.array([estimate_mutual_information(n, method="plug-in").bits for n in draws])
    corrected = np.array([estimate_mutual_information(n).bits for n in draws])
    assert plug_in.mean() == pytest.approx(bias, abs=4 * plug_in.std() / np.sqrt(1000) + 4e-4)  # theirs is a mean too
    assert abs(corrected.mean()) < bias / 5
    assert corrected.min() < 0, "an estimate must not be clamped"


@pytest.mark.parametrize("method", ["miller-madow", "grassberger", "chao-shen", "jackknife", "nsb"])
def test_corrected_entropies_are_nearer_than_the_plug_in(method):
    p = np.random.default_rng(3).dirichlet(np.ones(30))
    draws = np.random.default_rng(4).multinomial(60, p, size=200)
    bias = {m: np.mean([estimate_entropy(n, m).bits for n in draws]) - entropy(p) for m in (method, "plug-in")}
    assert abs(bias[method]) < abs(bias["plug-in"]) / 2


def test_large_alphabets_are_counted_sparsely():
    """A table of 10^10 cells would not fit; each pair occurs twice."""
    labels = np.random.default_rng(0).permutation(100_000)
    x = np.concatenate([labels, labels])
    found = estimate_mutual_information(x, x * 7919, "plug-in")
    assert found.bits == pytest.approx(log2(100_000), abs=1e-9)
    assert found.coverage == 1


def test_permutations():
    rng = np.random.default_rng(0)
    x, noise = rng.integers(0, 4, (2, 300))
    dependent = estimate_mutual_information(x, np.where(noise == 0, rng.integers(0, 4, 300), x), permutations=99)
    assert dependent.p_value == 1 / 100
    values = [estimate_mutual_information(*rng.integers(0, 3, (2, 60)), permutations=19, seed=s).p_value for s in range(200)]
    assert np.mean(np.array(values) <= 0.1) == pytest.approx(0.1, abs=0.085)  # uniform: 4 s.e.
    table = estimate_mutual_information([[30, 5], [4, 21], [10, 10]], permutations=99)
    assert table.p_value == 1 / 100
    assert estimate_mutual_information(*gaussian(0.8, 200, 0), "ksg1", permutations=49).p_value == 1 / 50


# ----------------------------------------------------------------------------------------------------------------- numbers
@pytest.mark.parametrize(("method", "bits"), [("ksg1", 0.293652), ("ksg2", 0.283258)])
def test_ksg_vectors(method, bits):  # spec/information.md 5.3
    x, y = gaussian(0.6, 2000, 123)
    assert estimate_mutual_information(x, y, method).bits == pytest.approx(bits, abs=5e-7)
    assert estimate_mutual_information(x[:, 0], y[:, 0], method).bits == pytest.approx(bits, abs=5e-7)


@pytest.mark.parametrize("method", ["ksg1", "ksg2"])
@pytest.mark.parametrize("d", [1, 2])
def test_ksg_by_definition(method, d):
    """Kraskov, Stögbauer, Grassberger (2004), equations 8 and 9, all distances in one matrix."""
    from scipy.special import digamma

    x, y = gaussian(0.7, 150, 5, d)
    k, N = 4, 150
    dx, dy = (np.abs(z[:, None] - z).max(axis=2) for z in (x, y))
    both = np.maximum(dx, dy) + np.diag(np.full(N, np.inf))
    near = np.argsort(both, axis=1)[:, :k]
    rows = np.arange(N)
    if method == "ksg1":
        radius = both[rows, near[:, -1]][:, None]
        counts = [(z < radius).sum(axis=1) for z in (dx, dy)]  # the sample itself makes it n + 1
        nats = digamma(k) + digamma(N) - np.mean(digamma(counts[0]) + digamma(counts[1]))
    else:
        counts = [(z <= z[rows[:, None], near].max(axis=1)[:, None]).sum(axis=1) - 1 for z in (dx, dy)]
        nats = digamma(k) - 1 / k + digamma(N) - np.mean(digamma(counts[0]) + digamma(counts[1]))
    assert estimate_mutual_information(x, y, method, k=k).bits == pytest.approx(nats / log(2), abs=1e-12)


@pytest.mark.parametrize("rho", [0, 0.5, 0.9])
@pytest.mark.parametrize("method", ["ksg1", "ksg2"])
def test_ksg_of_gaussians(method, rho):
    truth = -log2(1 - rho**2) / 2
    found = estimate_mutual_information(*gaussian(rho, 5000, 7), method)
    assert found.bits == pytest.approx(truth, abs=4 * 1.3 * found.standard_error)


def test_infomeasure_has_the_same_ksg():
    infomeasure = pytest.importorskip("infomeasure", reason="infomeasure comes with the extra [info]")
    x, y = gaussian(0.6, 1000, 3)
    theirs = infomeasure.mutual_information(x[:, 0], y[:, 0], approach="ksg", k=4, noise_level=0, base=2)
    assert estimate_mutual_information(x, y, "ksg1", k=4).bits == pytest.approx(theirs, abs=1e-9)


def test_scikit_learn_has_nearly_the_same_ksg_and_ross():
    """Theirs scale variables and add noise, which moves the last digits."""
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

    x, y = gaussian(0.6, 3000, 4)
    theirs = mutual_info_regression(x, y[:, 0], n_neighbors=3, random_state=0)[0] / log(2)
    assert estimate_mutual_information(x, y, "ksg1").bits == pytest.approx(theirs, abs=2e-3)
    labels = (x[:, 0] > 0).astype(int) + (x[:, 0] > 1)
    theirs = mutual_info_classif(y, labels, n_neighbors=3, random_state=0)[0] / log(2)
    assert estimate_mutual_information(labels, y, "ross").bits == pytest.approx(theirs, abs=1e-6)
    assert estimate_mutual_information(y, labels, "ross").bits == pytest.approx(theirs, abs=1e-6)


def test_ross_of_shifted_uniforms():
    """y is uniform on [0, 2) or [1, 3) as a fair coin says: it tells the coin half of the time, I = 1/2 bit."""
    rng = np.random.default_rng(0)
    coin = rng.integers(0, 2, 8000)
    found = estimate_mutual_information(coin.astype(bool), 2 * rng.random(8000) + coin, "ross", subsamples=10)
    assert found.bits == pytest.approx(0.5, abs=4 * found.standard_error)
    assert found.standard_error < 0.02


def test_standard_errors_of_neighbours():
    """What is said of them: by subsamples right, from the terms up to a quarter too small."""
    found = [[estimate_mutual_information(*gaussian(0, 400, seed), "ksg1", subsamples=s) for s in (0, 10)] for seed in range(100)]
    scatter = np.std([plain.bits for plain, _ in found])
    terms, parts = (np.sqrt(np.mean([pair[i].standard_error ** 2 for pair in found])) for i in (0, 1))
    assert 0.65 * scatter < terms < scatter
    assert parts == pytest.approx(scatter, rel=0.3)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: estimate_entropy([1, -1]), "got -1.0"),
        (lambda: estimate_entropy([0.5, 1]), "got 0.5"),
        (lambda: estimate_entropy([1, np.nan]), "got nan"),
        (lambda: estimate_entropy([0, 0]), "at least 1 sample"),
        (lambda: estimate_entropy([[1, 2]]), r"shape \(1, 2\)"),
        (lambda: estimate_entropy([1, 2], "ksg1"), "got 'ksg1'"),
        (lambda: estimate_entropy([1, 2], kind="words"), "'counts' or 'samples', got 'words'"),
        (lambda: estimate_entropy([0.5, 0.1], kind="samples"), "samples must be labels .* float64"),
        (lambda: estimate_entropy([1], "jackknife"), "at least 2 samples, got 1"),
        (lambda: estimate_mutual_information([1, 2]), r"shape \(2,\)"),
        (lambda: estimate_mutual_information([1, 2], [1, 2, 3]), "got 2 and 3"),
        (lambda: estimate_mutual_information([0.1, 2], [1, 2]), "x must be labels"),
        (lambda: estimate_mutual_information([1, 2], [1, 2], "mine"), "got 'mine'"),
        (lambda: estimate_mutual_information([1, 2], [1, 2], permutations=-1), "got -1"),
        (lambda: estimate_mutual_information([1, 2], [1, 2], subsamples=2), "subsamples=2 is for numbers"),
        (lambda: estimate_mutual_information([[1, 2]], method="ksg1"), "x alone"),
        (lambda: estimate_mutual_information([0.1, 0.2], [0.1, 0.2], "ksg1"), "at least 4 samples, got 2"),
        (lambda: estimate_mutual_information([0.0] * 9, [0.0] * 9, "ksg1"), "are equal"),
        (lambda: estimate_mutual_information([0.1] * 9, [0.1] * 9, "ross"), "got float64 and float64"),
        (lambda: estimate_mutual_information([0.1, np.inf], [0.1, 2], "ksg2"), "x must be finite, got inf"),
        (lambda: estimate_mutual_information([0.1, 0.2], [0.1, 0.2], "ksg1", k=0), "k must be .* got 0"),
        (lambda: estimate_mutual_information([1, 2], [0.1, 0.2], "ross"), "every one occurs once"),
        (lambda: estimate_mutual_information(*gaussian(0, 9, 0), "ksg1", subsamples=1), "subsamples must be .* got 1"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()
