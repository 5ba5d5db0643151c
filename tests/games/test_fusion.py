"""messaging/fusion: detectors as played, what is read and heard, limits."""

import numpy as np
import pytest

import commenv
from agents.exact.fusion import ID, DetectorTeam
from commenv.games.messaging.fusion import Options
from experiments.evaluation import played


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sensors": 4},
        {"bits": 2, "sensors": 3},
        {"sensors": 9, "sigma": 2.0},
        {"channel": {"error": 0.2, "drop": 0.1}},
        {"bits": 0},
    ],
    ids=str,
)
def test_detectors_are_right_as_often_as_reachable(options):
    limits = commenv.limits(ID, **options)
    found = played(DetectorTeam(Options(**options)), Options(**options), 20_000)
    assert abs(found.reward - limits.reachable.value) <= 4 * found.standard_error
    assert limits.silent.value <= limits.reachable.value <= limits.ceiling.value
    assert found.payload_bits == Options(**options).sensors * Options(**options).bits


def test_readings_are_of_their_law():
    batch = commenv.make_batch(ID, 20_000, seed=2, sensors=2, sigma=0.5)
    seen = batch.reset()
    theta = 2 * batch.state.games["state"] - 1
    noise = np.stack([seen["sensor_0"][:, 0] - theta, seen["sensor_1"][:, 0] - theta])
    assert np.abs(noise.mean(axis=1)).max() < 4 * 0.5 / np.sqrt(20_000)
    assert noise.std(axis=1) == pytest.approx(0.5, rel=0.03)
    assert abs(np.corrcoef(noise)[0, 1]) < 0.03
    assert abs(theta.mean()) < 0.03


def test_limits_of_what_is_not_heard():
    late = commenv.limits(ID, channel={"delay": 1})
    assert late.reachable.value == late.ceiling.value == 0.5
    assert commenv.limits(ID, sensors=1).reachable.exact
    assert not commenv.limits(ID).reachable.exact


@pytest.mark.parametrize(("options", "sentence"), [({"sensors": 0}, "sensors=0"), ({"sigma": 0}, "sigma=0")])
def test_bad_options_are_named(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        commenv.make(ID, **options)
