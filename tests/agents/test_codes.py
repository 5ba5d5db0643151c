"""Codes of the switch riddle: what random games say is true, values are exact, the best of many finds the convention."""

import itertools

import numpy as np
import pytest
import torch

from agents.codes import CodeTeam, Learning, explore, learn, train, value, worths
from commenv.core.game import choose
from commenv.games import rules
from experiments.evaluation import played

RIDDLE = "classic/switch_riddle-v0"


def options(n=3, **more):
    return choose(rules(RIDDLE), {"prisoners": n, "max_cycles": 4 * n - 6, **more})


def best_of_three():
    """The bit says "at least two have visited": who comes for the first time and hears it, tells."""
    T, symbols, nothing = 6, 2, 3
    code = torch.zeros(T, 2, 4, dtype=torch.long)
    for t, before, heard in itertools.product(range(T), (0, 1), range(4)):
        second = heard == 1 or (heard == 0 and not before)
        code[t, before, heard] = symbols if heard == 1 and not before else int(second and heard != nothing)
    return code


def test_random_games_say_what_ending_earns():
    e = explore(RIDDLE, options(), 20_000, 0)
    assert e.share.sum() == pytest.approx(1)
    assert set(e.worth.unique().tolist()) == {-1.0, 1.0}
    assert bool((e.before[:, 0] == 0).all())  # nobody has been inside before the first step
    everybody = (e.worth[:, -1] == 1).float() @ e.share  # 1 - 3 (2/3)^6 + 3 (1/3)^6 of the games
    assert float(everybody) == pytest.approx(540 / 729, abs=4 * np.sqrt(0.19 / (20_000 * 2 / 7)))


def test_the_known_convention_earns_the_ceiling_in_the_model_and_when_it_is_played():
    e = explore(RIDDLE, options(), 20_000, 0)
    code = torch.nn.functional.one_hot(best_of_three(), 3).float().unsqueeze(0)
    assert float(value(code, e)[0]) == pytest.approx(float((e.worth[:, -1] == 1).float() @ e.share), abs=1e-6)
    found = played(CodeTeam(RIDDLE, options(), best_of_three()), options(), 20_000)
    assert abs(found.reward - 540 / 729) < 4 * found.standard_error


def test_what_an_entry_earns_is_what_the_code_earns_with_it():
    e = explore(RIDDLE, options(), 20_000, 1)
    code = torch.rand(1, 6, 2, 4, 3, generator=torch.Generator().manual_seed(0)).softmax(-1)
    entries, asked = worths(code, e)
    for t, before, heard, choice in [(0, 0, 3, 1), (2, 1, 0, 2), (5, 0, 1, 2), (3, 0, 1, 0)]:
        changed = code.clone()
        changed[0, t, before, heard] = torch.eye(3)[choice]
        difference = (entries[0, t, before, heard, choice] - (code * entries)[0, t, before, heard].sum()) * asked[
            0, t, before, heard
        ]
        assert float(value(changed, e)[0] - value(code, e)[0]) == pytest.approx(float(difference), abs=1e-6)


def test_the_best_of_a_population_finds_the_convention():
    team, _, learned = train(RIDDLE, {"prisoners": 3, "max_cycles": 6}, Learning(members=48, games=20_000), 0)
    found = played(team, options(), 20_000)
    assert found.reward > 0.98 * 540 / 729  # silence earns .72 of it
    assert found.reward < 540 / 729 + 4 * found.standard_error
    assert float(learned.values.median()) < float(learned.values.max())


def test_the_same_seed_learns_the_same():
    few = Learning(members=3, games=2_000, updates=20)
    a, b = (learn(explore(RIDDLE, options(), few.games, 5), few, 5) for _ in range(2))
    assert torch.equal(a.codes, b.codes)


def test_a_noisy_bit_is_worth_less():
    clean, noisy = options(), options(channel={"bits": 1, "error": 0.2})
    code = torch.nn.functional.one_hot(best_of_three(), 3).float().unsqueeze(0)
    values = [float(value(code, explore(RIDDLE, o, 20_000, 0))[0]) for o in (clean, noisy)]
    found = played(CodeTeam(RIDDLE, noisy, best_of_three()), noisy, 20_000)
    assert values[1] < values[0]
    assert abs(found.reward - values[1]) < 4 * np.hypot(found.standard_error, 1 / np.sqrt(20_000 * 2 / 7))


def test_a_code_is_written_and_refused_where_it_does_not_fit(tmp_path):
    from agents import load

    team = CodeTeam(RIDDLE, options(), best_of_three())
    team.save(tmp_path)
    assert torch.equal(load(tmp_path).code, team.code)
    with pytest.raises(ValueError, match="does not fit"):
        CodeTeam(RIDDLE, options(), torch.full((6, 2, 4), 3))
    with pytest.raises(ValueError, match="no game of turns"):
        explore("classic/hallway-v0", choose(rules("classic/hallway-v0"), {}), 10, 0)
    with pytest.raises(ValueError, match="max_cycles"):
        explore(RIDDLE, choose(rules(RIDDLE), {}), 10, 0)
