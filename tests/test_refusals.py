"""Whatever nonsense is given for whatever option of whatever game, or to whatever measure, is refused in one sentence."""

import inspect
import math
from dataclasses import fields

import numpy as np
import pytest

import commenv
from commenv import info
from commenv.core.game import choose
from commenv.games import rules

JUNK = [
    *(None, True, -1, 0, 2.5, math.nan, math.inf, 10**400, 1j, "x", b"x", object(), len),
    *([], [[1, 2], [3]], (1, "a"), {"a": 1}, np.array([1.0, math.nan]), np.zeros((2, 2))),
]
UNTOLD = ("inhomogeneous shape after", "could not convert", "not supported between", "object is not", "truth value")
"""What Python and NumPy say when they stumble, which names nothing that a user gave."""
MEASURES = [name for name in dir(info) if inspect.isfunction(getattr(info, name))]


def refuses(call, *args, **given):
    """Whether it refuses; any other error than a ValueError of one line fails the test."""
    try:
        call(*args, **given)
    except ValueError as refusal:
        told = str(refusal)
        assert "\n" not in told
        assert len(told) < 600
        assert " must " in told or " is not allowed" in told or not any(words in told for words in UNTOLD), told
        return True
    return False


@pytest.mark.parametrize("id", commenv.ids())
def test_options(id):
    game = rules(id)
    for option in fields(game.Options):
        assert any([refuses(choose, game, {option.name: junk}) for junk in JUNK]), option.name
    assert refuses(choose, game, {"no such option": 1})


@pytest.mark.parametrize("name", MEASURES)
def test_measures(name):
    measure = getattr(info, name)
    given = inspect.signature(measure).parameters.values()
    needed = [p.name for p in given if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
    for junk in (object(), "x", 1j, [[1, 2], [3]], {"a": 1}):
        if not needed:
            refuses(measure, junk)  # of labels: words are some
        else:
            assert refuses(measure, **dict.fromkeys(needed, junk)), (name, junk)
