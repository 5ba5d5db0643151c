"""The switch riddle: its chances in closed form, protocols that attain them, and one message from whoever was inside before."""

from itertools import product

import numpy as np
import pytest
from examples import digest

import commenv
from commenv import Channel
from commenv.core.batch import Batch
from commenv.games.classic import counting
from commenv.games.classic.counting import TELLS, Riddle

ID = "classic/switch_riddle-v0"
NOT_YET, AT_LEAST_TWO = 0, 1


def riddle(n: int, steps: int | None = None, **channel) -> Riddle:
    return Riddle(n, 4 * n - 6 if steps is None else steps, Channel(**channel or {"bits": 1}).matrix)


def moves(batch: Batch, tells: np.ndarray, message: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.column_stack([tells, message]).astype(int) for name in batch.possible_agents}


def inside(batch: Batch) -> np.ndarray:
    """Who is inside in each game."""
    return np.stack([batch.active[name] for name in batch.possible_agents]).argmax(axis=0)


def play(batch: Batch, protocol: np.ndarray) -> np.ndarray:
    """What a protocol of counting earns in the game itself, from what prisoners see and their memory of having been inside."""
    n, row = batch.num_envs, np.arange(batch.num_envs)
    observations, visited = batch.reset(), np.zeros((n, len(batch.possible_agents)), int)
    earned, running = np.zeros(n), np.ones(n, bool)
    for actions in protocol:
        who = inside(batch)
        seen = np.stack([observations[name] for name in batch.possible_agents])[who, row]
        np.testing.assert_array_equal(seen[:, 0], 1)
        inbox = seen[:, batch.inbox("prisoner_0")]
        found = np.where(inbox.any(axis=1), inbox.argmax(axis=1), inbox.shape[1])
        chosen = actions[visited[row, who], found]
        visited[row, who] = 1
        observations, rewards, terminations, *_ = batch.step(moves(batch, chosen == TELLS, np.maximum(chosen, 0)))
        earned += running * rewards["prisoner_0"]
        running &= ~terminations["prisoner_0"]
    assert not running.any()
    return earned


def at_least_two_have_visited() -> np.ndarray:
    """Three prisoners: who comes for the first time and finds the bit set is the third."""
    protocol = np.zeros((6, 2, 4), int)
    protocol[:, 0, NOT_YET] = AT_LEAST_TWO  # somebody was there before
    protocol[:, 0, 3] = NOT_YET  # nobody was
    protocol[:, 0, AT_LEAST_TWO] = TELLS
    protocol[:, 1, AT_LEAST_TWO] = AT_LEAST_TWO
    return protocol


# ---------------------------------------------------------------------------------------------------------------- chances
@pytest.mark.parametrize(("n", "chance"), [(2, 0.5), (3, 0.740741), (4, 0.780602)])  # spec/benchmarks.md
def test_the_chance_that_all_visit_in_time(n, chance):
    games = 40_000
    assert counting.all_visited(n, 4 * n - 6) == pytest.approx(chance, abs=1e-6)
    batch = commenv.make_batch(ID, games, seed=1, prisoners=n)
    batch.reset()
    been = np.zeros((games, n), bool)
    for _ in range(4 * n - 6):
        been[np.arange(games), inside(batch)] = True
        *_, terminations, _, infos = batch.step(moves(batch, np.zeros(games), np.zeros(games)))
    assert terminations["prisoner_0"].all()
    assert not infos["prisoner_0"]["final_info"]["success"].any()  # nobody told
    assert abs(been.all(axis=1).mean() - chance) < 4 * np.sqrt(chance * (1 - chance) / games)


def test_anybody_may_come_next():
    games = 30_000
    batch = commenv.make_batch(ID, games, seed=2)
    batch.reset()
    pairs = [inside(batch)]
    batch.step(moves(batch, np.zeros(games), np.zeros(games)))
    pairs.append(inside(batch))
    counts = np.histogram2d(*pairs, bins=3)[0]
    assert (np.abs(counts - games / 9) < 4 * np.sqrt(games / 9)).all()


# ---------------------------------------------------------------------------------------------------------------- limits
def test_two_messages_attain_the_bound_for_three():
    bound = counting.all_visited(3, 6)
    assert riddle(3).value(at_least_two_have_visited()) == pytest.approx(bound, abs=1e-12)
    found, protocol = counting.search(riddle(3))
    assert found == pytest.approx(0.740741, abs=1e-6)
    assert riddle(3).value(protocol) == pytest.approx(found, abs=1e-12)
    limits = commenv.limits(ID)
    assert limits.reachable.exact
    assert limits.reachable.value == pytest.approx(limits.ceiling.value)


def best_protocol(of: Riddle) -> float:
    """The best of all protocols that act alike on clock, message and memory, tried one by one up to the last step."""

    def best(mass: np.ndarray, t: int) -> float:
        entered = of.entered(mass)
        told = entered @ of.telling  # [2, found]
        if t + 1 == of.steps:
            return float(np.maximum(told, 0).sum())
        cells = [tuple(cell) for cell in np.argwhere(entered.sum(axis=-1) > 0)]
        values = []
        for choice in product(range(TELLS, len(of.channel)), repeat=len(cells)):
            actions = np.zeros(told.shape, int)
            for cell, action in zip(cells, choice, strict=True):
                actions[cell] = action
            values.append(float(told[actions == TELLS].sum()) + best(of.left(entered, actions), t + 1))
        return max(values)

    return best(of.beginning(), 0)


@pytest.mark.parametrize(
    ("of"),
    [
        riddle(2),
        riddle(3, 4),
        riddle(4, 4),
        riddle(3, 5, symbols=1),
        riddle(3, 3, bits=1, error=0.1),
        riddle(3, 3, bits=1, erasure=0.3),
    ],
    ids=["2", "3", "4", "silent", "error", "erasure"],
)
def test_the_search_finds_the_best_of_small_riddles(of):
    found, protocol = counting.search(of)
    assert found == pytest.approx(best_protocol(of), abs=1e-9)
    assert of.value(protocol) == pytest.approx(found, abs=1e-12)


@pytest.mark.parametrize(("n", "symbols", "least"), [(3, 2, 0.740740), (4, 2, 0.774753), (4, 4, 0.780597), (5, 2, 0.780151)])
def test_protocols_earn_in_the_game_what_the_chain_says(n, symbols, least):
    games = 100_000
    value, protocol = counting.search(riddle(n, symbols=symbols))
    assert value >= least
    earned = play(commenv.make_batch(ID, games, seed=3, prisoners=n, channel={"symbols": symbols}), protocol)
    assert abs(earned.mean() - value) < 4 * earned.std() / np.sqrt(games)


@pytest.mark.parametrize("channel", [{"error": 0.1}, {"erasure": 0.3}, {"error": 0.1, "erasure": 0.2, "silence": True}])
def test_protocols_earn_what_the_chain_says_through_noise(channel):
    games = 100_000
    value, protocol = counting.search(riddle(3, bits=1, **channel))
    earned = play(commenv.make_batch(ID, games, seed=4, channel=channel), protocol)
    assert abs(earned.mean() - value) < 4 * earned.std() / np.sqrt(games)
    assert commenv.limits(ID, channel=channel).reachable.value == pytest.approx(value, abs=1e-9)


def best_silent(n: int, steps: int) -> float:
    """Every team of prisoners that act on their own visits, tried one by one."""
    sequences = list(product(range(n), repeat=steps))
    own = {(who, tuple(t for t in range(k + 1) if s[t] == who)) for s in sequences for k in range(steps) for who in [s[k]]}
    best = -1.0
    for tells in product((False, True), repeat=len(own)):
        telling = dict(zip(sorted(own), tells, strict=True))
        total = 0
        for s in sequences:
            for k, who in enumerate(s):
                if telling[who, tuple(t for t in range(k + 1) if s[t] == who)]:
                    total += 1 if len(set(s[: k + 1])) == n else -1
                    break
        best = max(best, total / len(sequences))
    return best


@pytest.mark.parametrize(("n", "steps"), [(1, 1), (2, 1), (2, 2), (2, 3), (3, 2)])
def test_the_integer_program_finds_the_best_silent_team(n, steps):
    assert counting.silent(n, steps) == pytest.approx(best_silent(n, steps), abs=1e-9)


def test_silence_for_three():
    limits = commenv.limits(ID)
    assert limits.silent.exact
    assert limits.silent.value == pytest.approx(0.534979, abs=1e-6)  # 390/729; spec/benchmarks.md found .5350
    assert limits.silent.value == pytest.approx(390 / 729, abs=1e-9)
    assert commenv.limits(ID, bits=0).ceiling == limits.silent


@pytest.mark.parametrize(("n", "steps"), [(2, 1), (2, 3), (3, 4), (3, 6)])
def test_a_climb_over_all_visits_finds_the_best_silent_team_of_few(n, steps):
    assert counting.climb_alone(n, steps)[0] == pytest.approx(counting.silent(n, steps), abs=1e-9)


def test_silence_for_four():
    games = 100_000
    value, tells = counting.climb_alone(4, 10)
    assert value >= 0.57165  # spec/benchmarks.md found .5717
    batch = commenv.make_batch(ID, games, seed=8, prisoners=4, bits=0)
    row, visits = np.arange(games), np.zeros((games, 4), int)
    earned, running = np.zeros(games), np.ones(games, bool)
    batch.reset()
    for t in range(10):
        who = inside(batch)
        visits[row, who] += 1 << t
        _, rewards, terminations, *_ = batch.step(moves(batch, tells[visits[row, who]], np.zeros(games)))
        earned += running * rewards["prisoner_0"]
        running &= ~terminations["prisoner_0"]
    assert abs(earned.mean() - value) < 4 * earned.std() / np.sqrt(games)
    limits = commenv.limits(ID, prisoners=4)
    assert limits.silent.value == pytest.approx(value)
    assert not limits.silent.exact


@pytest.mark.parametrize("options", [{"prisoners": 2}, {"prisoners": 4}, {"prisoners": 9}, {"max_cycles": 3}, {"bits": 16}])
@pytest.mark.parametrize("channel", [{}, {"error": 0.3}, {"silence": True, "cap": 1}])
def test_limits_are_in_order(options, channel):
    limits = commenv.limits(ID, **options, channel=channel)
    assert 0 <= limits.silent.value <= limits.reachable.value <= limits.ceiling.value + 1e-9 <= 1


# ---------------------------------------------------------------------------------------------------------------- rules
def test_telling_ends_the_game_rightly_or_wrongly():
    games = 3000
    batch = commenv.make_batch(ID, games, seed=5)
    batch.reset()
    been = np.zeros((games, 3), bool)
    for t in range(3):
        been[np.arange(games), inside(batch)] = True
        *_, rewards, terminations, _, infos = batch.step(moves(batch, np.full(games, t == 2), np.zeros(games)))
    right = been.all(axis=1)
    assert terminations["prisoner_1"].all()
    for name in batch.possible_agents:
        np.testing.assert_array_equal(rewards[name], np.where(right, 1, -1))
        np.testing.assert_array_equal(infos[name]["final_info"]["success"], right)


def test_a_message_goes_to_whoever_comes_next_and_to_nobody_else():
    games = 500
    batch = commenv.make_batch(ID, games, seed=6, bits=2)
    observations, said = batch.reset(), None
    rng = np.random.default_rng(0)
    for _ in range(5):
        who = inside(batch)
        for i, name in enumerate(batch.possible_agents):
            inbox = observations[name][:, batch.inbox(name)]
            np.testing.assert_array_equal(observations[name][:, 0], who == i)
            np.testing.assert_array_equal(inbox.sum(axis=1), (who == i) & (said is not None))  # its own too
            assert said is None or (inbox.argmax(axis=1) == said)[who == i].all()
        said = rng.integers(4, size=games)
        observations, *_ = batch.step(moves(batch, np.zeros(games), said))
    assert batch.meter.total.offered == 5 * games  # one message a step


def test_after_the_end_nobody_hears():
    batch = commenv.make_batch(ID, 4, seed=0)
    batch.reset()
    *_, infos = batch.step(moves(batch, np.ones(4), np.ones(4)))
    for name in batch.possible_agents:
        assert not infos[name]["final_obs"][:, batch.inbox(name)].any()
    assert batch.meter.total.offered == 0


def test_number_and_clock_are_options():
    batch = commenv.make_batch(ID, 5, seed=0, numbered=True, clock=True)
    observations = batch.reset()
    for t in range(4):
        for i, name in enumerate(batch.possible_agents):
            np.testing.assert_array_equal(observations[name][:, 1:4], np.tile(np.eye(3)[i], (5, 1)))
            np.testing.assert_allclose(observations[name][:, 4], t / 6)
        observations, *_ = batch.step(moves(batch, np.zeros(5), np.zeros(5)))


# ---------------------------------------------------------------------------------------------------------------- silence
def test_nobody_learns_who_was_there():
    """Others inside before, with the same words: what everybody sees in the next step is the same."""
    games, rng = 500, np.random.default_rng(0)
    ours, theirs = (commenv.make_batch(ID, games, seed=7, prisoners=4, channel={"error": 0.2, "erasure": 0.1}) for _ in range(2))
    ours.reset(), theirs.reset()
    for _ in range(9):
        theirs.state.games["turn"] = (theirs.state.games["turn"] + rng.integers(1, 4, games)) % 4
        theirs.state.games["visitors"] = rng.integers(1, 4, games)
        theirs.state.agents["visited"] = rng.integers(0, 2, (games, 4))
        action = moves(ours, np.zeros(games), rng.integers(2, size=games))
        told, told_theirs = ours.step(action), theirs.step(action)
        assert digest(told[:4]) == digest(told_theirs[:4])
        for name in ours.possible_agents:
            for key in ("active", "action_mask"):
                assert digest(told[4][name][key]) == digest(told_theirs[4][name][key])


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"prisoners": 1}, "prisoners=1"),
        ({"prisoners": 17}, "prisoners=17"),
        ({"numbered": 1}, "numbered=1"),
        ({"clock": None}, "clock=None"),
    ],
)
def test_bad_options_are_named(options, named):
    with pytest.raises(ValueError, match=named):
        commenv.make(ID, **options)
