"""What people must be able to read in a picture: every name beside its circle, every link, every message."""

import numpy as np
import pytest

import commenv
from commenv.interfaces.picture import picture

DARK, QUIET = (0x26, 0x32, 0x38), (0xD9, 0xDC, 0xE1)


def inked(drawn: np.ndarray, ink: tuple[int, int, int]) -> np.ndarray:
    return (drawn == ink).all(axis=-1)


@pytest.mark.parametrize("agents", [1, 2, 3, 4, 5, 6, 8, 12])
@pytest.mark.parametrize("looped", [False, True])
def test_names_stand_beside_their_circles_and_inside_the_picture(agents, looped):
    names, blank = [f"perceiver_{i}" for i in range(agents)], [" " * (i + 1) for i in range(agents)]

    def drawn(names: list[str]) -> np.ndarray:
        return picture(names, [(name, name) for name in names] if looped else [], [], names, [])

    named, circles = drawn(names), drawn(blank)
    covered = inked(circles, DARK) & ~inked(named, DARK)
    assert inked(circles, DARK).sum() > 500
    assert not covered.any()
    written = (named != circles).any(axis=-1)
    assert written.any()
    assert not written[0].any()
    assert not written[-1].any()
    assert not written[:, [0, -1]].any()


def test_an_agent_that_hears_itself_has_a_loop():
    with_loop, without = (picture(["alone"], links, [], [], []) for links in ([("alone", "alone")], []))
    assert inked(with_loop, QUIET).sum() > 50 > inked(without, QUIET).sum()


def test_numbers_are_short_enough_to_read():
    env = commenv.make("classic/speaker_listener-v0", "ansi", channel={"floats": 3, "bits": 4})
    env.reset(seed=0)
    env.step({"speaker_0": [0.3, -0.3, 1.0], "listener_0": 0})
    assert "speaker_0 -> listener_0: [0.312 -0.312 0.938]" in env.render()
