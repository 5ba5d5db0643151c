"""Predator-prey and its capturing sister: freezing, rewards by mode, what is seen, and returns of those who know the prey."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import commenv
from commenv.core.batch import Batch
from commenv.games.classic import predator_capture_prey, predator_prey
from commenv.games.classic.measured import first_games
from commenv.games.classic.predator_prey import DOWN, LEFT, RIGHT, STAY, UP

PREY, CAPTURE = "classic/predator_prey-v0", "classic/predator_capture_prey-v0"


def make(id: str, cells: list[tuple[int, int]], prey: tuple[int, int], **options: Any) -> Batch:
    """One game, its agents and the prey where the test wants them."""
    batch = commenv.make_batch(id, 1, seed=0, **{"bits": 0, **options})
    batch.reset()
    grid, board = batch._parameters.grid, batch.state.board[0]
    board[:] = 0
    batch.state.games["prey"] = prey[0] * grid + prey[1]
    for i, (row, column) in enumerate(cells):
        batch.state.agents["cell"][0, i] = row * grid + column
        board[row * grid + column + (grid**2 if batch.possible_agents[i].startswith("capturer") else 0)] += 1
    return batch


def play(batch: Batch, *moves: int) -> tuple[list[float], bool, bool]:
    _, rewards, terminations, truncations, _ = batch.step(
        {name: np.array([move]) for name, move in zip(batch.possible_agents, moves, strict=True)}
    )
    first = batch.possible_agents[0]
    return [float(row[0]) for row in rewards.values()], bool(terminations[first][0]), bool(truncations[first][0])


def where(batch: Batch) -> list[tuple[int, int]]:
    return [divmod(int(cell), batch._parameters.grid) for cell in batch.state.agents["cell"][0]]


# ---------------------------------------------------------------------------------------------------------------- rules
@pytest.mark.parametrize(
    ("size", "grid", "predators", "vision", "steps"), [(5, 5, 3, 0, 20), (10, 10, 5, 1, 40), (20, 20, 10, 1, 80)]
)
def test_sizes(size, grid, predators, vision, steps):  # spec/benchmarks.md
    batch = commenv.make_batch(PREY, 1, size=size, bits=0)
    assert len(batch.possible_agents) == predators
    assert batch.observation_spaces["predator_0"].shape == ((2 * vision + 1) ** 2 * (grid**2 + 4),)
    assert batch.options.max_cycles == steps


def test_each_part_of_a_size_can_be_chosen():
    options = predator_prey.Options(size=10, grid=7, vision=2)
    assert options.setting == (7, 5, 2, 40)
    assert replace(options, predators=4).setting == (7, 4, 2, 40)


def test_moves_and_walls():
    batch = make(PREY, [(0, 0), (2, 2), (4, 4)], (0, 3))
    play(batch, UP, UP, DOWN)
    assert where(batch) == [(0, 0), (1, 2), (4, 4)]
    play(batch, LEFT, RIGHT, RIGHT)
    assert where(batch) == [(0, 0), (1, 3), (4, 4)]
    play(batch, DOWN, DOWN, LEFT)
    assert where(batch) == [(1, 0), (2, 3), (4, 3)]
    play(batch, STAY, LEFT, UP)
    assert where(batch) == [(1, 0), (2, 2), (3, 3)]


@pytest.mark.parametrize(
    ("mode", "one", "two", "three"),
    [("mixed", 0, 0, 0), ("cooperative", 0.05, 0.1, 0.15), ("competitive", 0.05, 0.025, 0.05 / 3)],
)
def test_rewards_freezing_and_the_end(mode, one, two, three):
    batch = make(PREY, [(0, 1), (1, 0), (0, 3)], (0, 0), mode=mode)
    assert play(batch, LEFT, STAY, STAY) == (pytest.approx([one, -0.05, -0.05]), False, False)
    assert play(batch, RIGHT, UP, LEFT) == (pytest.approx([two, two, -0.05]), False, False)
    assert where(batch) == [(0, 0), (0, 0), (0, 2)]  # who is on the prey stays there
    assert play(batch, DOWN, RIGHT, LEFT) == (pytest.approx([two, two, -0.05]), False, False)
    rewards, terminated, truncated = play(batch, DOWN, RIGHT, LEFT)
    assert rewards == pytest.approx([three] * 3)
    assert (terminated, truncated) == (mode == "mixed", False)
    success = batch.buffers.success[0]
    if mode != "mixed":
        assert where(batch) == [(0, 0)] * 3
        ends = [play(batch, DOWN, RIGHT, LEFT) for _ in range(16)]
        assert ends == [(pytest.approx([three] * 3), False, t == 15) for t in range(16)]
        success = batch.buffers.success[0]
    assert success == 1


def test_those_who_do_not_arrive_in_time_fail():
    batch = make(PREY, [(0, 1), (1, 0), (0, 3)], (0, 0), max_cycles=3)
    play(batch, LEFT, UP, STAY)
    play(batch, STAY, STAY, STAY)
    assert play(batch, STAY, STAY, LEFT) == (pytest.approx([0, 0, -0.05]), False, True)
    assert batch.buffers.success[0] == 0


@pytest.mark.parametrize("id", [PREY, CAPTURE])
def test_all_begin_on_different_cells_uniformly(id):
    n = 20_000
    batch = commenv.make_batch(id, n, seed=0)
    batch.reset()
    cells = np.column_stack([batch.state.agents["cell"], batch.state.games["prey"]])
    assert all(len(set(row)) == 4 for row in cells[:2000])
    for column in cells.T:
        assert (np.abs(np.bincount(column, minlength=25) - n / 25) < 5 * np.sqrt(n / 25)).all()
    full = commenv.make_batch(PREY, 50, seed=0, grid=2)
    full.reset()
    taken = np.column_stack([full.state.agents["cell"], full.state.games["prey"]])
    np.testing.assert_array_equal(np.sort(taken, axis=1), np.tile(range(4), (50, 1)))


def test_capture():
    batch = make(CAPTURE, [(0, 1), (1, 0), (1, 1)], (0, 0))
    capture = predator_capture_prey.CAPTURE
    assert play(batch, LEFT, STAY, capture) == (pytest.approx([0, -0.05, -0.05]), False, False)  # not from afar
    assert play(batch, RIGHT, capture, UP)[0] == pytest.approx([0, -0.05, -0.05])
    assert where(batch) == [(0, 0), (1, 0), (0, 1)]
    assert play(batch, RIGHT, STAY, LEFT)[0] == pytest.approx([0, -0.05, -0.05])  # on the prey, but it has not captured it
    assert play(batch, STAY, STAY, RIGHT)[0] == pytest.approx([0, -0.05, -0.05])
    assert where(batch)[2] == (0, 0)  # nor can it leave
    assert play(batch, STAY, STAY, capture) == (pytest.approx([0, -0.05, 0]), False, False)
    assert play(batch, STAY, UP, STAY) == (pytest.approx([0, 0, 0]), True, False)
    assert batch.buffers.success[0] == 1


def test_a_perceiver_captures_nothing_and_time_runs_out():
    batch = make(CAPTURE, [(0, 1), (1, 0), (0, 2)], (0, 0))
    play(batch, LEFT, UP, LEFT)
    ends = [play(batch, 5, 5, move) for move in [LEFT] + [STAY] * 18]
    assert ends[:-1] == [(pytest.approx([0, 0, -0.05]), False, False)] * 18
    assert ends[-1][1:] == (False, True)
    assert batch.buffers.success[0] == 0


# ---------------------------------------------------------------------------------------------------------------- seeing
def expected(batch: Batch, i: int, vision: int, spare: int, prey: tuple[int, int], crowd: list[tuple[int, int]]) -> np.ndarray:
    grid, (row, column) = batch._parameters.grid, where(batch)[i]
    seen = []
    for y in range(row - vision, row + vision + 1):
        for x in range(column - vision, column + vision + 1):
            inside = 0 <= y < grid and 0 <= x < grid
            number = np.zeros(grid**2)
            if inside:
                number[y * grid + x] = 1
            capturers = [w for w, name in zip(where(batch), batch.possible_agents, strict=True) if name.startswith("capturer")]
            counts = [capturers.count((y, x)) if spare else 0, not inside, (y, x) == prey, crowd.count((y, x))]
            seen.append(np.concatenate([number, counts]))
    return np.concatenate(seen)


@pytest.mark.parametrize("vision", [0, 1, 2])
def test_what_a_predator_sees(vision):
    batch = make(PREY, [(0, 0), (1, 1), (1, 2)], (0, 2), vision=vision)
    play(batch, RIGHT, LEFT, LEFT)
    play(batch, STAY, RIGHT, STAY)
    assert where(batch) == [(0, 1), (1, 1), (1, 1)]
    for i, rows in enumerate(batch.observations.values()):
        np.testing.assert_array_equal(rows[0], expected(batch, i, vision, 0, (0, 2), where(batch)))


def test_what_a_perceiver_sees_and_a_capturer_does_not():
    batch = make(CAPTURE, [(0, 1), (1, 2), (2, 2)], (0, 2))
    play(batch, STAY, LEFT, UP)
    for i, (name, rows) in enumerate(batch.observations.items()):
        sight = expected(batch, i, 1, 1, (0, 2), where(batch)[:2]).reshape(9, 29)
        if name == "capturer_0":
            sight[:, 25:] = -1
        np.testing.assert_array_equal(rows[0], sight.ravel())


@pytest.mark.parametrize(("id", "mover"), [(PREY, 1), (CAPTURE, 0), (CAPTURE, 2)])
def test_without_vision_nobody_learns_of_another_but_by_the_channel(id, mover):
    """Move one agent and hold its messages: what agents in other cells are told must not move by a bit."""
    n, rng, compared = 2000, np.random.default_rng(0), 0
    actions = {name: space.nvec for name, space in commenv.make_batch(id, 1).action_spaces.items()}
    for seed in range(3):
        ours, theirs = (commenv.make_batch(id, n, seed=seed, vision=0, channel={"error": 0.1}) for _ in range(2))
        names, row = ours.possible_agents, np.arange(n)
        for batch in (ours, theirs):
            batch.reset()
        elsewhere = rng.integers(0, 25, n)
        first = 25 if names[mover].startswith("capturer") else 0
        agents, board = theirs.state.agents, theirs.state.board
        board[row, first + agents["cell"][:, mover]] -= 1
        board[row, first + elsewhere] += 1
        agents["cell"][:, mover] = elsewhere
        running = elsewhere != ours.state.games["prey"]  # that all have arrived, and the game is over, everybody knows
        for _ in range(3):
            drawn = {name: np.stack([rng.integers(0, k, n) for k in high], axis=1) for name, high in actions.items()}
            told, told_theirs = ours.step(drawn), theirs.step(drawn)
            running &= ~(ours.buffers.terminated | theirs.buffers.terminated)
            for i, name in enumerate(names):
                if i == mover:
                    continue
                apart = running.copy()
                for batch in (ours, theirs):
                    apart &= batch.state.agents["cell"][:, i] != batch.state.agents["cell"][:, mover]
                np.testing.assert_array_equal(told[0][name][apart], told_theirs[0][name][apart])
                for key in ("active", "payload_bits", "messages", "blocked"):
                    np.testing.assert_array_equal(told[4][name][key][running], told_theirs[4][name][key][running])
                compared += apart.sum()
    assert compared > 10_000


# ---------------------------------------------------------------------------------------------------------------- limits
@pytest.mark.parametrize("mode", predator_prey.MODES)
@pytest.mark.parametrize("options", [{}, {"grid": 6, "max_cycles": 12}, {"grid": 3, "predators": 5}, {"max_cycles": 4}])
def test_who_knows_the_prey_earns_the_ceiling(mode, options):
    """The sweep of predators who see the whole grid goes straight to the prey."""
    everything = predator_prey.Options(**options, mode=mode, vision=9, bits=0)
    played = predator_prey._sweep(everything)
    error = float(played.source.split()[-1])
    limits = commenv.limits(PREY, **options, mode=mode)
    assert limits.ceiling.value == pytest.approx(played.value, abs=4 * error)
    assert limits.silent.value < limits.ceiling.value
    assert not limits.reachable.exact
    seeing = commenv.limits(PREY, **options, mode=mode, vision=9)
    assert seeing.silent == seeing.reachable == seeing.ceiling
    assert seeing.ceiling.exact


def test_one_predator_against_one_prey_by_hand():
    """On 2x2 the prey is at distance 1, 1 or 2: -.05 in no step, no step and one step."""
    limits = commenv.limits(PREY, grid=2, predators=1, vision=1)
    assert limits.silent.value == limits.ceiling.value == pytest.approx(-0.05 / 3)


def test_who_knows_the_prey_captures_at_the_ceiling():
    def straight(batch: Batch) -> dict[str, np.ndarray]:
        cell, prey = batch.state.agents["cell"], batch.state.games["prey"][:, None]
        down, right = prey // 5 - cell // 5, prey % 5 - cell % 5
        moves = np.select([down < 0, right > 0, down > 0, right < 0], [UP, RIGHT, DOWN, LEFT], predator_capture_prey.CAPTURE)
        return dict(zip(batch.possible_agents, moves.T, strict=True))

    returns = first_games(commenv.make_batch(CAPTURE, 8192, seed=0, bits=0), straight, "episode_return")
    limits = commenv.limits(CAPTURE)
    assert limits.ceiling.value == pytest.approx(returns.mean(), abs=4 * returns.std() / np.sqrt(8192))
    assert limits.silent.value < limits.ceiling.value
    assert commenv.limits(CAPTURE, bits=0).reachable == limits.silent


@pytest.mark.parametrize("id", [PREY, CAPTURE])
@pytest.mark.parametrize("reach", [0, 1.5, 2])
def test_messages_go_as_far_as_their_reach(id, reach):
    n = 500
    batch = commenv.make_batch(id, n, seed=4, bits=1, reach=reach)
    batch.reset()
    rng, told = np.random.default_rng(0), 0
    for _ in range(3):
        moves = {name: np.stack([rng.integers(5, size=n), np.ones(n, int)], axis=1) for name in batch.possible_agents}
        observations, _, ended, *_ = batch.step(moves)
        row, column = np.divmod(batch.state.agents["cell"], 5)
        going = ~ended[batch.possible_agents[0]]
        for name in batch.possible_agents:
            inbox = observations[name][:, batch.inbox(name)].reshape(n, 2, 3)
            for k, (source, target) in enumerate(batch.heard_by(name)):
                apart = (row[:, source] - row[:, target]) ** 2 + (column[:, source] - column[:, target]) ** 2
                expected = np.where((apart <= reach**2)[:, None], [0, 1, 0], 0)
                np.testing.assert_array_equal(inbox[going, k], expected[going])
                told += expected[going].sum()
    assert told > 0


# ---------------------------------------------------------------------------------------------------------------- options
@pytest.mark.parametrize(
    ("id", "options", "named"),
    [
        (PREY, {"size": 7}, "size=7"),
        (PREY, {"size": "5"}, "size='5'"),
        (PREY, {"size": True}, "size=True"),
        (PREY, {"grid": 1}, "grid=1"),
        (PREY, {"grid": 5.0}, "grid=5.0"),
        (PREY, {"predators": 0}, "predators=0"),
        (PREY, {"grid": 2, "predators": 4}, "predators=4"),
        (PREY, {"vision": -1}, "vision=-1"),
        (PREY, {"mode": "friendly"}, "mode='friendly'"),
        (PREY, {"mode": None}, "mode=None"),
        (PREY, {"max_cycles": 0}, "max_cycles=0"),
        (CAPTURE, {"reach": -1}, "reach=-1"),
        (CAPTURE, {"grid": 65}, "grid=65"),
        (CAPTURE, {"perceivers": 0}, "perceivers=0"),
        (CAPTURE, {"grid": 2, "perceivers": 2, "capturers": 2}, "capturers=2"),
        (CAPTURE, {"capturers": 1.5}, "capturers=1.5"),
        (CAPTURE, {"vision": None}, "vision=None"),
        (CAPTURE, {"max_cycles": True}, "max_cycles=True"),
    ],
)
def test_bad_options_are_named(id, options, named):
    for of in (commenv.make, commenv.limits):
        with pytest.raises(ValueError, match=r".") as caught:
            of(id, **options)
        assert named in str(caught.value)
        assert "\n" not in str(caught.value)
