"""Exact measures against Shannon's identities, scikit-learn, scipy, dit and the spec's vectors."""

from math import inf, log, log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import optimize
from scipy.spatial import distance
from sklearn.metrics import mutual_info_score

from commenv.info import (
    conditional_mutual_information,
    directed_information,
    entropy,
    frequencies,
    jensen_shannon,
    kl_divergence,
    mutual_information,
    o_information,
    partial_information,
    total_correlation,
    transfer_entropy,
)

tables = arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.integers(0, 9)).filter(np.any)
pairs = st.integers(1, 6).flatmap(lambda n: st.tuples(*[arrays(np.int64, n, elements=st.integers(1, 9))] * 2))


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


XOR, AND, COPIES = (np.zeros((2, 2, 2)) for _ in range(3))
for a, b in np.ndindex(2, 2):
    XOR[a, b, a ^ b] = AND[a, b, a & b] = 1 / 4
    COPIES[a, a, a] = 1 / 2
triples = arrays(np.int64, array_shapes(min_dims=3, max_dims=3, max_side=3), elements=st.integers(0, 9)).filter(np.any)
groups = arrays(np.int64, array_shapes(min_dims=1, max_dims=4, max_side=3), elements=st.integers(0, 9)).filter(np.any)
processes = arrays(np.int64, st.lists(st.integers(1, 2), min_size=6, max_size=6).map(tuple), elements=st.integers(0, 9)).filter(
    np.any
)


@given(triples)
def test_chain_rule_and_data_processing(n):
    p = n / n.sum()
    whole = mutual_information(p.reshape(len(p), -1))  # I(X; Y, Z)
    given_z = conditional_mutual_information(p)
    assert whole == pytest.approx(mutual_information(p.sum(axis=1)) + given_z, abs=1e-12)
    assert given_z == pytest.approx(conditional_mutual_information(p.swapaxes(0, 1)), abs=1e-12)
    assert mutual_information(p.sum(axis=2)) <= whole + 1e-12  # Y is a function of (Y, Z)
    assert 0 <= given_z <= log2(min(p.shape[:2])) + 1e-12


@given(pairs)
def test_jensen_shannon(pair):
    p, q = pair[0] / pair[0].sum(), pair[1] / pair[1].sum()
    m = (p + q) / 2
    assert jensen_shannon(p, q) == pytest.approx((kl_divergence(p, m) + kl_divergence(q, m)) / 2, abs=1e-12)
    assert jensen_shannon(p, q) == pytest.approx(jensen_shannon(q, p), abs=1e-12)
    assert jensen_shannon(p, q) == pytest.approx(distance.jensenshannon(p, q, base=2) ** 2, abs=1e-12)
    assert 0 <= jensen_shannon(p, q) <= 1


@given(groups, st.randoms(use_true_random=False))
def test_correlation_of_a_group(n, random):
    p = n / n.sum()
    axes = list(range(p.ndim))
    random.shuffle(axes)
    independent = p.sum(axis=tuple(range(1, p.ndim)))
    for i in range(1, p.ndim):
        independent = np.multiply.outer(independent, p.sum(axis=tuple(j for j in range(p.ndim) if j != i)))
    assert total_correlation(p) == pytest.approx(kl_divergence(p.ravel(), independent.ravel()), abs=1e-12)
    assert total_correlation(p) == pytest.approx(total_correlation(p.transpose(axes)), abs=1e-12)
    assert o_information(p) == pytest.approx(o_information(p.transpose(axes)), abs=1e-12)
    assert o_information(np.multiply.outer(p, [0.5, 0.5])) == pytest.approx(o_information(p), abs=1e-12)


@given(triples)
def test_o_information_of_three_is_redundancy_less_synergy(n):
    p = n / n.sum()
    shared = mutual_information(p.sum(axis=2)) - conditional_mutual_information(p)
    assert o_information(p) == pytest.approx(shared, abs=1e-12)


@pytest.mark.parametrize(("joint", "bits"), [(XOR, -1), (COPIES, 1), (AND, -0.188721876)])
def test_o_information(joint, bits):  # spec/information.md 5.5
    assert o_information(joint) == pytest.approx(bits, abs=5e-10)


def test_o_information_of_four():  # spec/information.md 5.5
    copies, parity = np.zeros((2, 2, 2, 2)), np.zeros((2, 2, 2, 2))
    copies[0, 0, 0, 0] = copies[1, 1, 1, 1] = 1 / 2
    for a, b, c in np.ndindex(2, 2, 2):
        parity[a, b, c, a ^ b ^ c] = 1 / 8
    assert o_information(copies) == pytest.approx(2, abs=1e-12)
    assert o_information(parity) == pytest.approx(-2, abs=1e-12)
    assert total_correlation(copies) == pytest.approx(3, abs=1e-12)


@given(processes)
def test_directed_information(n):
    p = n / n.sum()
    forth, back = directed_information(p), directed_information(p.transpose(3, 4, 5, 0, 1, 2))
    whole = mutual_information(p.reshape(int(np.prod(p.shape[:3])), -1))
    assert 0 <= forth <= whole + 1e-12
    # I(X; Y) = I(X -> Y) + I(Y delayed -> X): Massey, Massey (2005)
    delayed = sum(
        conditional_mutual_information(
            p.sum(axis=tuple(range(t + 1, 3)) + tuple(range(3 + t, 6)))
            .transpose([*range(t + 1, 2 * t + 1), t, *range(t)])
            .reshape(int(np.prod(p.shape[3 : 3 + t])), p.shape[t], -1)
        )
        for t in range(3)
    )
    assert whole == pytest.approx(forth + delayed, abs=1e-11)
    assert 0 <= back <= whole + 1e-12


def test_without_feedback_directed_information_is_mutual():
    W = np.array([[0.9, 0.1], [0.2, 0.8]])
    law = np.array([[0.3, 0.1], [0.2, 0.4]])  # of two inputs that depend on each other
    joint = np.einsum("ab,ac,bd->abcd", law, W, W)
    assert directed_information(joint) == pytest.approx(mutual_information(joint.reshape(4, 4)), abs=1e-12)


def test_transfer_entropy_of_a_noisy_copy():  # spec/information.md 5.5
    """y_t is x_{t-1}, wrong one time in ten; x is fair coins."""
    flip = np.array([[0.9, 0.1], [0.1, 0.9]])
    joint = np.einsum("a,b,c,ad->abcd", [0.5, 0.5], [0.5, 0.5], [0.5, 0.5], flip)  # x_0, x_1, y_0, y_1
    assert transfer_entropy(joint) == pytest.approx(0.531004406, abs=5e-10)
    assert transfer_entropy(joint.transpose(2, 3, 0, 1)) == 0


def test_the_example_of_two_steps():  # spec/information.md 5.5
    """A1 = M1, wrong one time in ten; A2 = M1: what A1 left open."""
    joint = np.zeros((2, 2, 2))
    for m, a in np.ndindex(2, 2):
        joint[m, a, m] = (0.9 if a == m else 0.1) / 2
    first, both = joint.sum(axis=2), joint[:, None]  # x_2 is always the same
    assert mutual_information(first) == pytest.approx(0.531004406, abs=5e-10)
    assert directed_information(both) == pytest.approx(1, abs=1e-12)
    assert conditional_mutual_information(joint.transpose(0, 2, 1)) == pytest.approx(0.468995594, abs=5e-10)


# ------------------------------------------------------------------------------------------------------ partial information
@pytest.mark.parametrize(
    ("joint", "redundancy", "unique", "synergy"),
    [(AND, 0.311278, (0, 0), 0.5), (XOR, 0, (0, 0), 1), (COPIES, 1, (0, 0), 0)],  # spec/information.md 5.5
)
def test_gates(joint, redundancy, unique, synergy):
    found = partial_information(joint)
    assert found.redundancy == pytest.approx(redundancy, abs=5e-7)
    assert found.unique == pytest.approx(unique, abs=1e-9)
    assert found.synergy == pytest.approx(synergy, abs=1e-9)
    assert found.gap <= 1e-9


@given(triples)
@settings(max_examples=50)
def test_parts_add_up(n):
    p = n / n.sum()
    parts = partial_information(p)
    assert parts.redundancy + parts.unique[0] == pytest.approx(mutual_information(p.sum(axis=1)), abs=1e-9)
    assert parts.redundancy + parts.unique[1] == pytest.approx(mutual_information(p.sum(axis=0)), abs=1e-9)
    together = parts.redundancy + sum(parts.unique) + parts.synergy
    assert together == pytest.approx(mutual_information(p.reshape(-1, p.shape[2])), abs=1e-9)
    assert min(parts.redundancy, *parts.unique, parts.synergy) >= -1e-12
    swapped = partial_information(p.swapaxes(0, 1))
    assert swapped.synergy == pytest.approx(parts.synergy, abs=2e-9)
    assert parts.gap <= 1e-9


def test_dit_agrees():
    dit = pytest.importorskip("dit", reason="dit comes with the extra [info]")
    p = np.random.default_rng(0).dirichlet(np.full(12, 0.5)).reshape(2, 3, 2)
    named = dit.Distribution(["".join(map(str, cell)) for cell in np.ndindex(p.shape)], p.ravel())
    assert o_information(p) == pytest.approx(dit.multivariate.o_information(named), abs=1e-9)
    assert total_correlation(p) == pytest.approx(dit.multivariate.total_correlation(named), abs=1e-9)
    given_last = dit.multivariate.coinformation(named, [[0], [1]], [2])
    assert conditional_mutual_information(p) == pytest.approx(given_last, abs=1e-9)
    gate = dit.Distribution(["000", "010", "100", "111"], [1 / 4] * 4)
    theirs, ours = dit.pid.PID_BROJA(gate, ((0,), (1,)), (2,)), partial_information(AND)
    assert ours.redundancy == pytest.approx(theirs.get_pi(((0,), (1,))), abs=1e-4)  # dit stops early, elsewhere by .006 bits
    assert ours.synergy == pytest.approx(theirs.get_pi(((0, 1),)), abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_no_other_joint_tells_less(seed):
    """The union information against a general minimiser, over the four directions that keep the margins."""
    p = np.random.default_rng(seed).dirichlet(np.full(12, 0.5)).reshape(2, 3, 2)
    ways = np.zeros((4, *p.shape))
    for i, (t, y) in enumerate(np.ndindex(2, 2)):
        ways[i, 0, 0, t] = ways[i, 1, y + 1, t] = 1
        ways[i, 0, y + 1, t] = ways[i, 1, 0, t] = -1

    def told(z):
        q = p + np.tensordot(z, ways, 1)
        return mutual_information((q / q.sum()).reshape(6, 2)) if q.min() >= 0 else 2.0

    start = optimize.brute(told, [(-0.3, 0.3)] * 4, Ns=13, finish=None)
    found = optimize.minimize(told, start, method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-12, "maxfev": 4000}).fun
    parts = partial_information(p)
    union = parts.redundancy + sum(parts.unique)
    assert union <= found + 1e-9
    assert union == pytest.approx(found, abs=2e-3)  # a simplex search is not exact at the edge


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: conditional_mutual_information(np.eye(2) / 2), r"3 axes .* shape \(2, 2\)"),
        (lambda: total_correlation(1.0), r"an axis .* shape \(\)"),
        (lambda: directed_information(XOR), r"2 axes a step, 1 .* shape \(2, 2, 2\)"),
        (lambda: transfer_entropy(np.eye(2) / 2), "2 or more steps"),
        (lambda: jensen_shannon([1], [0.5, 0.5]), "got 1 and 2"),
        (lambda: partial_information(XOR, gap=0), "gap must be above 0"),
        (lambda: o_information(2 * XOR), "sum to 1"),
        (lambda: frequencies([1, 2], [1]), "same shape"),
        (lambda: mutual_information([0.5, 0.5]), r"shape \(2,\)"),
        (lambda: kl_divergence([1], [0.5, 0.5]), "got 1 and 2"),
    ],
)
def test_refusals(call, says):
    with pytest.raises(ValueError, match=says):
        call()
