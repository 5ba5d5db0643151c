"""messaging/guide: known values, walks as played, maps."""

import numpy as np
import pytest

import commenv
from agents.exact.guide import ID, SearchTeam
from commenv.games.messaging.guide import Options
from experiments.evaluation import played


@pytest.mark.parametrize(
    ("options", "known"),
    [
        ({"legs": 4, "length": 3}, (12, 6, 3)),
        ({"legs": 6}, (12, 6, 3.333333333, 2)),
        ({"legs": 8}, (16, 8, 4)),
        ({"world": "line", "places": 7}, (4.285714286, 1.714285714, 1.714285714)),
        ({"world": "line", "places": 9}, (5.777777778, 2.222222222)),
        ({"world": "line", "places": 7, "start": 0}, (3, 3)),
    ],
    ids=str,
)
def test_mean_steps(options, known):
    """Spiders by all encoders; on a line one bit, left or right, is all there is to know."""
    for bits, steps in enumerate(known):
        limits = commenv.limits(ID, bits=bits, **options)
        assert limits.reachable.exact
        assert limits.reachable.value == pytest.approx(-steps, abs=6e-10)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bits": 0},
        {"legs": 8, "bits": 1},
        {"world": "line", "bits": 1},
        {"world": "maze", "bits": 1},
        {"legs": 4, "bits": 1, "channel": {"error": 0.1, "drop": 0.1}},
        {"world": "maze", "bits": 1, "channel": {"erasure": 0.3}},
    ],
    ids=str,
)
def test_the_best_search_takes_its_steps(options):
    limits = commenv.limits(ID, **options)
    found = played(SearchTeam(Options(**options)), Options(**options), 20_000)
    assert abs(found.reward - limits.reachable.value) <= 4 * found.standard_error + 1e-9
    assert limits.silent.value <= limits.reachable.value + 1e-9 <= limits.ceiling.value + 2e-9
    assert found.success == 1


def test_whoever_stands_still_runs_out_of_patience():
    env = commenv.make(ID, world="line", places=3, start=0, patience=11)
    assert any(not env.reset(seed=seed)[0]["guide"][0] for seed in range(20))  # a goal that is not where the mover starts
    steps = 0
    while env.agents:
        _, rewards, terminated, *_ = env.step(dict.fromkeys(env.agents, 0))
        steps += 1
    assert (steps, rewards["mover"]) == (12, -1)
    assert terminated["mover"]


def test_ways_of_the_maze():
    world = Options(world="maze").map
    assert world.moves.shape[1] == 4
    assert world.steps[world.start, world.goals].tolist() == [6, 6, 3, 3, 6, 6]
    back = world.steps == world.steps.T
    assert back.all()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"world": "sea"}, "world='sea'"),
        ({"legs": 17}, "legs=17"),
        ({"world": "line", "start": 9}, "start=9"),
        ({"patience": 3}, "patience=3"),
        ({"world": "maze", "maze": ["SG", "."]}, "rows of equal length"),
        ({"world": "maze", "maze": ["S#G"]}, "hangs together"),
        ({"world": "maze", "maze": ["S.."]}, "goals"),
        ({"maze": "SG"}, "rows of text"),
    ],
)
def test_bad_options_are_named(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        commenv.make(ID, **options)


def test_many_messages_over_noise_are_bounded():
    limits = commenv.limits(ID, legs=8, bits=2, channel={"error": 0.1})
    assert not limits.reachable.exact
    assert limits.reachable.value == limits.ceiling.value == -2
    cut = commenv.limits(ID, max_cycles=2)
    assert not cut.reachable.exact
    assert np.isclose(cut.reachable.value, -1)
