"""Detection from viewpoints against sums over all maps, readings and codes."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from commenv.solvers.viewpoints import Scene, f1, maps

SMALL = Scene(0.3, ((0.1, None), (0.05, 0.2)))


def test_f1_is_scikit_learn_s():
    every = maps(4)
    theirs = [[f1_score(true, named, zero_division=1.0) for named in every] for true in every]
    theirs[0] = [1.0, *[0.0] * 15]  # theirs calls precision perfect only where nothing is named
    np.testing.assert_allclose(f1(4), theirs)


def by_hand(scene, said):
    """Mean F1 with the best maps: of each (centre's reading, what is said) all maps are tried."""
    total, every = {}, maps(scene.cells)
    views = list(zip(scene.wrong, scene.seen, strict=True))
    for true in every:
        for read in product(*(maps(len(cells)) for _, cells in views)):
            p = np.where(true, scene.density, 1 - scene.density).prod()
            for (wrong, cells), reading in zip(views, read, strict=True):
                p *= np.prod([wrong[k] if r != true[k] else 1 - wrong[k] for k, r in zip(cells, reading, strict=True)])
            numbers = [int(reading @ 2 ** np.arange(len(reading))) for reading in read]
            key = (numbers[0], *(code[n] for code, n in zip(said, numbers[1:], strict=True)))
            scores = np.array(
                [1.0 if not (true | named).any() else 2 * (true @ named) / (true.sum() + named.sum()) for named in every]
            )
            total[key] = total.get(key, 0.0) + p * scores
    return sum(scores.max() for scores in total.values())


def test_values_are_sums_over_everything():
    three = Scene(0.4, ((0.1, 0.3, None), (None, 0.1, 0.2), (None, 0.25, 0.05)))
    for scene, said in ((SMALL, [[0, 1, 1, 0]]), (three, [[0, 1, 2, 2], [1, 0, 0, 1]])):
        outputs = max(max(code) for code in said) + 1
        found = scene.coded([np.array(code) for code in said], np.eye(outputs), "")
        assert found.value == pytest.approx(by_hand(scene, said), rel=1e-12)
        assert scene.silent == pytest.approx(by_hand(scene, [[0] * 4] * len(said)), rel=1e-12)
        assert scene.all_told == pytest.approx(by_hand(scene, [[0, 1, 2, 3]] * len(said)), rel=1e-12)


@pytest.mark.parametrize("messages", [2, 3])
def test_the_best_code_of_one_sensor_is_the_best_of_all(messages):
    scene = Scene(0.3, ((0.1, None, None), (0.05, 0.1, 0.2)))
    channel = np.eye(messages)
    codes = product(range(messages), repeat=8) if messages == 2 else np.random.default_rng(1).integers(3, size=(600, 8))
    best = max(scene.coded([np.array(code)], channel, "").value for code in codes)
    found = scene.best_code(channel).value
    assert found == pytest.approx(best, rel=1e-12) if messages == 2 else found >= best - 1e-12


@settings(max_examples=12, deadline=None)
@given(
    density=st.floats(0.05, 0.95),
    noise=st.lists(st.floats(0, 0.5), min_size=5, max_size=5),
    error=st.sampled_from([0.0, 0.2]),
)
def test_filling_the_best_code_and_all_readings_are_in_order(density, noise, error):
    a, b, c, d, e = noise
    scene = Scene(density, ((a, b, None), (None, c, d), (None, None, e)))
    values = [scene.silent]
    for bits in (1, 2):
        W = (1 - error) * np.eye(2**bits) + error / 2**bits
        filling, best = scene.filling(W).value, scene.best_code(W).value
        assert scene.silent - 1e-12 <= filling <= best + 1e-12
        assert best <= scene.all_told + 1e-12
        values.append(best)
    assert error or values == sorted(values)


def test_filling_tells_of_what_is_in_doubt():
    """Of three cells the centre reads the first well, the second badly, the third not at all; one bit goes to the third."""
    scene = Scene(0.4, ((0.01, 0.4, None), (0.1, 0.1, 0.1)))
    reading = np.arange(8)
    assert np.array_equal(scene.filling(np.eye(2)).encoders[0], reading >> 2 & 1)
    four = scene.filling(np.eye(4)).encoders[0]
    assert len(np.unique(four)) == 4
    assert np.array_equal(four, four[reading & 6])  # the second and the third, whatever the first


def test_what_is_too_large_is_refused():
    with pytest.raises(ValueError, match="9 cells"):
        Scene(0.3, ((0.1,) * 9,))
    with pytest.raises(ValueError, match="noise="):
        Scene(0.3, ((0.6,),))
