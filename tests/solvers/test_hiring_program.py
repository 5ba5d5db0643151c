"""The mechanisms that hire agents: closed forms and published figures, other solvers, and deviations tried one by one."""

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, vstack

from commenv.solvers.hiring import (
    Instance,
    Mechanism,
    Strategy,
    audit,
    coarse,
    common_source,
    digits,
    obedient,
    partitions,
)
from commenv.solvers.hiring_program import Program, deterministic, independent, optimal, proved, robust, supremum

# Of the common source: noise, cost, cap; the best deterministic, independent and correlated mechanism. After Cacciamani,
# Castiglioni, Gatti (2023), whose example it is modelled on; printed to ten digits. None: no figure is known.
PUBLISHED = [
    (0.2, 0.05, 1.0, 0.6666666667, 0.6900000000, 0.6947368421),
    (0.2, 0.05, 2.0, 0.6666666667, 0.6950000000, 0.6974358974),
    (0.2, 0.05, 5.0, 0.6666666667, None, 0.6989898990),
    (0.1, 0.1, 1.0, 0.675, 0.675, 0.6777777778),
    (0.05, 0.02, 0.5, 0.9077777778, 0.9077777778, 0.9083333333),
    (0.3, 0.02, 1.0, 0.63, 0.6584, 0.6591836735),
]


def random_instance(rng, n=2, efforts=2, signals=2, states=2, decisions=2) -> Instance:
    """Signals that depend on everything; the first effort is free."""
    shape = (*(efforts,) * n, states, *(signals,) * n)
    kernel = rng.dirichlet(np.full(signals**n, 0.5), size=shape[: n + 1]).reshape(shape)
    costs = [np.append(0, np.sort(rng.uniform(0, 0.1, efforts - 1))) for _ in range(n)]
    return Instance.of(rng.dirichlet(np.ones(states)), costs, kernel, rng.uniform(0, 1, (decisions, states)))


def shared_source(n, efforts=3, signals=3, noise=0.3, cost=0.01, most=0.8) -> Instance:
    """n agents who see one noisy copy of a state of three, the better the more they pay."""
    states = signals
    copy = (1 - noise) * np.eye(states) + noise / states
    kernel = np.zeros((*(efforts,) * n, states, *(signals,) * n))
    for z in range(states):
        seen = np.ones((*(efforts,) * n, 1, *(signals,) * n))
        for i in range(n):
            own = (
                np.linspace(0, most, efforts)[:, None] * np.eye(signals)[z]
                + (1 - np.linspace(0, most, efforts))[:, None] / signals
            )
            shape = [1] * (2 * n + 1)
            shape[i], shape[n + 1 + i] = efforts, signals
            seen = seen * own.reshape(shape)
        kernel += seen * copy[:, z].reshape((1,) * n + (states,) + (1,) * n)
    prices = np.linspace(0, cost, efforts) * np.linspace(1, 2, efforts)
    return Instance.of(np.full(states, 1 / states), [prices] * n, kernel, np.eye(states))


def whole_program(instance: Instance, cap: float, margin: float = 0.0) -> float:
    """The optimum by one linear program with a row for every cap, as it stands in the paper."""
    program = Program.of(instance, margin)
    B, count, owed = len(instance.worth), len(program.gain), program.owed
    place = np.arange(owed.size)
    profile = np.broadcast_to(np.arange(B)[None, :, None, None], owed.shape).ravel()
    entries = np.append(np.ones(owed.size), np.full(owed.size, -cap))
    caps = coo_array((entries, (np.tile(place, 2), np.append(B + place, profile))), shape=(owed.size, count))
    rows = vstack([program.rows, caps]).tocsr()
    total = csr_array((np.arange(count) < B).astype(float)[None])
    bounds = [(0, None)] * (B + owed.size) + [(None, None)] * (count - B - owed.size)
    found = linprog(-program.gain, rows, np.zeros(rows.shape[0]), total, [1.0], bounds, method="highs-ds")
    assert found.success
    return -found.fun


# ------------------------------------------------------------------------------------------------------ what is known
@pytest.mark.parametrize(("noise", "cost", "cap", "fixed", "product", "correlated"), PUBLISHED)
def test_the_common_source(noise, cost, cap, fixed, product, correlated):
    instance = common_source(noise, cost)
    found = optimal(instance, cap)
    assert found.earns(instance) == pytest.approx(correlated, abs=5e-11)
    h = 2 * cost / cap
    assert found.earns(instance) == pytest.approx(1 - noise - 4 * cost / (2 - h), rel=1e-9)
    assert deterministic(instance, cap).earns(instance) == pytest.approx(fixed, abs=5e-11)
    assert fixed == pytest.approx((1 - noise) - cost * (1 - noise) / (0.5 - noise), abs=5e-11)
    if product is not None:
        assert independent(instance, cap).earns(instance) == pytest.approx(product, abs=5e-11)


def test_whom_the_common_source_asks():
    """19 times: one of the two alone, 9 each, and both once."""
    mu = optimal(common_source(0.2, 0.05), 1.0).probability
    np.testing.assert_allclose(mu, [0, 9 / 19, 9 / 19, 1 / 19], atol=1e-9)


def test_without_a_cap_there_is_a_supremum():
    assert supremum(common_source(0.2, 0.05)) == pytest.approx(0.7, rel=1e-9)


def single(noise=0.2, cost=0.05) -> Instance:
    two = common_source(noise, cost)
    return Instance.of(two.prior, [two.costs[0]], two.kernel.sum(axis=-1)[:, 0], two.utility)


def test_a_single_agent_is_paid_a_sixth_for_being_right():
    instance = single()
    found = optimal(instance, 1.0)
    assert found.earns(instance) == pytest.approx(0.8 - 0.05 * 0.8 / 0.3, rel=1e-9)
    np.testing.assert_allclose(found.probability, [0, 1], atol=1e-12)
    np.testing.assert_allclose(found.payments[0, 1], np.eye(2) / 6, atol=1e-9)


def test_the_size_of_the_program():
    for instance, variables, rows, with_caps in ((single(), 18, 20, 28), (common_source(0.2, 0.05), 84, 40, 104)):
        program = Program.of(instance)
        assert program.rows.shape == (rows, variables)
        assert rows + program.owed.size == with_caps


# -------------------------------------------------------------------------------------------- against another solution
@given(st.integers(0, 2**32 - 1), st.sampled_from([(1, 3, 3), (2, 2, 2), (2, 2, 3), (3, 2, 2)]), st.sampled_from([0.1, 1.0, 5.0]))
@settings(max_examples=15)
def test_columns_find_what_the_whole_program_finds(seed, sizes, cap):
    instance = random_instance(np.random.default_rng(seed), *sizes)
    found = optimal(instance, cap)
    assert found.earns(instance) == pytest.approx(whole_program(instance, cap), abs=1e-8)
    assert max(deviation.gain for deviation in audit(instance, found)) < 1e-8


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.2, 1.0]))
@settings(max_examples=10)
def test_correlated_beats_independent_beats_deterministic(seed, cap):
    instance = random_instance(np.random.default_rng(seed))
    best, product, fixed = (kind(instance, cap).earns(instance) for kind in (optimal, independent, deterministic))
    assert instance.first_best + 1e-9 >= best >= product - 1e-9
    assert product >= fixed - 1e-12
    assert best >= instance.alone - 1e-9  # whoever pays nothing has a mechanism


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_a_higher_cap_never_hurts(seed):
    instance = random_instance(np.random.default_rng(seed))
    values = [optimal(instance, cap).earns(instance) for cap in (0.05, 0.1, 0.3, 1.0, 3.0)]
    assert np.diff(values).min() > -1e-9
    assert values[-1] <= supremum(instance) + 1e-7


def test_independent_mechanisms_mix_as_a_product():
    found = independent(common_source(0.2, 0.05), 1.0)
    mu = found.probability.reshape(2, 2)
    np.testing.assert_allclose(mu, np.outer(mu.sum(axis=1), mu.sum(axis=0)), atol=1e-9)
    assert sorted(mu.sum(axis=1).round(9).tolist() + mu.sum(axis=0).round(9).tolist()) == [0, 0.1, 0.9, 1]  # audits w.p. 2 c / M


@pytest.mark.parametrize(("noise", "cost", "cap", "fixed", "product", "correlated"), PUBLISHED)
def test_no_product_earns_more_than_the_common_source_s(noise, cost, cap, fixed, product, correlated):
    """One agent always looks, the other audits with probability h = 2 cost / cap: 1 - noise - 2 cost (1 + h), if that pays."""
    instance = common_source(noise, cost)
    found, bound = proved(instance, cap)
    known = max(fixed, 1 - noise - 2 * cost * (1 + 2 * cost / cap))
    assert product is None or known == pytest.approx(product, abs=5e-11)
    assert found.earns(instance) == pytest.approx(known, abs=5e-10)
    assert known - 1e-9 <= bound <= known + 1e-6
    assert bound < correlated - 1e-4
    root = proved(instance, cap, most=1)[1]  # products of all mixtures have every distribution in their hull
    assert root == pytest.approx(correlated, abs=5e-10)


@given(st.integers(0, 2**32 - 1), st.sampled_from([(2, 2), (2, 3), (3, 2)]))
@settings(max_examples=4, deadline=None)
def test_bounds_of_products_lie_between_what_is_found_and_the_optimum(seed, efforts):
    rng = np.random.default_rng(seed)
    kernel = rng.dirichlet(np.full(4, 0.5), size=(*efforts, 2)).reshape(*efforts, 2, 2, 2)
    costs = [np.append(0, np.sort(rng.uniform(0, 0.1, many - 1))) for many in efforts]
    instance = Instance.of([0.4, 0.6], costs, kernel, rng.uniform(0, 1, (2, 2)))
    found, bound = proved(instance, 0.5, gap=1e-4, most=60)
    mu = found.probability.reshape(efforts)
    np.testing.assert_allclose(mu, np.outer(mu.sum(axis=1), mu.sum(axis=0)), atol=1e-8)
    assert max(deviation.gain for deviation in audit(instance, found)) < 1e-8
    assert independent(instance, 0.5).earns(instance) - 1e-12 <= found.earns(instance) <= bound + 1e-12
    assert bound <= optimal(instance, 0.5).earns(instance) + 1e-8


def test_products_of_others_are_not_proved():
    with pytest.raises(ValueError, match=r"efforts \(3, 3\)"):
        proved(shared_source(2), 1.0)
    with pytest.raises(ValueError, match="margin"):
        proved(common_source(0.2, 0.05), 0.1, margin=1.0)


def test_four_agents_take_less_than_ten_seconds():
    """4 agents, 3 efforts, 3 signals, 3 states: 78,732 payments."""
    instance = shared_source(4)
    begun = time.process_time()
    found = optimal(instance, 0.1)
    assert time.process_time() - begun < 10
    assert found.earns(instance) == pytest.approx(0.6604765393656, rel=1e-8)  # HiGHS on the whole program, in 11 s
    assert max(deviation.gain for deviation in audit(instance, found)) < 1e-9
    assert instance.alone < found.earns(instance) < instance.first_best


# ----------------------------------------------------------------------------------------------------------- a margin
@pytest.mark.parametrize("margin", [0.01, 0.05])
def test_a_margin_is_kept_by_every_deviation(margin):
    instance = common_source(0.2, 0.05)
    found = optimal(instance, 1.0, margin=margin)
    assert found.earns(instance) == pytest.approx(whole_program(instance, 1.0, margin), abs=1e-9)
    truth = obedient(instance)
    for i in range(2):
        told = np.bincount(digits((2, 2))[i], found.probability, minlength=2)
        for asked, made in itertools.product(range(2), repeat=2):
            for report in itertools.product(range(2), repeat=2):
                other = [Strategy(one.made.copy(), one.report.copy()) for one in truth]
                other[i].made[asked], other[i].report[asked] = made, report
                lost = audit(instance, found)[i].earns - audit(instance, found, other)[i].earns
                untrue = [s for s in range(2) if report[s] != s]
                if made != asked:
                    least = margin * told[asked]
                else:
                    seen = instance.law.sum(axis=1).reshape(2, 2, 2, 2)  # [efforts, signals]
                    own = np.moveaxis(seen, (i, 2 + i), (0, 1)).sum(axis=3)[asked]  # [own signal, other's effort]
                    weight = np.moveaxis(found.probability.reshape(2, 2), i, 0)[asked]
                    least = margin * float((own[untrue] * weight).sum())
                assert lost >= least - 1e-9


def test_too_much_margin_is_refused():
    with pytest.raises(ValueError, match="margin"):
        optimal(common_source(0.2, 0.05), 0.1, margin=1.0)
    with pytest.raises(ValueError, match="margin"):
        deterministic(common_source(0.2, 0.05), 0.1, margin=1.0)


# ------------------------------------------------------------------------------------------------------------- audits
def played_out(instance: Instance, mechanism: Mechanism, strategies: list[Strategy], i: int) -> float:
    """What agent i earns: every profile, state and signal in turn."""
    total = 0.0
    for b, told in enumerate(np.ndindex(*instance.efforts)):
        made = tuple(int(s.made[t]) for s, t in zip(strategies, told, strict=True))
        for state, signals in itertools.product(range(len(instance.prior)), np.ndindex(*instance.signals)):
            reports = [int(s.report[t, seen]) for s, t, seen in zip(strategies, told, signals, strict=True)]
            paid = mechanism.payments[i, b, np.ravel_multi_index(reports, instance.signals), state]
            mass = mechanism.probability[b] * instance.prior[state] * instance.kernel[(*made, state, *signals)]
            total += mass * (paid - instance.costs[i][made[i]])
    return total


def test_an_audit_finds_the_best_of_all_strategies():
    """Against an enumeration of whole strategies, with others who neither obey nor tell the truth, under any payments."""
    rng = np.random.default_rng(1)
    instance = random_instance(rng)
    for _ in range(3):
        mechanism = Mechanism(rng.dirichlet(np.ones(4)), rng.uniform(0, 1, (2, 4, 4, 2)), instance.decisions)
        strategies = [Strategy(rng.integers(2, size=2), rng.integers(2, size=(2, 2))) for _ in range(2)]
        for i, found in enumerate(audit(instance, mechanism, strategies)):
            assert found.earns == pytest.approx(played_out(instance, mechanism, strategies, i))
            every = itertools.product(itertools.product(range(2), repeat=2), itertools.product(range(2), repeat=4))
            worth = []
            for made, report in every:
                tried = Strategy(np.array(made), np.array(report).reshape(2, 2))
                worth.append(played_out(instance, mechanism, [tried if j == i else s for j, s in enumerate(strategies)], i))
            assert found.best == pytest.approx(max(worth))
            best = [found.strategy if j == i else s for j, s in enumerate(strategies)]
            assert played_out(instance, mechanism, best, i) == pytest.approx(found.best)


def test_an_audit_catches_pay_for_nothing():
    """Whoever pays both alike whatever they say has nobody look: they save the cost."""
    instance = common_source(0.2, 0.05)
    pays = Mechanism(np.array([0, 0, 0, 1.0]), np.full((2, 4, 4, 2), 0.5), instance.decisions)
    assert [deviation.gain for deviation in audit(instance, pays)] == pytest.approx([0.05, 0.05])
    with pytest.raises(ValueError, match="too many to try"):
        audit(
            coarse(random_instance(np.random.default_rng(0), 1, 1, 9), 9)[0],
            Mechanism(np.ones(1), np.zeros((1, 1, 9, 2)), np.zeros((1, 9), int)),
        )


# ------------------------------------------------------------------------------------------------------- few messages
@given(st.integers(1, 7), st.integers(1, 7))
def test_partitions_are_counted_by_stirling(items, cells):
    found = list(partitions(items, cells))
    stirling = [[0] * 8 for _ in range(8)]
    stirling[0][0] = 1
    for n, k in itertools.product(range(1, 8), range(1, 8)):
        stirling[n][k] = k * stirling[n - 1][k] + stirling[n - 1][k - 1]
    assert len(found) == len(set(found)) == stirling[items][cells]
    assert all(set(one) == set(range(cells)) for one in found)


def test_messages_for_all_signals_change_nothing():
    instance = random_instance(np.random.default_rng(3), signals=3)
    same, plans = coarse(instance, 4)
    np.testing.assert_allclose(same.kernel, instance.kernel)
    assert plans.sizes == instance.efforts
    assert all((code == np.arange(3)).all() for code in plans.code)


def test_the_more_messages_the_better():
    instance = shared_source(2, efforts=2, noise=0.1, cost=0.01, most=0.9)
    values = [optimal(found, 1.0).earns(found) for found, _ in (coarse(instance, m) for m in (1, 2, 3, 4))]
    assert values[0] == pytest.approx(instance.alone)
    assert values[0] < values[1] - 1e-3 < values[2] - 1e-2
    assert values[3] == pytest.approx(values[2])


def test_what_few_messages_can_do_at_best():
    """One agent who sees three states and has two messages names the likeliest two. By hand: no cost, so it is just the code."""
    kernel = np.eye(3)[None]
    instance = Instance.of([0.5, 0.3, 0.2], [[0]], kernel, np.eye(3))
    found, _ = coarse(instance, 2)
    assert optimal(found, 1.0).earns(found) == pytest.approx(0.8)
    with pytest.raises(ValueError, match="more than 4,096"):
        coarse(random_instance(np.random.default_rng(0), 2, 2, 8), 4)


# ------------------------------------------------------------------------------------------------------------- robust
def test_robust_mechanisms_are_safe_at_every_corner():
    """Kernels anywhere within the bounds leave no deviation a gain."""
    rng, instance = np.random.default_rng(5), common_source(0.2, 0.02)
    low, high = (instance.kernel - 0.02).clip(0), (instance.kernel + 0.02).clip(max=1)
    found = robust(instance, 1.0, low, high)
    assert instance.alone < found.earns(instance) < optimal(instance, 1.0).earns(instance)
    for _ in range(20):
        near = (instance.kernel + rng.uniform(-0.005, 0.005, instance.kernel.shape)).clip(0)
        near /= near.sum(axis=(3, 4), keepdims=True)
        assert ((low <= near) & (near <= high)).all()
        other = Instance.of(instance.prior, instance.costs, near, instance.utility)
        assert max(deviation.gain for deviation in audit(other, found)) < 1e-9
    exact = robust(instance, 1.0, instance.kernel, instance.kernel)
    assert exact.earns(instance) == pytest.approx(optimal(instance, 1.0).earns(instance), abs=1e-9)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"prior": [0.5, 0.6]}, "sum to 1"),
        ({"costs": [[0, -1], [0, 1]]}, "costs"),
        ({"costs": []}, "costs"),
        ({"costs": [[0, 1]]}, "kernel has shape"),
        ({"kernel": np.ones((2, 2, 2, 2, 2))}, "sum to 1"),
        ({"utility": [[1, 2, 3]]}, "reward"),
    ],
)
def test_tables_that_do_not_fit_are_refused(change, says):
    whole = common_source(0.2, 0.05)
    tables = {"prior": whole.prior, "costs": whole.costs, "kernel": whole.kernel, "utility": whole.utility}
    with pytest.raises(ValueError, match=says):
        Instance.of(**{**tables, **change})
